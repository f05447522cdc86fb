"""Evaluation of a pipeline on labeled texts in many languages, before and after the projection."""

import os
import warnings
from collections import Counter
from collections.abc import Sequence
from time import perf_counter
from typing import Any, Optional, Union

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, Reading, load_dataset, without_language
from spacy_xlt.data.docbin import make_inputs
from spacy_xlt.data.paths import paths_of
from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError, XltWarning
from spacy_xlt.evaluation.contamination import find_contamination
from spacy_xlt.evaluation.document import Contamination, Figures, Prediction
from spacy_xlt.evaluation.entities import evaluate_ner
from spacy_xlt.evaluation.figures import by_language
from spacy_xlt.evaluation.groups import group_figures
from spacy_xlt.evaluation.make_details import make_details
from spacy_xlt.evaluation.predictions import Bools, Floats, digest_of, is_multilabel, labels_of, probabilities_of
from spacy_xlt.evaluation.qa import evaluate_qa
from spacy_xlt.evaluation.report import Report
from spacy_xlt.evaluation.seq2seq import Seq2SeqReport, evaluate_seq2seq
from spacy_xlt.evaluation.task_report import TaskReport
from spacy_xlt.languages import UNKNOWN, base_code, find_language
from spacy_xlt.models import load_model
from spacy_xlt.pipeline.classifiers import TextClassifier, find_classifier, has_classifier
from spacy_xlt.pipeline.find import find_pipe, has_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.ner import EntityRecognizer
from spacy_xlt.pipeline.pairs import PairClassifier
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.pipeline.qa import QuestionAnswerer
from spacy_xlt.pipeline.seq2seq import Seq2Seq
from spacy_xlt.progress import progress_bar
from spacy_xlt.training.examples import check_labels, gold_matrix

DEFAULT_SOURCE = "en"


def evaluate(
    nlp: Union[Language, str, os.PathLike[str]],
    data: Data,
    *,
    source: Optional[str] = None,
    train: Optional[Data] = None,
    strict: bool = False,
    examples: int = 0,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> Union[Report, TaskReport, Seq2SeqReport]:
    """Measure a model on labeled texts, for each language.

    The task is that of the pipeline: text classification (see `evaluate_classifier`, which has all of these options),
    named entities, questions, or generated texts (see `evaluate_seq2seq`).

    Args:
        nlp: A trained pipeline, or its model folder. It is not changed.
        data: Labeled texts: whatever `load_dataset` takes; texts with entities for `xlt_ner`: see `load_entities`;
            questions for `xlt_qa`: see `load_questions`.
        source: The source language. The default is that of the training, or English.
        train: The training data, to find test texts in them.
        strict: Raise an error if a test text is also in the training data.
        examples: The largest number of wrongly classified texts that the report shows.
        progress: Show a progress bar on a terminal or in a notebook.
        reading: Options of `load_dataset`.

    Returns:
        A Report for text classification, a TaskReport for named entities and questions, or a Seq2SeqReport. All of them
        have `table`, `to_dict` and `to_json`.

    Raises:
        XltError: The model folder or the data cannot be read, or the pipeline has no trained component.

    Example:
        >>> report = evaluate("model", "test.jsonl")  # doctest: +SKIP
        >>> report.table()  # doctest: +SKIP
    """
    if not isinstance(nlp, Language):
        nlp = load_model(os.fspath(nlp))
    if has_pipe(nlp, Seq2Seq):
        return evaluate_seq2seq(nlp, data, progress=progress, **reading)
    if has_pipe(nlp, EntityRecognizer) and not has_classifier(nlp):
        return evaluate_ner(nlp, data, source=source, progress=progress)
    if has_pipe(nlp, QuestionAnswerer):
        return evaluate_qa(nlp, data, source=source, progress=progress)
    return evaluate_classifier(
        nlp, data, source=source, train=train, strict=strict, examples=examples, progress=progress, **reading
    )


def evaluate_classifier(
    nlp: Union[Language, str, os.PathLike[str]],
    data: Data,
    *,
    source: Optional[str] = None,
    train: Optional[Data] = None,
    strict: bool = False,
    examples: int = 0,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> Report:
    """Measure accuracy, F1 scores and calibration for each language.

    If the pipeline has a projector, the same texts are also classified without the projection, to show its effect.
    The pipeline is not changed.

    Args:
        nlp: A trained pipeline, or its model folder.
        data: Labeled texts: whatever `load_dataset` takes. A text without a language counts towards its detected
            language. If some texts have a label that the model does not have, it is wrong on them, with a warning.
        source: The source language, which the gaps are relative to. The default is the source of the projector, or
            English if there is no projector.
        train: The training data. If given, the report says which test texts are also in it, and shows the nearest
            training texts beside each of the `examples`. Labels are needed only for these.
        strict: Raise an error if a test text is also in the training data.
        examples: The largest number of texts with a wrong label or a wrong language that the report shows, with the
            words that mattered for the prediction. By default, a report shows no texts, because they may be
            confidential. Each word of these texts is removed in turn, which takes the time of one more text.
        progress: Show a progress bar on a terminal or in a notebook.
        reading: Options of `load_dataset`, such as `text` and `label`, the names of the fields.

    Returns:
        The report: the figures of each language with 95% confidence intervals, their mean over the target languages
        and over groups of languages, both before projection, and the prediction for each text.

    Raises:
        XltError: The model folder or the data cannot be read, the pipeline has no text categorizer, the texts have no
            label of the model, `examples` is negative, or `strict` is set and a test text is also in the training
            data.
    """
    if not isinstance(nlp, Language):
        nlp = load_model(os.fspath(nlp))
    records = load_dataset(data, **reading).records
    head = find_classifier(nlp)
    multilabel = is_multilabel(head)
    labels = _all_labels(records, head.labels)
    check_labels(records, labels, exclusive=not multilabel)
    _check_pairs(records, isinstance(head, PairClassifier))
    contamination = None
    train_records: list[Record] = []
    if train is not None:
        train_records = load_dataset(train, labeled=examples > 0, **without_language(reading)).records
        contamination = find_contamination(train_records, records)
    if strict:
        _refuse(contamination, len(records))
    projector = find_pipe(nlp, Projector) if has_pipe(nlp, Projector) else None
    if source is not None:
        source_code = find_language(source)
    else:
        source_code = projector.source if projector else DEFAULT_SOURCE

    docs, docs_per_second = _classify(nlp, records, progress)
    detected = [base_code(doc._.language or "") for doc in docs] if has_pipe(nlp, LanguageDetector) else None
    languages = [
        found if record.language == UNKNOWN else record.language
        for record, found in zip(records, detected or [UNKNOWN] * len(records))
    ]
    gold = gold_matrix(records, labels) > 0

    def measure(probabilities: Floats, predicted: Bools) -> Figures:
        return by_language(
            gold if multilabel else gold.argmax(axis=1),
            predicted if multilabel else predicted.argmax(axis=1),
            languages,
            detected,
            labels=labels,
            source=source_code,
            probabilities=probabilities,
        )

    probabilities, predicted = _predict(head, docs, len(labels))
    after = measure(probabilities, predicted)
    content: dict[str, Any] = {
        "model": str(nlp.path or f"{nlp.lang}_{nlp.meta['name']}"),
        "data": paths_of(data) or [],
        "source": source_code,
        "labels": labels,
        "n": len(records),
        "multilabel": multilabel,
        "languages": after.languages,
        "mean": after.mean,
        "groups": group_figures(after, source_code),
        "docs_per_second": docs_per_second,
        "predictions": _predictions(records, languages, detected, head, probabilities, predicted),
    }
    content["details"] = make_details(
        nlp,
        docs,
        labels,
        gold,
        predicted,
        probabilities,
        languages,
        detected,
        examples=examples,
        train=train_records,
        progress=progress,
    )
    if contamination is not None:
        content["contamination"] = contamination
    if projector:
        # Only the head runs again, on the same Docs without the projection.
        for doc in docs:
            doc._.xlt_projected = doc._.xlt_embedding
        before = _predict(head, list(head.pipe(docs, batch_size=nlp.batch_size)), len(labels))
        content["before_projection"] = measure(*before)
    return Report(**content)


def _all_labels(records: Sequence[Record], known: Sequence[str]) -> list[str]:
    """The labels of the model, then those that only the records have. Warn of these.

    Raises:
        XltError: The records have no label of the model.
    """
    counts = Counter(label for record in records for label in record.labels)
    others = sorted(set(counts) - set(known))
    if counts and len(others) == len(counts):
        check_labels(records, known, exclusive=False)
    if others:
        warnings.warn(
            "The model does not have some labels of the data, so it is wrong where they apply: "
            + ", ".join(f"'{label}' (in {counts[label]} of {len(records)} texts)" for label in others),
            XltWarning,
            stacklevel=4,
        )
    return [*known, *others]


def _predict(head: TextClassifier, docs: Sequence[Doc], width: int) -> tuple[Floats, Bools]:
    """The probabilities and the predicted labels, [n, width]. Labels that the model lacks are never predicted."""
    probabilities = probabilities_of(head, docs)
    missing = ((0, 0), (0, width - len(head.labels)))
    return np.pad(probabilities, missing), np.pad(labels_of(head, probabilities), missing)


def _check_pairs(records: Sequence[Record], needed: bool) -> None:
    """Check that all records are pairs of texts if the model needs pairs, and that none is otherwise."""
    other = next((record for record in records if (record.pair is None) is needed), None)
    if other is not None:
        found, hint = ("no pair", "Name two fields") if needed else ("a pair", "Name one field")
        raise XltError(
            f"{other.location}: the record is {found} of texts, but the model classifies "
            f"{'pairs' if needed else 'single texts'}. {hint} with text.",
            parameter="text",
        )


def _classify(nlp: Language, records: Sequence[Record], progress: bool) -> tuple[list[Doc], float]:
    """Return the Docs, and the number of texts per second."""
    # Some encoders load their weights at the first text, which is not part of the speed.
    list(nlp.pipe(make_inputs(nlp, records[:1])))
    start = perf_counter()
    stream = nlp.pipe(make_inputs(nlp, records))
    docs = list(progress_bar(stream, title="Classifying", unit="text", total=len(records), show=progress))
    return docs, len(docs) / max(perf_counter() - start, 1e-9)


def _predictions(
    records: Sequence[Record],
    languages: Sequence[str],
    detected: Optional[Sequence[str]],
    head: TextClassifier,
    probabilities: Floats,
    predicted: Bools,
) -> list[Prediction]:
    single = not is_multilabel(head)
    highest = probabilities.max(axis=1).clip(0.0, 1.0)
    return [
        Prediction(
            digest=digest_of(record.all_text),
            language=language,
            gold=list(record.labels),
            predicted=[label for label, chosen in zip(head.labels, row) if chosen],
            confidence=float(confidence) if single else None,
            detected=detected[number] if detected else None,
        )
        for number, (record, language, row, confidence) in enumerate(zip(records, languages, predicted, highest))
    ]


def _refuse(contamination: Optional[Contamination], n: int) -> None:
    if contamination is None:
        raise XltError("The training data are needed to find test texts in them. Give them.", parameter="train")
    if contamination.n:
        first = contamination.examples[0]
        raise XltError(
            f"{contamination.n} of {n} test texts are also in the training data (first: {first.test} is "
            f"{first.train}). Remove them from one of both."
        )

"""Evaluation of a pipeline on labeled texts in many languages, before and after the projection."""

import os
from collections.abc import Sequence
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.pipeline.textcat import TextCategorizer
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.tokens import Doc
from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, Reading, load_dataset
from spacy_xlt.data.paths import paths_of
from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.document import Figures
from spacy_xlt.evaluation.make_details import make_details
from spacy_xlt.evaluation.metrics import by_language
from spacy_xlt.evaluation.report import Report
from spacy_xlt.heads.thresholds import read_thresholds
from spacy_xlt.languages import UNKNOWN, base_code, find_language
from spacy_xlt.models import load_model
from spacy_xlt.pipeline.find import find_pipe, has_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.progress import progress_bar

DEFAULT_SOURCE = "en"


def evaluate(
    nlp: Union[Language, str, os.PathLike[str]],
    data: Data,
    *,
    source: Optional[str] = None,
    examples: int = 0,
    train: Optional[Data] = None,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> Report:
    """Measure accuracy and macro-F1 for each language.

    If the pipeline has a projector, the same texts are also classified without the projection, to show its effect.
    The pipeline is not changed.

    Args:
        nlp: A trained pipeline, or its model folder.
        data: Labeled texts: whatever `load_dataset` takes. A text without a language counts towards its detected
            language.
        source: The source language, which the gaps are relative to. The default is the source of the projector, or
            English if there is no projector.
        examples: The largest number of texts with a wrong label or a wrong language that the report contains, with the
            words that mattered for the prediction. By default, a report contains no texts, because they may be
            confidential. Each word of these texts is removed in turn, so a hundred texts take about half a minute.
        train: The labeled training texts. The report then shows the nearest of them beside each of the `examples`.
        progress: Show a progress bar on a terminal or in a notebook.
        reading: Options of `load_dataset`, such as `text` and `label`, the names of the fields.

    Returns:
        The report: the figures of each language, their mean over the target languages, and both before projection.

    Raises:
        XltError: The model folder or the data cannot be read, the pipeline has no text categorizer, a text has a label
            that the model does not know, or `examples` is negative.

    Example:
        >>> report = evaluate("model", "test.jsonl")  # doctest: +SKIP
        >>> report.table()  # doctest: +SKIP
    """
    if not isinstance(nlp, Language):
        nlp = load_model(os.fspath(nlp))
    records = load_dataset(data, **reading).records
    head = find_pipe(nlp, TextCategorizer)
    multilabel = isinstance(head, MultiLabel_TextCategorizer)
    gold = _gold(records, list(head.labels), multilabel)
    projector = find_pipe(nlp, Projector) if has_pipe(nlp, Projector) else None
    if source is not None:
        source_code = find_language(source)
    else:
        source_code = projector.source if projector else DEFAULT_SOURCE

    texts = [record.text for record in records]
    docs = list(progress_bar(nlp.pipe(texts), title="Classifying", unit="text", total=len(texts), show=progress))
    detected = [base_code(doc._.language or "") for doc in docs] if has_pipe(nlp, LanguageDetector) else None
    languages = [
        found if record.language == UNKNOWN else record.language
        for record, found in zip(records, detected or [UNKNOWN] * len(records))
    ]

    def measure() -> Figures:
        predicted = _predicted(head, docs, multilabel)
        return by_language(gold, predicted, languages, detected, labels=list(head.labels), source=source_code)

    after = measure()
    content: dict[str, Any] = {
        "model": str(nlp.path or f"{nlp.lang}_{nlp.meta['name']}"),
        "data": paths_of(data) or [],
        "source": source_code,
        "labels": list(head.labels),
        "n": len(records),
        "multilabel": multilabel,
        "languages": after.languages,
        "mean": after.mean,
    }
    train_reading: Any = {name: value for name, value in reading.items() if name != "language"}
    content["details"] = make_details(
        nlp,
        docs,
        gold,
        _predicted(head, docs, multilabel),
        languages,
        detected,
        examples=examples,
        train=load_dataset(train, **train_reading).records if examples and train is not None else (),
        progress=progress,
    )
    if projector:
        # Only the head runs again, on the same Docs without the projection.
        for doc in docs:
            doc._.xlt_projected = doc._.xlt_embedding
        docs = list(head.pipe(docs, batch_size=nlp.batch_size))
        content["before_projection"] = measure()
    return Report(**content)


def _gold(records: Sequence[Record], labels: list[str], multilabel: bool) -> NDArray[Any]:
    known = {label: i for i, label in enumerate(labels)}
    matrix = np.zeros((len(records), len(labels)), dtype=bool)
    for row, record in enumerate(records):
        for label in record.labels:
            if label not in known:
                raise XltError(
                    f"{record.location}: the model does not know the label '{label}'. It knows {', '.join(labels)}."
                )
            matrix[row, known[label]] = True
        if not multilabel and len(record.labels) != 1:
            raise XltError(
                f"{record.location}: the text has {len(record.labels)} labels, but the model predicts exactly one."
            )
    return matrix if multilabel else matrix.argmax(axis=1)


def _predicted(head: TextCategorizer, docs: Sequence[Doc], multilabel: bool) -> NDArray[Any]:
    scores = np.array([[doc.cats[label] for label in head.labels] for doc in docs])
    return scores >= read_thresholds(head.cfg, head.labels) if multilabel else scores.argmax(axis=1)

"""Running a pipeline over labelled texts of many languages and measuring it, before and after projection."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.pipeline.textcat import TextCategorizer
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.tokens import Doc
from tqdm import tqdm

from spacy_xlt.data.dataset import Data, load_dataset
from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.metrics import by_language
from spacy_xlt.heads.thresholds import read_thresholds
from spacy_xlt.languages import UNKNOWN, base_code, find_language
from spacy_xlt.pipeline.find import find_pipe, has_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.projector import Projector


def evaluate(nlp: Language, records: Data, *, source: str = "en", quiet: bool = True) -> dict[str, Any]:
    """Return the metrics of a pipeline on labelled records: per language and on the mean of the targets.

    records: labelled records, or the files that hold them: a path, a folder, a pattern, or a list of them.
    {"source", "labels", "n", "multilabel", "languages": {code: {n, accuracy, macro_f1, ci95, macro_f1_ci95, gap,
    langid_accuracy}}, "mean", "before_projection": {"languages", "mean"}} (the last if there is a projector, whose
    source then counts instead of `source`). A record without a language counts under the detected one.
    Raises XltError for a label that the pipeline does not know.
    """
    records = load_dataset(records).records
    head = find_pipe(nlp, TextCategorizer)
    multilabel = isinstance(head, MultiLabel_TextCategorizer)
    gold = _gold(records, list(head.labels), multilabel)
    texts = [record.text for record in records]
    docs = list(tqdm(nlp.pipe(texts), total=len(texts), desc="Classifying", unit="text", disable=quiet))
    detected = [base_code(doc._.language or "") for doc in docs] if has_pipe(nlp, LanguageDetector) else None
    languages = [
        language if record.language == UNKNOWN else record.language
        for record, language in zip(records, detected or [UNKNOWN] * len(records))
    ]
    if has_pipe(nlp, Projector):
        source = find_pipe(nlp, Projector).source
    else:
        source = find_language(source)

    def measure() -> dict[str, Any]:
        predicted = _predicted(head, docs, multilabel)
        return by_language(gold, predicted, languages, detected, labels=list(head.labels), source=source)

    metrics: dict[str, Any] = {
        "source": source,
        "labels": list(head.labels),
        "n": len(records),
        "multilabel": multilabel,
        **measure(),
    }
    if has_pipe(nlp, Projector):
        # The same Docs once more through the head alone, with the projection taken back.
        for doc in docs:
            doc._.xlt_projected = doc._.xlt_embedding
        docs = list(head.pipe(docs, batch_size=nlp.batch_size))
        metrics["before_projection"] = measure()
    return metrics


def _gold(records: Sequence[Record], labels: list[str], multilabel: bool) -> NDArray[Any]:
    known = {label: i for i, label in enumerate(labels)}
    matrix = np.zeros((len(records), len(labels)), dtype=bool)
    for row, record in enumerate(records):
        for label in record.labels:
            if label not in known:
                raise XltError(
                    f"{record.location}: the model does not know the label '{label}'; it knows {', '.join(labels)}."
                )
            matrix[row, known[label]] = True
        if not multilabel and len(record.labels) != 1:
            raise XltError(f"{record.location}: {len(record.labels)} labels, but the model gives exactly one.")
    return matrix if multilabel else matrix.argmax(axis=1)


def _predicted(head: TextCategorizer, docs: Sequence[Doc], multilabel: bool) -> NDArray[Any]:
    scores = np.array([[doc.cats[label] for label in head.labels] for doc in docs])
    return scores >= read_thresholds(head.cfg, head.labels) if multilabel else scores.argmax(axis=1)

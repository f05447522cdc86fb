"""Evaluation of named entities: precision, recall and F1 for each language and entity type."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from spacy_xlt.data.entities import EntityData, EntityRecord, load_entities
from spacy_xlt.data.entity_tags import Entity
from spacy_xlt.errors import XltWarning
from spacy_xlt.evaluation.task_report import TaskFigures, TaskReport, bootstrap_interval, language_groups
from spacy_xlt.languages import UNKNOWN, base_code, find_language
from spacy_xlt.model_facts import TRAINING
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.ner import EntityRecognizer
from spacy_xlt.progress import progress_bar

# The columns of counts: correct, predicted and gold entities.
CORRECT, PREDICTED, GOLD = 0, 1, 2
Key = tuple[int, int, str]


def evaluate_ner(nlp: Language, data: EntityData, *, source: Optional[str] = None, progress: bool = True) -> TaskReport:
    """Measure precision, recall and F1 of named entities for each language.

    An entity is correct if its start, its end and its type are correct, as in CoNLL-2003 (Tjong Kim Sang & De Meulder
    2003). The figures are micro-averages: those of all entities of a language together.

    Args:
        nlp: A pipeline with `xlt_ner`.
        data: Texts with entities: whatever `load_entities` takes. A text without a language counts towards its
            detected language.
        source: The source language. The default is that of the training.
        progress: Show a progress bar on a terminal or in a notebook.

    Raises:
        XltError: The data cannot be read, or the pipeline has no `xlt_ner`.
    """
    return evaluate_records(nlp, load_entities(data), source=source, progress=progress)


def evaluate_records(
    nlp: Language, records: Sequence[EntityRecord], *, source: Optional[str] = None, progress: bool = True
) -> TaskReport:
    """Measure named entities in records: see `evaluate_ner`."""
    records = _known_types(records, find_pipe(nlp, EntityRecognizer).labels)
    start = perf_counter()
    texts = (record.text for record in records)
    docs = list(progress_bar(nlp.pipe(texts), title="Finding entities", unit="text", total=len(records), show=progress))
    seconds = perf_counter() - start
    languages = [
        base_code(doc._.language or UNKNOWN)
        if record.language == UNKNOWN and doc.has_extension("language")
        else record.language
        for record, doc in zip(records, docs)
    ]
    predicted = [[Entity(**each) for each in doc._.xlt_entities] for doc in docs]
    rows = language_groups(languages)
    return TaskReport(
        task="ner",
        model=str(nlp.path or f"{nlp.lang}_{nlp.meta['name']}"),
        source=find_language(source) if source else str((nlp.meta.get(TRAINING) or {}).get("source", "en")),
        main="f1",
        languages={
            code: entity_figures([records[row].entities for row in of], [predicted[row] for row in of])
            for code, of in rows.items()
        },
        docs_per_second=len(records) / max(seconds, 1e-9),
    )


def _known_types(records: Sequence[EntityRecord], types: Sequence[str]) -> list[EntityRecord]:
    """Return the records without entities of types that the model does not know, and warn of them."""
    others = sorted({entity.label for record in records for entity in record.entities} - {*types})
    if others:
        warnings.warn(
            f"The model does not know the entity types {', '.join(others)}. They are left out of the figures.",
            XltWarning,
            stacklevel=3,
        )
    return [
        replace(record, entities=tuple(entity for entity in record.entities if entity.label in types))
        for record in records
    ]


def entity_figures(gold: Sequence[Sequence[Entity]], predicted: Sequence[Sequence[Entity]]) -> TaskFigures:
    """Return the figures of predicted entities.

    Args:
        gold: The gold entities of each text.
        predicted: The predicted entities of each text.
    """
    counts = _counts(gold, predicted)
    types = sorted({entity.label for of_text in [*gold, *predicted] for entity in of_text})
    details = {label: _scores(_counts(gold, predicted, label).sum(axis=0)) for label in types}
    return TaskFigures(
        n=len(gold),
        scores=_scores(counts.sum(axis=0)),
        ci95={"f1": bootstrap_interval(counts, _f1_of)},
        details=details,
    )


def _counts(
    gold: Sequence[Sequence[Entity]], predicted: Sequence[Sequence[Entity]], label: Optional[str] = None
) -> NDArray[np.int64]:
    """Return the numbers of correct, predicted and gold entities of each text, [n, 3]."""
    result = np.zeros((len(gold), 3), dtype=np.int64)
    for row, (of_gold, of_predicted) in enumerate(zip(gold, predicted)):
        there, found = _keys(of_gold, label), _keys(of_predicted, label)
        result[row] = len(there & found), len(found), len(there)
    return result


def _keys(entities: Sequence[Entity], label: Optional[str]) -> set[Key]:
    return {(each.start, each.end, each.label) for each in entities if label is None or each.label == label}


def _scores(counts: NDArray[np.int64]) -> dict[str, float]:
    precision = counts[CORRECT] / counts[PREDICTED] if counts[PREDICTED] else 0.0
    recall = counts[CORRECT] / counts[GOLD] if counts[GOLD] else 0.0
    return {"precision": float(precision), "recall": float(recall), "f1": float(_f1_of(counts[None])[0])}


def _f1_of(counts: Any) -> Any:
    """Return F1 from the numbers of correct, predicted and gold entities, [resamples, 3]. It is 0 if there are none."""
    total = counts[:, PREDICTED] + counts[:, GOLD]
    return np.where(total > 0, 2 * counts[:, CORRECT] / np.maximum(total, 1), 0.0)

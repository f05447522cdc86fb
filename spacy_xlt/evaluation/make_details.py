"""Collect the details of an evaluation: what a report shows besides the figures."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.details import Details, EmbeddingMap, Expected
from spacy_xlt.evaluation.embedding_map import make_map
from spacy_xlt.evaluation.examples import choose_examples, embeddings_of, make_examples
from spacy_xlt.evaluation.expected import estimate_languages
from spacy_xlt.evaluation.predictions import is_multilabel
from spacy_xlt.evaluation.source import source_of
from spacy_xlt.heads.confidence import META_KEY, sum_confidence
from spacy_xlt.pipeline.classifiers import find_classifier
from spacy_xlt.pipeline.find import has_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.training.model_state import read_head

NO_LABEL = "(no label)"


def make_details(
    nlp: Language,
    docs: Sequence[Doc],
    labels: Sequence[str],
    gold: NDArray[Any],
    predicted: NDArray[Any],
    scores: NDArray[np.float64],
    languages: Sequence[str],
    detected: Optional[Sequence[str]],
    *,
    examples: int = 0,
    train: Sequence[Record] = (),
    progress: bool = True,
) -> Details:
    """Collect the details of an evaluation. The Docs are not changed.

    Args:
        nlp: The pipeline.
        docs: The classified texts, [n].
        labels: The labels of the model, then those that only the data has.
        gold: The correct labels, [n] integers or [n, labels] booleans.
        predicted: The predicted labels, in the same form.
        scores: The probabilities of the labels, [n, labels].
        languages: The language of each text, [n].
        detected: The detected language of each text, [n]. None without a detector.
        examples: The largest number of texts with a wrong label or language that the details contain.
        train: The training texts, in which the texts nearest to the examples are looked up.
        progress: Show progress bars on a terminal or in a notebook.

    Raises:
        XltError: `examples` is negative.
    """
    if examples < 0:
        raise XltError(f"examples is {examples}. Give the number of texts that the report may contain, 0 for none.")
    gold_names, predicted_names = _names(gold, labels), _names(predicted, labels)
    wrong_label = np.array([set(a) != set(b) for a, b in zip(gold_names, predicted_names)])
    found = list(detected) if detected is not None else list(languages)
    wrong_language = np.array([a != b for a, b in zip(languages, found)])
    rows = choose_examples(wrong_label, wrong_language, scores.max(axis=1), languages, examples)
    return Details(
        expected=_expected(nlp, scores, languages),
        detected=_confusions(languages, found),
        embedding_map=_map(nlp, docs, languages, [names[0] if names else NO_LABEL for names in gold_names]),
        wrong=int((wrong_label | wrong_language).sum()),
        examples=make_examples(
            nlp,
            [docs[row] for row in rows],
            [languages[row] for row in rows],
            None if detected is None else [found[row] for row in rows],
            [gold_names[row] for row in rows],
            [predicted_names[row] for row in rows],
            train,
            progress=progress,
        )
        if rows
        else [],
    )


def _names(ids: NDArray[Any], labels: Sequence[str]) -> list[list[str]]:
    """Return the names of the labels of each text."""
    if ids.ndim == 1:
        return [[labels[number]] for number in ids]
    return [[label for label, applies in zip(labels, row) if applies] for row in ids]


def _confusions(languages: Sequence[str], detected: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return {language: {detected language: texts}} of wrong detections, the most frequent first."""
    pairs = Counter((right, found) for right, found in zip(languages, detected) if right != found)
    confused: dict[str, dict[str, int]] = {}
    for (right, found), count in sorted(pairs.items(), key=lambda item: (-item[1], item[0])):
        confused.setdefault(right, {})[found] = count
    return confused


def _expected(nlp: Language, scores: NDArray[np.float64], languages: Sequence[str]) -> dict[str, Expected]:
    """Return the expected accuracy of each language: the estimate from the predictions, without the labels."""
    head = find_classifier(nlp)
    if is_multilabel(head) or META_KEY not in nlp.meta:
        return {}
    source = source_of(read_head(nlp), nlp.meta)
    if source is None:
        return {}
    codes = np.asarray(languages, dtype=object)
    scores = scores[:, : len(head.labels)]
    sums = {code: sum_confidence(scores[codes == code], source.scale) for code in sorted(set(languages))}
    return {
        code: Expected(accuracy=_share(each.accuracy), interval=(_share(each.interval[0]), _share(each.interval[1])))
        for code, each in estimate_languages(sums, source).items()
        if each.accuracy is not None and each.interval is not None
    }


def _share(value: float) -> float:
    return round(min(max(float(value), 0.0), 1.0), 4)


def _map(nlp: Language, docs: Sequence[Doc], languages: Sequence[str], labels: Sequence[str]) -> Optional[EmbeddingMap]:
    before = embeddings_of(docs, "xlt_embedding")
    if before is None:
        return None
    after = embeddings_of(docs, "xlt_projected") if has_pipe(nlp, Projector) else None
    return make_map(before, after, languages, labels)

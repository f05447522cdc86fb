"""Test texts with a wrong label or a wrong language, with what may explain them."""

from collections.abc import Sequence
from typing import Optional

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from spacy_xlt.data.records import Record
from spacy_xlt.evaluation.details import Example, Neighbor
from spacy_xlt.evaluation.occlusion import word_effects
from spacy_xlt.progress import progress_bar
from spacy_xlt.vectors import unit_rows

# The longest text in a document, in characters.
MAX_CHARACTERS = 600
NEIGHBORS = 3

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]


def choose_examples(
    wrong_label: Bools, wrong_language: Bools, confidence: Floats, languages: Sequence[str], most: int
) -> list[int]:
    """Return the rows of at most `most` texts with a wrong label or a wrong language.

    Every language gets its turn. Within a language, wrong labels come before wrong languages, and the most confident
    predictions come first.

    Args:
        wrong_label: Whether the label of a text is wrong, [n].
        wrong_language: Whether its language was detected wrongly, [n].
        confidence: The probability of the predicted label, [n].
        languages: The language of each text, [n].
        most: The largest number of rows.
    """
    turns: dict[str, int] = {}
    order = []
    for row in np.lexsort((-confidence, ~wrong_label)).tolist():
        if wrong_label[row] or wrong_language[row]:
            turn = turns[languages[row]] = turns.get(languages[row], -1) + 1
            order.append((turn, languages[row], row))
    return [row for _, _, row in sorted(order)[:most]]


def make_examples(
    nlp: Language,
    docs: Sequence[Doc],
    languages: Sequence[str],
    detected: Optional[Sequence[str]],
    gold: Sequence[Sequence[str]],
    predicted: Sequence[Sequence[str]],
    train: Sequence[Record],
    *,
    progress: bool = True,
) -> list[Example]:
    """Return texts with what may explain their predictions: words that mattered, and near training texts.

    Args:
        nlp: The pipeline.
        docs: The classified texts.
        languages: Their languages.
        detected: Their detected languages. None without a detector.
        gold: Their correct labels.
        predicted: Their predicted labels.
        train: The training texts. If there are none, no neighbors are looked up.
        progress: Show progress bars on a terminal or in a notebook.
    """
    explained = [_explained(doc, set(right), said) for doc, right, said in zip(docs, gold, predicted)]
    effects = word_effects(nlp, docs, explained, progress=progress)
    neighbors = _neighbors(nlp, docs, train, progress)
    return [
        Example(
            text=shorten(doc.text),
            language=languages[row],
            detected=detected[row] if detected is not None else None,
            gold=list(gold[row]),
            predicted=list(predicted[row]),
            probabilities={
                label: round(float(doc.cats[label]), 3) for label in dict.fromkeys([*predicted[row], *gold[row]])
            },
            explained=explained[row],
            words=[word for word in effects[row] if word.end < MAX_CHARACTERS],
            neighbors=neighbors[row],
        )
        for row, doc in enumerate(docs)
    ]


def _explained(doc: Doc, gold: set[str], predicted: Sequence[str]) -> str:
    """Return the predicted label; of any number of labels the one whose probability is wrong by most."""
    if len(predicted) == 1 and len(gold) == 1:
        return predicted[0]
    return max(doc.cats, key=lambda label: abs(doc.cats[label] - (label in gold)))


def shorten(text: str) -> str:
    """Return a text, or its first characters and an ellipsis if it is long."""
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"


def _neighbors(nlp: Language, docs: Sequence[Doc], train: Sequence[Record], progress: bool) -> list[list[Neighbor]]:
    """Return the training texts with the most similar embeddings, projected where there is a projector."""
    attribute = "xlt_projected" if embeddings_of(docs, "xlt_projected") is not None else "xlt_embedding"
    vectors = embeddings_of(docs, attribute)
    if vectors is None or not train:
        return [[] for _ in docs]
    texts = [record.text for record in train]
    stream = progress_bar(nlp.pipe(texts), title="Training texts", unit="text", total=len(texts), show=progress)
    others = embeddings_of(list(stream), attribute)
    if others is None:
        return [[] for _ in docs]
    similarities = unit_rows(vectors) @ unit_rows(others).T
    return [
        [
            Neighbor(
                text=shorten(texts[near]),
                labels=list(train[near].labels),
                language=train[near].language,
                similarity=round(float(np.clip(row[near], -1.0, 1.0)), 3),
            )
            for near in np.argsort(-row, kind="stable")[:NEIGHBORS]
        ]
        for row in similarities
    ]


def embeddings_of(docs: Sequence[Doc], attribute: str) -> Optional[NDArray[np.float32]]:
    """Return the embeddings of Docs, [n, d]; None if one has none."""
    if not Doc.has_extension(attribute):
        return None
    vectors = [doc._.get(attribute) for doc in docs]
    if not vectors or any(vector is None for vector in vectors):
        return None
    return np.array(vectors, dtype=np.float32)

"""Named entities from the scores of word pieces: units, BIO labels, and decoding."""

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.data.entity_tags import OUTSIDE, Entity, Span
from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.tasks.model import TaskModel
from spacy_xlt.translators.units import UNSPACED

# The label of word pieces that are not predicted, as in `torch.nn.functional.cross_entropy`.
IGNORED = -100
WINDOW, OVERLAP = 128, 32


def bio_labels(types: Sequence[str]) -> list[str]:
    """Return the labels of BIO tagging (Ramshaw & Marcus 1995, with B- at each beginning): O, B-PER, I-PER, ..."""
    return [OUTSIDE, *(f"{prefix}-{each}" for each in types for prefix in "BI")]


def entity_types(labels: Sequence[str]) -> list[str]:
    """Return the entity types of BIO labels, in their order."""
    return [label[2:] for label in labels if label.startswith("B-")]


def unit_pieces(text: str, spans: Sequence[Span]) -> list[int]:
    """Return the places of the word pieces that begin a unit.

    A unit is what is labeled as a whole: a word, a punctuation mark, or a word piece of a script without spaces between
    words. So units depend on the text, and not on a spaCy tokenizer.

    Args:
        text: The text.
        spans: The start and end of each word piece.
    """
    units = []
    last = -1
    for place, (start, end) in enumerate(spans):
        # Some tokenizers have several word pieces for the same characters.
        if last < start < end and _is_boundary(text, start):
            units.append(place)
            last = start
    return units


def _is_boundary(text: str, place: int) -> bool:
    if place == 0:
        return True
    before, after = text[place - 1], text[place]
    return not (_in_word(before) and _in_word(after)) or bool(UNSPACED.match(before) or UNSPACED.match(after))


def _in_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] == "M"


def label_pieces(text: str, spans: Sequence[Span], entities: Sequence[Entity], labels: Sequence[str]) -> list[int]:
    """Return the number of the BIO label of each word piece, and `IGNORED` for those that do not begin a unit.

    Args:
        text: The text.
        spans: The start and end of each word piece.
        entities: The entities, which do not overlap.
        labels: The BIO labels.
    """
    number = {label: index for index, label in enumerate(labels)}
    result = [IGNORED] * len(spans)
    begun: set[Entity] = set()
    for place in unit_pieces(text, spans):
        start, end = spans[place]
        found = next((each for each in entities if start < each.end and end > each.start), None)
        if found is None:
            result[place] = number[OUTSIDE]
        else:
            result[place] = number[f"{'I' if found in begun else 'B'}-{found.label}"]
            begun.add(found)
    return result


def decode(log_probabilities: NDArray[np.floating], labels: Sequence[str]) -> NDArray[np.int64]:
    """Return the most probable sequence of BIO labels in which I-X follows B-X or I-X only (Viterbi 1967).

    Args:
        log_probabilities: The log-probabilities of the labels of each unit, [units, labels].
        labels: The BIO labels.
    """
    n = len(log_probabilities)
    if not n:
        return np.zeros(0, dtype=np.int64)
    forbidden = np.array([[_is_forbidden(before, after) for after in labels] for before in labels])
    first = np.array([_is_forbidden(OUTSIDE, after) for after in labels])
    best = np.where(first, -np.inf, log_probabilities[0])
    steps = np.zeros((n, len(labels)), dtype=np.int64)
    for place in range(1, n):
        paths = np.where(forbidden, -np.inf, best[:, None])
        steps[place] = paths.argmax(axis=0)
        best = paths.max(axis=0) + log_probabilities[place]
    result = np.zeros(n, dtype=np.int64)
    result[-1] = best.argmax()
    for place in range(n - 1, 0, -1):
        result[place - 1] = steps[place, result[place]]
    return result


def _is_forbidden(before: str, after: str) -> bool:
    return after.startswith("I-") and before[2:] != after[2:]


def predict_entities(model: TaskModel, texts: Sequence[str]) -> list[list[Entity]]:
    """Return the entities of texts. A long text is read in windows, and each unit is labeled where it is most central.

    Args:
        model: A model whose layer scores BIO labels.
        texts: The texts.
    """
    tokenizer = model.tokenizer
    pieces = tokenizer.pieces(texts)
    length = int(model.settings.get("window", WINDOW))
    windows = [tokenizer.windows(each, length=length, overlap=min(OVERLAP, length // 4)) for each in pieces]
    scores = iter(model.scores([window.ids for of_text in windows for window in of_text]))
    result = []
    for text, of_pieces, of_text in zip(texts, pieces, windows):
        merged = np.zeros((len(of_pieces.ids), len(model.labels)), dtype=np.float32)
        distance = np.full(len(of_pieces.ids), -1)
        for window in of_text:
            found = next(scores)[window.text_places]
            places = np.arange(len(found))
            to_edge = np.minimum(places, len(found) - 1 - places)
            rows = window.offset + places
            better = to_edge > distance[rows]
            merged[rows[better]], distance[rows[better]] = found[better], to_edge[better]
        result.append(_entities(text, of_pieces.spans, merged, model.labels))
    return result


def _entities(text: str, spans: Sequence[Span], scores: Floats2d, labels: Sequence[str]) -> list[Entity]:
    """Return the entities of a text from the scores [pieces, labels] of its word pieces."""
    units = unit_pieces(text, spans)
    if not units:
        return []
    shifted = scores[units] - scores[units].max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    chosen = decode(log_probabilities, labels)
    probabilities = np.exp(log_probabilities[np.arange(len(units)), chosen])
    ends = [spans[after - 1][1] for after in [*units[1:], len(spans)]]
    found: list[tuple[str, list[int]]] = []
    for number, index in enumerate(chosen):
        label = labels[index]
        if label.startswith("B-"):
            found.append((label[2:], [number]))
        elif label.startswith("I-"):
            found[-1][1].append(number)
    return [Entity(spans[units[of[0]]][0], ends[of[-1]], label, float(probabilities[of].mean())) for label, of in found]

"""Units, BIO labels, and decoding of named entities."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xlt.data.entity_tags import Entity, entities_of_tags
from spacy_xlt.tasks.entities import IGNORED, bio_labels, decode, entity_types, label_pieces, unit_pieces

LABELS = bio_labels(["LOC", "PER"])


def spans_of(text: str, *pieces: str) -> list[tuple[int, int]]:
    """The spans of pieces that follow each other in a text."""
    spans, place = [], 0
    for piece in pieces:
        start = text.index(piece, place)
        place = start + len(piece)
        spans.append((start, place))
    return spans


def test_labels_and_their_types() -> None:
    assert LABELS == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert entity_types(LABELS) == ["LOC", "PER"]


def test_a_word_is_a_unit_however_many_pieces_it_has() -> None:
    text = "Obamas Besuch, U.S."
    spans = spans_of(text, "Oba", "mas", "Besuch", ",", "U", ".", "S", ".")
    assert unit_pieces(text, spans) == [0, 2, 3, 4, 5, 6, 7]


def test_each_piece_of_a_script_without_spaces_is_a_unit() -> None:
    text = "我在台北大學。"
    assert unit_pieces(text, spans_of(text, "我", "在", "台北", "大學", "。")) == [0, 1, 2, 3, 4]


def test_pieces_of_the_same_characters_are_one_unit() -> None:
    assert unit_pieces("a ,", [(0, 1), (2, 3), (2, 3)]) == [0, 1]


def test_labels_of_pieces() -> None:
    text = "Angela Merkel besucht Zagreb"
    spans = spans_of(text, "Angela", "Mer", "kel", "besucht", "Zag", "reb")
    entities = [Entity(0, 13, "PER"), Entity(22, 28, "LOC")]
    found = [LABELS[number] if number != IGNORED else "-" for number in label_pieces(text, spans, entities, LABELS)]
    assert found == ["B-PER", "I-PER", "-", "O", "B-LOC", "-"]


def test_neighboring_entities_of_one_type_stay_apart() -> None:
    text = "Paris Rom"
    entities = [Entity(0, 5, "LOC"), Entity(6, 9, "LOC")]
    assert label_pieces(text, spans_of(text, "Paris", "Rom"), entities, LABELS) == [1, 1]


@given(st.lists(st.lists(st.floats(-5, 0), min_size=5, max_size=5), max_size=4))
def test_decoding_finds_the_best_allowed_sequence(rows: list[list[float]]) -> None:
    scores = np.array(rows).reshape(len(rows), 5)
    found = [LABELS[number] for number in decode(scores, LABELS)]

    def is_allowed(sequence: tuple[str, ...]) -> bool:
        return all(
            not after.startswith("I-") or before[2:] == after[2:] for before, after in zip(("O", *sequence), sequence)
        )

    def total(sequence: Any) -> float:
        return float(sum(scores[place, LABELS.index(label)] for place, label in enumerate(sequence)))

    allowed = [each for each in itertools.product(LABELS, repeat=len(rows)) if is_allowed(each)]
    assert is_allowed(tuple(found))
    assert total(found) == pytest.approx(max(map(total, allowed)))


@pytest.mark.parametrize(
    "tags",
    [
        ["B-PER", "I-PER", "O", "B-LOC", "B-LOC"],  # IOB2
        ["I-PER", "I-PER", "O", "I-LOC", "B-LOC"],  # IOB1
        ["B-PER", "E-PER", "O", "S-LOC", "S-LOC"],  # BIOES
        ["B-PER", "L-PER", "O", "U-LOC", "U-LOC"],  # BILOU
    ],
)
def test_tags_of_several_schemes(tags: list[str]) -> None:
    spans = [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]
    assert entities_of_tags(spans, tags) == [Entity(0, 3, "PER"), Entity(6, 7, "LOC"), Entity(8, 9, "LOC")]


def test_an_end_without_a_beginning_begins_an_entity() -> None:
    assert entities_of_tags([(0, 1), (2, 3)], ["O", "I-PER"]) == [Entity(2, 3, "PER")]
    assert entities_of_tags([(0, 1), (2, 3)], ["B-LOC", "I-PER"]) == [Entity(0, 1, "LOC"), Entity(2, 3, "PER")]

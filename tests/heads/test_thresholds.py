"""From probabilities to labels."""

import numpy as np
import pytest

from spacy_xlt.heads.thresholds import choose_thresholds, labels_above, read_thresholds

LABELS = ["a", "b", "c"]


@pytest.mark.parametrize(
    ("cfg", "expected"),
    [
        ({}, [0.5, 0.5, 0.5]),
        ({"threshold": None}, [0.5, 0.5, 0.5]),
        ({"threshold": 0.0}, [0.0, 0.0, 0.0]),
        ({"threshold": 0.3}, [0.3, 0.3, 0.3]),
        ({"threshold": None, "thresholds": {"a": 0.2, "c": 0.0}}, [0.2, 0.5, 0.0]),
        ({"threshold": 0.5, "thresholds": {"a": 0.2}}, [0.5, 0.5, 0.5]),
    ],
)
def test_one_threshold_that_is_set_holds_for_all_labels(cfg: dict[str, object], expected: list[float]) -> None:
    assert read_thresholds(cfg, LABELS).tolist() == expected


def test_the_labels_of_a_doc_are_those_of_the_head_that_reach_their_threshold() -> None:
    cats = {"other head": 1.0, "a": 0.2, "b": 0.4, "c": 0.9}
    assert labels_above(cats, {"threshold": None, "thresholds": {"a": 0.2}}, LABELS) == ["a", "c"]
    assert labels_above(cats, {"threshold": 0.0}, LABELS) == LABELS


def test_a_threshold_lies_where_its_label_is_told_apart() -> None:
    chance = np.random.default_rng(0)
    gold = np.zeros((200, 2))
    gold[:100, 0] = gold[:8, 1] = 1.0
    # The first label is told apart at .8, the second, which is rare, at .1.
    middle = np.log(np.array([0.8 / 0.2, 0.1 / 0.9]))
    scores = middle + np.where(gold > 0, 1.5, -1.5) + chance.normal(scale=0.3, size=gold.shape)
    first, second = choose_thresholds(1 / (1 + np.exp(-scores)), gold)
    assert 0.6 < first < 0.9 and 0.05 < second < 0.2


def test_where_many_thresholds_are_right_the_one_in_the_middle_is_taken() -> None:
    gold = np.array([[1.0], [1.0], [0.0], [0.0]])
    assert choose_thresholds(np.array([[0.999], [0.999], [0.001], [0.001]]), gold) == [0.5]


def test_a_label_with_fewer_than_two_texts_keeps_a_half() -> None:
    gold = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    assert choose_thresholds(np.full((3, 2), 0.2), gold) == [0.5, 0.5]

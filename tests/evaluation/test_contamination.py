"""Test texts that are also in the training data."""

import pytest

from spacy_xlt.data.records import Record
from spacy_xlt.evaluation.contamination import find_contamination

TRAIN = [
    "Where is my parcel?",
    "The quick brown fox jumps over the lazy dog near the old bank of the river.",
    "他们在过去的三天里一直在寻找失踪的登山者。",
]


def records(texts: list[str], name: str) -> list[Record]:
    return [Record(text, (), "en", f"{name}:{number}") for number, text in enumerate(texts, 1)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Where is my parcel?", "train:1"),
        ("where is  MY parcel", "train:1"),
        ("Where is my parcel now?", None),
        ("Parcel", None),
        ("The quick brown fox jumps over the lazy dog near the old bank of the river Po.", "train:2"),
        ("The quick brown fox jumps over the lazy dog and then the cat eats all of the fish.", None),
        ("他们在过去的三天里一直在寻找失踪的登山者", "train:3"),
        ("他们在过去的三年里没有找到工作,所以离开了城市。", None),
        ("", None),
        ("?!", None),
    ],
)
def test_texts_are_compared_without_case_and_punctuation(text: str, found: str | None) -> None:
    result = find_contamination(records([*TRAIN, ""], "train"), records([text], "test"))
    assert (result.train, result.n) == (4, int(found is not None))
    assert [each.train for each in result.examples] == ([found] if found else [])


def test_the_first_ten_are_named() -> None:
    result = find_contamination(records(TRAIN, "train"), records(TRAIN * 5, "test"))
    assert result.n == 15 and result.languages == {"en": 15}
    assert [each.test for each in result.examples] == [f"test:{number}" for number in range(1, 11)]

"""Folds in which every label and language has its share."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from spacy_xlt.data.records import Record
from spacy_xlt.training.folds import make_folds


def records_of(*counts: tuple[str, str, int]) -> list[Record]:
    return [
        Record(f"{language} {label} {number}", (label,), language, f"item:{number}")
        for language, label, count in counts
        for number in range(count)
    ]


def test_each_text_is_in_one_fold_and_each_kind_is_spread() -> None:
    records = records_of(("en", "a", 10), ("en", "b", 5), ("de", "a", 5))
    folds = make_folds(records)
    assert sorted(np.concatenate(folds).tolist()) == list(range(20))
    for fold in folds:
        assert sorted((records[row].language, records[row].labels[0]) for row in fold) == [
            ("de", "a"), ("en", "a"), ("en", "a"), ("en", "b"),
        ]  # fmt: skip


def test_a_seed_gives_the_same_folds() -> None:
    records = records_of(("en", "a", 20), ("en", "b", 20))
    assert [fold.tolist() for fold in make_folds(records, 1)] == [fold.tolist() for fold in make_folds(records, 1)]
    assert [fold.tolist() for fold in make_folds(records, 1)] != [fold.tolist() for fold in make_folds(records, 2)]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_texts_of_a_kind_are_enough(count: int) -> None:
    records = records_of(("en", "a", count), ("en", "b", count), ("en", "c", 1))
    folds = make_folds(records)
    assert sorted(np.concatenate(folds).tolist()) == list(range(len(records)))
    assert all(len(fold) < len(records) for fold in folds)


def test_copies_of_a_text_are_in_one_fold() -> None:
    records = records_of(("en", "a", 10), ("en", "b", 10)) * 2
    for fold in make_folds(records):
        rows = set(fold.tolist())
        assert all((row + 20) % 40 in rows for row in rows)

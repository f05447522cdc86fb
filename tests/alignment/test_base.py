"""What aligners share: the check of pairs."""

import numpy as np
import pytest

from spacy_xlt.alignment.affine import identity
from spacy_xlt.alignment.base import fit_each, paired_rows, usable_pairs
from spacy_xlt.errors import XltError
from spacy_xlt.vectors import unit_rows
from tests.alignment.spaces import turned_and_shifted

ROWS = turned_and_shifted(n=10)


def usable(pairs: object, rows: object = ROWS) -> list[list[int]]:
    return usable_pairs(rows, "en", pairs, "de", "Test").tolist()  # type: ignore[arg-type]


def test_pairs_come_in_order_and_once() -> None:
    assert usable({"de": [(3, 1), (0, 2), (3, 1), (3, 0)]}) == [[0, 2], [3, 0], [3, 1]]


def test_pairs_may_be_an_array_of_any_whole_numbers() -> None:
    for kind in (np.int32, np.int64, np.uint8):
        assert usable({"de": np.array([[3, 1], [0, 2]], dtype=kind)}) == [[0, 2], [3, 1]]


def test_pairs_with_a_blank_side_do_not_count() -> None:
    rows = {language: vectors.copy() for language, vectors in ROWS.items()}
    rows["de"][2], rows["en"][4] = 0, 0
    assert usable({"de": [(i, i) for i in range(6)]}, rows) == [[0, 0], [1, 1], [3, 3], [5, 5]]
    with pytest.raises(XltError, match="All pairs of 'de' have a row of zeros"):
        usable({"de": [(2, 2), (4, 4)]}, rows)


@pytest.mark.parametrize("pairs", [None, {}, {"sw": [(0, 0)]}, {"de": []}, {"de": np.zeros((0, 2), dtype=int)}])
def test_a_language_without_pairs_is_named_with_the_mend(pairs: object) -> None:
    with pytest.raises(XltError, match="Test .*'de'.* none.* 'en'.*AnchoredCentering"):
        usable(pairs)


@pytest.mark.parametrize(("pair", "row", "side"), [((10, 0), 10, "de"), ((0, 11), 11, "en"), ((-1, 0), -1, "de")])
def test_a_row_that_does_not_exist_is_named(pair: tuple[int, int], row: int, side: str) -> None:
    with pytest.raises(XltError, match=f" {row} of '{side}'.* 10 rows"):
        usable({"de": [(0, 0), pair]})


@pytest.mark.parametrize("pairs", [[(0.0, 1.0)], [(0, 1, 2)], [0, 1], [("0", "1")]])
def test_what_are_no_pairs_is_refused(pairs: object) -> None:
    with pytest.raises(XltError, match="not integers"):
        usable({"de": pairs})


def test_paired_rows_stand_side_by_side() -> None:
    x, y = paired_rows(ROWS, "en", {"de": [(3, 1), (0, 2)]}, "de", "Test")
    np.testing.assert_array_equal(x, ROWS["de"][[0, 3]])
    np.testing.assert_array_equal(y, ROWS["en"][[2, 1]])
    assert x.dtype == y.dtype == np.float64


def test_fit_each_asks_for_every_language_but_the_source() -> None:
    asked: list[str] = []

    def fit_one(language: str) -> object:
        asked.append(language)
        return identity(8)

    maps = fit_each(ROWS, "en", fit_one)  # type: ignore[arg-type]
    assert asked == ["de", "sw"]
    assert set(maps) == {"en", "de", "sw"}


def test_unit_rows_leave_zeros() -> None:
    np.testing.assert_allclose(unit_rows(np.array([[3.0, 4.0], [0, 0]])), [[0.6, 0.8], [0, 0]])

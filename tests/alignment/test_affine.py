"""Affine maps."""

import numpy as np
import pytest

from spacy_xlt.alignment.affine import AffineMap, Floats, identity
from spacy_xlt.errors import XltError

ROWS = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


def vector(*values: float) -> Floats:
    return np.array(values, dtype=np.float32)


def test_identity_changes_nothing_bit_by_bit() -> None:
    np.testing.assert_array_equal(identity(3)(ROWS), ROWS)


def test_shift() -> None:
    shift = AffineMap(vector(1, 2, 3), vector(0, 0, 10))
    np.testing.assert_allclose(shift(ROWS), ROWS + [-1, -2, 7], rtol=1e-5)


def test_the_matrix_stands_left_of_the_column_vector() -> None:
    matrix = np.arange(9, dtype=np.float32).reshape(3, 3)
    mapped = AffineMap(vector(1, 0, 0), vector(0, 1, 0), matrix)(ROWS)
    expected = [matrix @ (row - [1, 0, 0]) + [0, 1, 0] for row in ROWS]
    np.testing.assert_allclose(mapped, expected, rtol=1e-4, atol=1e-5)


def test_the_origin_goes_to_the_target() -> None:
    some_map = AffineMap(vector(1, 2, 3), vector(4, 5, 6), np.eye(3, dtype=np.float32) * 7)
    np.testing.assert_array_equal(some_map(vector(1, 2, 3)[None]), vector(4, 5, 6)[None])


def test_results_are_float32_and_the_input_is_left_alone() -> None:
    before = ROWS.copy()
    result = AffineMap(vector(1, 2, 3), vector(4, 5, 6), np.eye(3, dtype=np.float32))(ROWS)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(ROWS, before)


def test_no_rows() -> None:
    assert identity(3)(ROWS[:0]).shape == (0, 3)


@pytest.mark.parametrize(
    ("target", "matrix"),
    [((1, 2), None), ((1, 2, 3, 4), None), ((1, 2, 3), np.eye(2)), ((1, 2, 3), np.ones((3, 2)))],
)
def test_parts_that_do_not_fit_are_refused(target: tuple[float, ...], matrix: Floats | None) -> None:
    with pytest.raises(XltError, match="needs an origin"):
        AffineMap(vector(0, 0, 0), vector(*target), matrix)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(bad: float) -> None:
    good, broken = vector(0, 0), vector(0, bad)
    for parts in ((broken, good, None), (good, broken, None), (good, good, np.array([[1, 0], [bad, 1]]))):
        with pytest.raises(XltError, match="NaN or infinite"):
            AffineMap(*parts)

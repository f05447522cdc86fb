"""The arithmetic that all encoders share."""

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.encoders.base import TextEncoder, average_windows, choose_windows, split_windows, spread
from spacy_xlt.vectors import unit_rows


def test_unit_rows() -> None:
    rows = np.array([[3, 4], [0, 0], [0, -2]], dtype=np.float32)
    np.testing.assert_allclose(unit_rows(rows), [[0.6, 0.8], [0, 0], [0, -1]], rtol=1e-6)
    np.testing.assert_array_equal(rows[0], [3, 4])


@pytest.mark.parametrize("n", [0, 1, 5])
def test_unit_rows_keep_shape_and_type(n: int) -> None:
    units = unit_rows(np.ones((n, 3), dtype=np.float32))
    assert (units.shape, units.dtype) == ((n, 3), np.float32)


def test_tiny_rows_become_unit_rows_too() -> None:
    assert np.linalg.norm(unit_rows(np.full((1, 4), 1e-15, dtype=np.float32))) == pytest.approx(1, abs=1e-5)


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(2, 50), st.data())
def test_windows_hold_every_piece_in_order(n: int, size: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, size - 1))
    pieces = list(range(n))
    windows = split_windows(pieces, size, overlap)
    assert all(len(window) <= size for window in windows)
    assert all(len(window) == size for window in windows[:-1])
    joined = windows[0] + [piece for window in windows[1:] for piece in window[overlap:]]
    assert joined == pieces
    for before, window in zip(windows, windows[1:]):
        assert before[len(before) - overlap :] == window[:overlap]
        assert len(window) > overlap  # each window brings something new


@pytest.mark.parametrize(("n", "expected"), [(7, 1), (8, 1), (9, 2), (14, 2), (15, 3)])
def test_no_more_windows_than_needed(n: int, expected: int) -> None:
    assert len(split_windows(list(range(n)), 8, 2)) == expected


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(8, 40), st.integers(1, 9))
def test_chosen_windows_are_all_windows_or_evenly_spread_full_ones(n: int, size: int, most: int) -> None:
    pieces, overlap = list(range(n)), size // 4
    every, chosen = split_windows(pieces, size, overlap), choose_windows(pieces, size, overlap, most)
    assert choose_windows(pieces, size, overlap, None) == every
    if len(every) <= most:
        assert chosen == every
        return
    assert [len(window) for window in chosen] == [size] * most
    starts = [window[0] for window in chosen]
    assert starts[0] == 0 and (most == 1 or chosen[-1][-1] == n - 1)
    gaps = np.diff(starts)
    assert most == 1 or (gaps.max() - gaps.min() <= 1 and gaps.min() >= size - overlap - 1)


@pytest.mark.parametrize(("last", "count", "expected"), [(9, 1, [0]), (9, 2, [0, 9]), (10, 3, [0, 5, 10])])
def test_spread(last: int, count: int, expected: list[int]) -> None:
    assert spread(last, count) == expected


def test_average_is_weighted_by_length() -> None:
    vectors = np.array([[1, 0], [0, 1], [0, 2]], dtype=np.float32)
    average = average_windows(vectors, np.array([0, 0, 2]), np.array([3, 4, 5], dtype=np.float32), 3)
    np.testing.assert_allclose(average, [[0.6, 0.8], [0, 0], [0, 1]], rtol=1e-6)


def test_average_of_nothing() -> None:
    nothing = np.zeros(0, dtype=np.float32)
    average = average_windows(np.zeros((0, 4), dtype=np.float32), nothing.astype(np.int64), nothing, 2)
    assert average.shape == (2, 4)
    assert not average.any()


@pytest.mark.parametrize("name", ["TorchEncoder", "OnnxEncoder", "StaticEncoder"])
def test_an_encoder_without_weights_is_an_encoder(name: str) -> None:
    """spaCy checks the type of a component's arguments before the weights are loaded."""
    encoder = spacy.registry.get("xlt_encoders", f"spacy-xlt.{name}.v1")()
    assert not encoder.is_loaded and encoder.width == 0 and isinstance(encoder, TextEncoder)

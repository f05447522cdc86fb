"""Orthogonal Procrustes: scipy's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes

from spacy_xlt.alignment.procrustes import Procrustes, rigid_motion, rotation
from tests.alignment.spaces import parallel, turned_and_shifted

TOLERANCE = 1e-6


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_it_is_orthogonal_procrustes_of_scipy(seed: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(width + 20, width))
    y = x @ rng.normal(size=(width, width)) + 0.1 * rng.normal(size=x.shape)
    reference, scale = orthogonal_procrustes(x, y)  # x @ reference is near y
    smallest = np.linalg.svd(y.T @ x, compute_uv=False)[-1]
    if smallest > 1e-3 * np.linalg.norm(y.T @ x):  # else the solution is hardly one, in both programs
        np.testing.assert_allclose(rotation(x, y), reference.T, atol=TOLERANCE)


@pytest.mark.parametrize("center", [True, False])
def test_the_aligner_is_scipys_solution(center: bool) -> None:
    rows = turned_and_shifted(noise=0.05)
    x, y = (rows[language][:100].astype(float) for language in ("de", "en"))
    mean_x, mean_y = (x.mean(axis=0), y.mean(axis=0)) if center else np.zeros((2, 8))
    reference, _ = orthogonal_procrustes(x - mean_x, y - mean_y)
    mapped = Procrustes(center).fit(rows, "en", parallel(100))["de"](rows["de"])
    np.testing.assert_allclose(mapped, (rows["de"] - mean_x) @ reference + mean_y, atol=TOLERANCE)


def test_centering_is_what_undoes_a_shift() -> None:
    rows = turned_and_shifted()
    errors = [
        np.abs(Procrustes(center).fit(rows, "en", parallel(100))["de"](rows["de"]) - rows["en"]).max()
        for center in (True, False)
    ]
    assert errors[0] < 1e-5 < 1e-2 < errors[1]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_no_distance_changes(seed: int, pairs: int) -> None:
    """Also with one pair, and with fewer pairs than dimensions."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, pairs, 6))
    there = rigid_motion(x, y)
    np.testing.assert_allclose(there.matrix @ there.matrix.T, np.eye(6), atol=1e-5)


def test_directions_that_the_pairs_leave_open_stay() -> None:
    """Pairs in some plane turn that plane and nothing else; without pairs nothing turns."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    turn = np.eye(5)
    turn[:2, :2] = [[0, -1], [1, 0]]
    turn = axes @ turn @ axes.T
    x = rng.normal(size=(10, 2)) @ axes[:, :2].T
    np.testing.assert_allclose(rotation(x, x @ turn.T), turn, atol=1e-6)
    np.testing.assert_allclose(rotation(np.zeros((1, 5)), np.zeros((1, 5))), np.eye(5), atol=1e-12)

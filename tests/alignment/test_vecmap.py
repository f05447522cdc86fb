"""VecMap: the steps of the paper, one by one."""

import numpy as np
import pytest

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.base import Doubles
from spacy_xlt.alignment.retrieval import nearest
from spacy_xlt.alignment.vecmap import VecMap, common_space
from spacy_xlt.errors import XltError
from spacy_xlt.vectors import unit_rows
from tests.alignment.spaces import parallel, turned_and_shifted

PAIRS = np.stack([np.arange(100)] * 2, axis=1)


def by_the_paper(x: Floats, z: Floats, n: int, reweight: float, source_reweight: float) -> tuple[Doubles, Doubles]:
    """Both languages in the common space, step by step on the rows; the first n rows are the dictionary."""

    def normalize(rows: Doubles) -> Doubles:
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows - rows.mean(axis=0)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))

    x, z = normalize(x.astype(np.float64)), normalize(z.astype(np.float64))
    inverse_roots = []
    for side in (x, z):
        _, s, right = np.linalg.svd(side[:n], full_matrices=False)
        inverse_roots.append(right.T @ np.diag(1 / s) @ right)
    white_x, white_z = x @ inverse_roots[0], z @ inverse_roots[1]
    left, s, right = np.linalg.svd(white_x[:n].T @ white_z[:n])
    turned_x, turned_z = white_x @ left, white_z @ right.T
    weighted_x, weighted_z = turned_x * s**reweight, turned_z * s**source_reweight
    return (
        weighted_x @ left.T @ np.linalg.inv(inverse_roots[0]) @ left,
        weighted_z @ right @ np.linalg.inv(inverse_roots[1]) @ right.T,
    )


@pytest.mark.parametrize("weights", [(0.5, 0.5), (1.0, 0.0), (0.0, 0.0)])
def test_the_common_space_is_that_of_the_paper(weights: tuple[float, float]) -> None:
    rows = turned_and_shifted(noise=0.1)
    rows["de"] *= np.linspace(0.5, 2, 300, dtype=np.float32)[:, None]  # lengths must not matter
    expected = by_the_paper(rows["de"], rows["en"], 100, *weights)
    there = common_space(rows["de"], rows["en"], PAIRS, weights)
    for language, language_map, reference in zip(("de", "en"), there, expected):
        mapped = language_map(unit_rows(rows[language]))
        cosines = (unit_rows(mapped) * unit_rows(reference)).sum(axis=1)
        np.testing.assert_allclose(cosines, 1, atol=1e-4)


@pytest.mark.parametrize("reweight", [0.0, 0.5, 1.0])
def test_the_map_keeps_the_cosines_of_the_common_space(reweight: float) -> None:
    """The source is only turned and moved there, so the centered cosines are the same in both spaces."""
    rows = turned_and_shifted(noise=0.1)
    de, en = common_space(rows["de"], rows["en"], PAIRS, (reweight, 0.0))
    there = VecMap(reweight).fit(rows, "en", parallel(100))["de"]
    common = nearest(de(unit_rows(rows["de"])), en(rows["en"]), 3)
    source = nearest(there(unit_rows(rows["de"])) - en.origin, rows["en"] - en.origin, 3)
    np.testing.assert_allclose(common[1], source[1], atol=1e-4)


def test_too_few_pairs_for_the_dimensions_are_refused_with_the_mend() -> None:
    rows = turned_and_shifted()
    with pytest.raises(XltError, match="the 5 paired rows of 'de' fill 5 of 8 dimensions.*RidgeToIdentity"):
        VecMap().fit(rows, "en", parallel(5))
    twice = {language: pairs * 3 for language, pairs in parallel(5).items()}
    with pytest.raises(XltError, match="the 5 paired rows of 'de' fill 5 of 8"):
        VecMap().fit(rows, "en", twice)


def test_an_empty_dimension_as_encoders_have_it_changes_nothing() -> None:
    rows = turned_and_shifted(noise=0.1)
    wider = {language: np.c_[vectors, np.zeros(len(vectors), np.float32)] for language, vectors in rows.items()}
    found, expected = (VecMap().fit(each, "en", parallel(100))["de"] for each in (wider, rows))
    found.check_finite()
    np.testing.assert_allclose(found(wider["de"])[:, :-1], expected(rows["de"]), atol=1e-4)
    np.testing.assert_allclose(found(wider["de"])[:, -1], 0, atol=1e-4)


@pytest.mark.parametrize("reweight", [-1, float("nan"), float("inf")])
def test_a_weight_that_is_none_is_refused(reweight: float) -> None:
    with pytest.raises(XltError, match="reweight"):
        VecMap(reweight)

"""Maps of embeddings, compared with data whose principal components are known."""

import numpy as np
import pytest

from spacy_xlt.evaluation.embedding_map import MAX_POINTS, SIZE, choose_rows, make_map, principal_components
from spacy_xlt.evaluation.svg import map_box, map_points


def test_the_components_are_those_of_scikit_learn() -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    vectors = np.random.default_rng(0).normal(size=(60, 8)) * np.linspace(3, 0.1, 8)
    points, variance = principal_components(vectors)
    pca = decomposition.PCA(n_components=2, svd_solver="full").fit(vectors)
    np.testing.assert_allclose(np.abs(points), np.abs(pca.transform(vectors)), atol=1e-9)
    np.testing.assert_allclose(variance, pca.explained_variance_ratio_, atol=1e-4)


def test_both_maps_have_the_same_axes_and_one_scale() -> None:
    before = np.array([[0, 0, 0], [4, 0, 0], [0, 1, 0], [4, 1, 0]], dtype=float) + 1
    after = before - [0, 1, 0]
    found = make_map(before, after, ["en", "de", "en", "de"], ["b", "a", "a", "b"])
    assert found is not None and found.after is not None
    assert (found.languages, found.labels) == (["de", "en"], ["a", "b"])
    assert (found.language, found.label) == ([1, 0, 1, 0], [1, 0, 0, 1])
    assert found.before[0] == found.after[0] == [0, SIZE, 0, SIZE]
    # The third row before is the first one after, moved by the projection; one unit is a quarter of the width.
    np.testing.assert_allclose(np.subtract(found.before[1], found.after[1]), SIZE / 4, atol=1)
    assert found.variance[0] > found.variance[1] and sum(found.variance) == pytest.approx(1.0, abs=1e-3)


def test_blank_texts_are_left_out_and_few_texts_give_no_map() -> None:
    vectors = np.eye(4)
    vectors[1] = 0.0
    found = make_map(vectors, None, ["en"] * 4, ["a", "b", "c", "d"])
    assert found is not None and found.after is None
    assert [found.labels[label] for label in found.label] == ["a", "c", "d"]
    assert make_map(vectors[:3], None, ["en"] * 3, ["a"] * 3) is None


def test_equal_texts_and_one_dimension_are_no_error() -> None:
    for vectors in (np.ones((3, 5)), np.array([[1.0], [2.0], [3.0]])):
        found = make_map(vectors, vectors, ["en"] * 3, ["a"] * 3)
        assert found is not None and found.after == found.before
        assert "NaN" not in found.model_dump_json()


def test_every_language_keeps_its_share_of_the_points() -> None:
    languages = ["en"] * 4000 + ["sw"] * 30 + ["de"] * 900
    rows = choose_rows(languages, MAX_POINTS)
    counts = {code: sum(languages[row] == code for row in rows) for code in set(languages)}
    assert counts == {"en": 735, "de": 735, "sw": 30}
    assert len(set(rows.tolist())) == MAX_POINTS and rows.tolist() == sorted(rows)
    assert choose_rows(["en"] * 5, MAX_POINTS).tolist() == [0, 1, 2, 3, 4]
    assert choose_rows([], MAX_POINTS).tolist() == []


def test_points_are_drawn_in_groups_with_escaped_names() -> None:
    drawn = map_points(([0, 1000, 500], [0, 1000, 500]), [1, 0, 1], ["a", "<b>"], "label")
    assert drawn.count("<g ") == 2 and "<title>&lt;b&gt;</title>" in drawn
    assert 'data-group="label-1"' in drawn and drawn.count("M") == 3
    found = make_map(np.eye(3), None, ["en"] * 3, ["a"] * 3)
    assert found is not None
    left, top, width, height = map(float, map_box(found).split())
    assert left < 0 and width > 0 and 0 < height <= width

"""Anchored centering: what it promises for any embeddings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.base import Aligner, pooled_mean
from spacy_xlt.alignment.centering import AnchoredCentering
from spacy_xlt.errors import XltError

WIDTH = 6
LANGUAGES = ("en", "de", "sw", "zh")
Embeddings = dict[str, Floats]


@st.composite
def embeddings(draw: st.DrawFn) -> Embeddings:
    """Rows of two to four languages, each with a bias of its own; English is among them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    languages = LANGUAGES[: draw(st.integers(2, len(LANGUAGES)))]
    return {
        language: (rng.normal(size=(draw(st.integers(1, 30)), WIDTH)) + rng.normal(size=WIDTH)).astype(np.float32)
        for language in languages
    }


def mean(rows: Floats) -> Floats:
    return np.asarray(rows.mean(axis=0, dtype=np.float64), dtype=np.float32)


def example() -> Embeddings:
    rng = np.random.default_rng(0)
    return {language: (rng.normal(size=(20, WIDTH)) + i).astype(np.float32) for i, language in enumerate(LANGUAGES)}


def test_it_is_an_aligner() -> None:
    assert isinstance(AnchoredCentering(), Aligner)


@settings(deadline=None)
@given(embeddings(), st.floats(0, 1e6))
def test_the_source_is_left_as_it_is_bit_by_bit(rows: Embeddings, shrinkage: float) -> None:
    maps = AnchoredCentering(shrinkage).fit(rows, "en")
    np.testing.assert_array_equal(maps["en"](rows["en"]), rows["en"])


@settings(deadline=None)
@given(embeddings())
def test_without_shrinkage_every_language_gets_the_mean_of_the_source(rows: Embeddings) -> None:
    maps = AnchoredCentering(shrinkage=0).fit(rows, "en")
    assert set(maps) == set(rows)
    for language in rows:
        np.testing.assert_allclose(mean(maps[language](rows[language])), mean(rows["en"]), atol=1e-5)


@settings(deadline=None)
@given(embeddings())
def test_with_endless_shrinkage_every_language_is_moved_by_the_pooled_mean(rows: Embeddings) -> None:
    maps = AnchoredCentering(shrinkage=1e12).fit(rows, "en")
    pooled = np.mean([mean(rows[language]) for language in rows], axis=0)
    for language in set(rows) - {"en"}:
        np.testing.assert_allclose(
            maps[language](rows[language]), rows[language] - pooled + mean(rows["en"]), atol=1e-4
        )


@settings(deadline=None)
@given(embeddings(), st.floats(0, 100), st.integers(-20, 20))
def test_moving_all_embeddings_moves_all_results(rows: Embeddings, shrinkage: float, distance: int) -> None:
    moved = {language: vectors + np.float32(distance) for language, vectors in rows.items()}
    here, there = (AnchoredCentering(shrinkage).fit(each, "en") for each in (rows, moved))
    for language in rows:
        np.testing.assert_allclose(
            there[language](moved[language]), here[language](rows[language]) + distance, atol=1e-4
        )


@settings(deadline=None)
@given(embeddings(), st.floats(0, 100))
def test_distances_within_a_language_stay(rows: Embeddings, shrinkage: float) -> None:
    maps = AnchoredCentering(shrinkage).fit(rows, "en")
    for language, vectors in rows.items():
        np.testing.assert_allclose(
            maps[language](vectors) - maps[language](vectors[:1]), vectors - vectors[:1], atol=1e-4
        )


@settings(deadline=None)
@given(embeddings())
def test_the_order_of_languages_and_rows_does_not_matter(rows: Embeddings) -> None:
    backwards = {language: rows[language][::-1] for language in reversed(list(rows))}
    one, other = AnchoredCentering().fit(rows, "en"), AnchoredCentering().fit(backwards, "en")
    for language in rows:
        np.testing.assert_allclose(one[language].origin, other[language].origin, atol=1e-6)
        np.testing.assert_allclose(one[language].target, other[language].target, atol=1e-6)


def test_as_many_texts_as_the_shrinkage_put_the_origin_half_way() -> None:
    rows = example()
    origin = AnchoredCentering(shrinkage=20).fit(rows, "en")["sw"].origin
    pooled = pooled_mean({language: mean(vectors) for language, vectors in rows.items()})
    np.testing.assert_allclose(origin, (mean(rows["sw"]) + pooled) / 2, atol=1e-6)


def test_more_texts_bring_the_origin_nearer_to_the_languages_own_mean() -> None:
    rows = example()
    target = mean(rows["sw"])
    distances = []
    for copies in (1, 10, 100):
        more = {**rows, "sw": np.tile(rows["sw"], (copies, 1))}
        distances.append(np.linalg.norm(AnchoredCentering().fit(more, "en")["sw"].origin - target))
    assert distances[0] > distances[1] > distances[2]


def test_a_language_counts_once_in_the_pooled_mean_however_many_texts_it_has() -> None:
    rows = example()
    more = {**rows, "de": np.tile(rows["de"], (50, 1))}
    one, other = AnchoredCentering().fit(rows, "en"), AnchoredCentering().fit(more, "en")
    np.testing.assert_allclose(one["sw"].origin, other["sw"].origin, atol=1e-5)


def test_pooled_mean_is_unweighted() -> None:
    means = {"a": np.array([0, 2], dtype=np.float32), "b": np.array([4, 0], dtype=np.float32)}
    np.testing.assert_array_equal(pooled_mean(means), np.array([2, 1], dtype=np.float32))


# Errors


def test_negative_shrinkage_is_refused() -> None:
    with pytest.raises(XltError, match="-1"):
        AnchoredCentering(-1)


def test_missing_source_is_named() -> None:
    with pytest.raises(XltError, match="'fr'"):
        AnchoredCentering().fit(example(), "fr")


@pytest.mark.parametrize("language", ["en", "sw"])
def test_a_language_without_rows_is_named(language: str) -> None:
    with pytest.raises(XltError, match=f"'{language}'"):
        AnchoredCentering().fit({**example(), language: np.zeros((0, WIDTH), dtype=np.float32)}, "en")


def test_different_widths_are_named() -> None:
    with pytest.raises(XltError, match=f"'sw' have 3 dimensions, those of 'en' {WIDTH}"):
        AnchoredCentering().fit({**example(), "sw": np.ones((2, 3), dtype=np.float32)}, "en")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_named(bad: float) -> None:
    rows = example()
    rows["sw"][3, 2] = bad
    with pytest.raises(XltError, match="'sw'.* NaN"):
        AnchoredCentering().fit(rows, "en")

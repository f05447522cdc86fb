"""What every aligner that learns from pairs promises."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.util import registry

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.alignment.affine import load_maps, save_maps
from spacy_xlt.alignment.base import Aligner
from spacy_xlt.alignment.retrieval import nearest
from spacy_xlt.errors import XltError
from tests.alignment.spaces import Embeddings, parallel, turned_and_shifted

FROM_PAIRS = sorted(name for name, make in registry.xlt_aligners.get_all().items() if make().needs_pairs)
NEED_MANY = ["spacy-xlt.VecMap.v1"]  # pairs than dimensions


def make(name: str) -> Aligner:
    aligner = registry.xlt_aligners.get(name)()
    assert isinstance(aligner, Aligner)
    return aligner


pytestmark = pytest.mark.parametrize("name", FROM_PAIRS)


def test_it_finds_a_secret_motion(name: str) -> None:
    """Languages turned and moved: fitted on 100 of 300 rows, the others find their translations."""
    rows = turned_and_shifted(noise=0.001)
    maps = make(name).fit(rows, "en", parallel(100))
    for language in ("de", "sw"):
        before = nearest(rows[language], rows["en"])[0][100:, 0]
        after = nearest(maps[language](rows[language]), rows["en"])[0][100:, 0]
        assert np.mean(before == np.arange(100, 300)) < 0.1
        assert np.mean(after == np.arange(100, 300)) > 0.98


def test_the_source_is_left_as_it_is_bit_by_bit(name: str) -> None:
    rows = turned_and_shifted(noise=0.1)
    there = make(name).fit(rows, "en", parallel(100))["en"]
    np.testing.assert_array_equal(there(rows["en"]), rows["en"])
    assert there.matrix is None


def test_every_language_gets_a_map_that_can_be_saved(name: str, tmp_path: Path) -> None:
    rows = turned_and_shifted(noise=0.1)
    maps = make(name).fit(rows, "en", parallel(100))
    assert set(maps) == {"en", "de", "sw"}
    path = tmp_path / "maps.npz"
    save_maps(maps, path)
    np.testing.assert_array_equal(load_maps(path)["sw"](rows["sw"]), maps["sw"](rows["sw"]))


def test_the_same_fit_gives_the_same_map_and_leaves_its_input_alone(name: str) -> None:
    rows, untouched = turned_and_shifted(noise=0.1), turned_and_shifted(noise=0.1)
    one, other = (make(name).fit(rows, "en", parallel(100)) for _ in range(2))
    for language in rows:
        np.testing.assert_array_equal(one[language](rows[language]), other[language](rows[language]))
        np.testing.assert_array_equal(rows[language], untouched[language])


def test_pairs_may_be_arrays_in_any_order_with_duplicates(name: str) -> None:
    rows = turned_and_shifted(noise=0.1)
    some = parallel(100)
    order = np.random.default_rng(0).permutation(np.tile(np.arange(100), 3))
    arrays = {language: np.array(pairs)[order] for language, pairs in some.items()}
    one, other = make(name).fit(rows, "en", some), make(name).fit(rows, "en", arrays)
    np.testing.assert_array_equal(one["de"](rows["de"]), other["de"](rows["de"]))


def test_more_pairs_are_better(name: str) -> None:
    rows = turned_and_shifted(noise=0.1)
    errors = []
    for n in (12, 200):
        there = make(name).fit(rows, "en", parallel(n))["de"]
        errors.append(float(((there(rows["de"]) - rows["en"])[200:] ** 2).mean()))
    assert errors[1] < errors[0]


def test_the_source_alone_needs_no_pairs(name: str) -> None:
    """`xlt_projector` initializes itself with the texts of the source."""
    maps = make(name).fit({"en": turned_and_shifted()["en"]}, "en")
    assert set(maps) == {"en"}


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_whatever_the_input_a_map_is_finite_or_there_is_an_error(name: str, data: st.DataObject) -> None:
    """One pair, duplicates, fewer pairs than dimensions, blank rows, equal rows, tiny and large vectors."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    width, n, pairs = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12))
    scale = data.draw(st.sampled_from([1e-12, 1e-3, 1.0, 1e6]))
    rows: Embeddings = {}
    for language in ("en", "de"):
        vectors = rng.normal(size=(n, width)) * scale
        kind = data.draw(st.sampled_from(["plain", "equal", "blank", "flat"]))
        if kind == "equal":
            vectors[:] = vectors[0]
        elif kind == "blank":
            vectors[rng.random(n) < 0.5] = 0
        elif kind == "flat":
            vectors[:, 0] = 0
        rows[language] = vectors.astype(np.float32)
    some = {"de": rng.integers(n, size=(pairs, 2))}
    try:
        maps = make(name).fit(rows, "en", some)
    except XltError as error:
        assert "zeros" in str(error) or (name in NEED_MANY and "dimensions" in str(error)) or "inverse" in str(error)
        return
    for language, language_map in maps.items():
        language_map.check_finite()
        assert np.isfinite(language_map(rows[language])).all()


def test_one_pair_gives_a_map_that_fits_it(name: str) -> None:
    rows = turned_and_shifted()
    if name in NEED_MANY:
        with pytest.raises(XltError, match="1 of 8 dimensions"):
            make(name).fit(rows, "en", parallel(1))
        return
    there = make(name).fit(rows, "en", parallel(1))["de"]
    if name != "spacy-xlt.RCSLS.v1":  # which puts the mean of all rows on the mean of all rows
        np.testing.assert_allclose(there(rows["de"][:1]), rows["en"][:1], atol=1e-5)


# Errors


@pytest.mark.parametrize("pairs", [None, {}, {"de": [(0, 0)]}, {"de": [(0, 0)], "sw": []}])
def test_a_language_without_pairs_is_named(name: str, pairs: dict[str, list[tuple[int, int]]] | None) -> None:
    rows = {language: vectors[:, :1] for language, vectors in turned_and_shifted().items()}
    language = "sw" if pairs else "de"
    with pytest.raises(XltError, match=f"'{language}'"):
        make(name).fit(rows, "en", pairs)


def test_a_pair_out_of_range_is_named(name: str) -> None:
    with pytest.raises(XltError, match="300 of 'de'.* 300 rows"):
        make(name).fit(turned_and_shifted(), "en", {**parallel(20), "de": [(i, i) for i in range(301)]})


def test_broken_embeddings_are_named(name: str) -> None:
    rows = turned_and_shifted()
    for change, message in (
        ({"de": rows["de"][:, :3]}, "'de' have 3 dimensions, those of 'en' 8"),
        ({"de": rows["de"][:0]}, "no text of language 'de'"),
        ({"de": np.full_like(rows["de"], np.nan)}, "'de'.* NaN"),
        ({"en": np.full_like(rows["de"], np.inf)}, "'en'.* NaN"),
    ):
        with pytest.raises(XltError, match=message):
            make(name).fit({**rows, **change}, "en", parallel(100))
    with pytest.raises(XltError, match="'fr'"):
        make(name).fit(rows, "fr", parallel(100))

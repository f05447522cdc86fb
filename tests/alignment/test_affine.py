"""Affine maps."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.alignment.affine import AffineMap, Floats, identity, load_maps, save_maps
from spacy_xlt.errors import XltError
from tests.alignment.spaces import rotation

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
    with pytest.raises(XltError, match="origin"):
        AffineMap(vector(0, 0, 0), vector(*target), matrix)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(bad: float) -> None:
    good, broken = vector(0, 0), vector(0, bad)
    for parts in ((broken, good, None), (good, broken, None), (good, good, np.array([[1, 0], [bad, 1]]))):
        with pytest.raises(XltError, match="NaN"):
            AffineMap(*parts)


# Composing, inverting


def some_map(seed: int, width: int = 3, matrix: bool = True) -> AffineMap:
    rng = np.random.default_rng(seed)
    parts = rng.normal(size=(2, width)).astype(np.float32)
    return AffineMap(
        *parts, (rng.normal(size=(width, width)) + 2 * np.eye(width)).astype(np.float32) if matrix else None
    )


@pytest.mark.parametrize("matrices", [(True, True), (True, False), (False, True), (False, False)])
def test_then_does_one_after_the_other(matrices: tuple[bool, bool]) -> None:
    first, second = some_map(1, matrix=matrices[0]), some_map(2, matrix=matrices[1])
    both = first.then(second)
    np.testing.assert_allclose(both(ROWS), second(first(ROWS)), rtol=1e-4, atol=1e-5)
    assert (both.matrix is None) == (not any(matrices))


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.booleans())
def test_the_inverse_leads_back(seed: int, width: int, matrix: bool) -> None:
    rng = np.random.default_rng(seed)
    turn = rotation(rng, width) * np.float32(rng.uniform(0.5, 2)) if matrix else None
    origin, target, row = rng.normal(size=(3, width)).astype(np.float32)
    there = AffineMap(origin, target, turn)
    for way in (there.then(there.inverse()), there.inverse().then(there)):
        np.testing.assert_allclose(way(row[None]), row[None], atol=1e-4)
    np.testing.assert_allclose(there.inverse()(there(row[None])), row[None], atol=1e-4)


def test_composition_is_associative() -> None:
    a, b, c = some_map(1), some_map(2), some_map(3)
    np.testing.assert_allclose(a.then(b).then(c)(ROWS), a.then(b.then(c))(ROWS), rtol=1e-4, atol=1e-4)


def test_a_singular_matrix_has_no_inverse() -> None:
    with pytest.raises(XltError, match="singular"):
        AffineMap(vector(0, 0), vector(0, 0), np.ones((2, 2), dtype=np.float32)).inverse()


def test_maps_of_different_widths_do_not_compose() -> None:
    with pytest.raises(XltError, match="3 and 2 dimensions"):
        identity(3).then(identity(2))


# Saving


def test_saved_maps_come_back_bit_by_bit(tmp_path: Path) -> None:
    maps = {"en": identity(3), "de": some_map(1), "zh_Hant.x": some_map(2, matrix=False)}
    path = tmp_path / "deep" / "maps.npz"
    save_maps(maps, path, {"aligner": "Ridge", "source": "en"})
    loaded = load_maps(path)
    assert set(loaded) == set(maps)
    for language, language_map in maps.items():
        assert (loaded[language].matrix is None) == (language_map.matrix is None)
        np.testing.assert_array_equal(loaded[language](ROWS), language_map(ROWS))
    card = json.loads((tmp_path / "deep" / "maps.json").read_text(encoding="utf8"))
    assert card == {"aligner": "Ridge", "source": "en", "width": 3, "languages": ["de", "en", "zh_Hant.x"]}
    assert sorted(file.name for file in path.parent.iterdir()) == ["maps.json", "maps.npz"]


def test_nan_is_never_saved(tmp_path: Path) -> None:
    broken = some_map(1)
    broken.target[1] = np.nan  # after the check of the constructor
    with pytest.raises(XltError, match="NaN"):
        save_maps({"en": identity(3), "de": broken}, tmp_path / "maps.npz")
    with pytest.raises(XltError, match="cannot be written as JSON"):
        save_maps({"en": identity(3)}, tmp_path / "maps.npz", {"score": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_maps_with_nan_in_the_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "maps.npz"
    np.savez(path, **{"origin.de": vector(0, np.nan), "target.de": vector(0, 0)})  # type: ignore[arg-type]
    with pytest.raises(XltError, match="maps.npz .*NaN"):
        load_maps(path)


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "pickle", "part"])
def test_damaged_files_are_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "maps.npz"
    save_maps({"de": some_map(1)}, path)
    whole = path.read_bytes()
    if damage == "pickle":
        np.savez(path, **{"origin.de": np.array([object()]), "target.de": vector(0)})  # type: ignore[arg-type]
    elif damage == "part":
        np.savez(path, **{"origin.de": vector(0)})  # type: ignore[arg-type]
    else:
        path.write_bytes({"empty": b"", "cut": whole[: len(whole) // 2], "text": b"0.1 0.2"}[damage])
    with pytest.raises(XltError, match="maps.npz .*damaged"):
        load_maps(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(XltError, match="nowhere.npz"):
        load_maps(tmp_path / "nowhere.npz")

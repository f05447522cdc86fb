"""Matrices of other programs."""

from pathlib import Path

import numpy as np
import pytest
import torch

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.matrices import read_matrix
from spacy_xlt.errors import XltError

MATRIX = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)
ROWS = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)


def assert_read(path: Path, matrix: Floats = MATRIX) -> None:
    np.testing.assert_allclose(read_matrix(path)(ROWS), ROWS @ matrix.T, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["float32", "float64", "tensor"])
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_what_torch_saves(tmp_path: Path, kind: str, zipped: bool) -> None:
    """MUSE saves `mapping.weight.data.cpu().numpy()` with torch.save."""
    path = tmp_path / "best_mapping.pth"
    content = torch.tensor(MATRIX) if kind == "tensor" else MATRIX.astype(kind)
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert_read(path)


@pytest.mark.parametrize("head", ["", "4 4\n", "\n"])
def test_text_with_and_without_a_head(tmp_path: Path, head: str) -> None:
    path = tmp_path / "vectors.vec-mat"
    lines = [" ".join(f"{number:.7g}" for number in row) for row in MATRIX]
    path.write_text(head + "\n".join(lines) + "\n", encoding="utf8")
    assert_read(path)


def test_two_by_two_text_is_not_taken_for_a_head(tmp_path: Path) -> None:
    path = tmp_path / "small.txt"
    path.write_text("0 1\n-1 0\n", encoding="utf8")
    np.testing.assert_array_equal(read_matrix(path).matrix, [[0, 1], [-1, 0]])


def test_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", MATRIX)
    assert_read(tmp_path / "w.npy")


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("evil"),))  # type: ignore[return-value]


def test_nothing_in_a_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(Evil(), tmp_path / "evil.pth")
    np.save(tmp_path / "evil.npy", np.array([Evil()]), allow_pickle=True)
    for name in ("evil.pth", "evil.npy"):
        with pytest.raises(XltError, match="no readable matrix"):
            read_matrix(tmp_path / name)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("text", ["", "1 2\n3\n", "a b\nc d\n", "\x00\xff"])
def test_text_that_is_no_matrix_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.txt"
    path.write_text(text, encoding="latin1")
    with pytest.raises(XltError, match=r"broken\.txt"):
        read_matrix(path)


def test_a_matrix_that_is_not_square_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wide.txt"
    path.write_text("1 2 3\n4 5 6\n", encoding="utf8")
    with pytest.raises(XltError, match=r"\[2, 3\]"):
        read_matrix(path)


def test_nan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nan.txt"
    path.write_text("1 nan\n0 1\n", encoding="utf8")
    with pytest.raises(XltError, match="NaN"):
        read_matrix(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in ("none.txt", "none.pth", "none.npy"):
        with pytest.raises(XltError, match=f"{name}"):
            read_matrix(tmp_path / name)

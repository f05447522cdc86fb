"""Reading the matrices of other programs: MUSE, fastText, plain text."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, affine
from spacy_xlt.errors import XltError


def read_matrix(path: Path) -> AffineMap:
    """The map y = W x of a file that holds W [d, d]:

    - `.pth`, `.pt`: what MUSE saves as best_mapping.pth, and any one matrix saved by torch (needs torch);
    - `.npy`: a matrix of NumPy;
    - anything else: text, one row of numbers a line, with or without a line `d d` before them, as fastText's
      alignment/align.py writes it. A matrix for row vectors (x W) is to be transposed first.

    Nothing in a file is executed. Raises XltError for a file that is missing or holds no square matrix, and for NaN.
    """
    try:
        if path.suffix in (".pth", ".pt"):
            matrix = _read_torch(path)
        elif path.suffix == ".npy":
            matrix = np.load(path, allow_pickle=False)
        else:
            matrix = _read_text(path)
        matrix = np.asarray(matrix, dtype=np.float64)
    except FileNotFoundError as error:
        raise XltError(f"{path} is missing.") from error
    except ImportError as error:
        raise XltError(f"{path} was saved by torch: install spacy-xlt[train] to read it.") from error
    except Exception as error:  # torch, NumPy and float() each raise kinds of their own
        raise XltError(f"{path} holds no matrix that can be read ({str(error).splitlines()[0]}).") from error
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise XltError(f"{path} holds an array {list(matrix.shape)}; a map needs a square matrix [d, d].")
    zeros = np.zeros(len(matrix))
    return affine(zeros, zeros, matrix)


def _read_torch(path: Path) -> NDArray[Any]:
    import torch

    # MUSE saves a NumPy array. Its parts are named one by one, since a pickle may otherwise run anything.
    reconstruct = np._core.multiarray._reconstruct  # type: ignore[attr-defined]
    parts: list[Any] = [
        (reconstruct, "numpy.core.multiarray._reconstruct"),
        (reconstruct, "numpy._core.multiarray._reconstruct"),
        np.ndarray,
        np.dtype,
        *(type(np.dtype(kind)) for kind in ("f4", "f8")),
    ]
    try:
        with torch.serialization.safe_globals(parts):
            return np.asarray(torch.load(path, map_location="cpu", weights_only=True))
    except pickle.UnpicklingError as error:
        raise ValueError("it holds more than an array or tensor") from error


def _read_text(path: Path) -> NDArray[Any]:
    lines = [line.split() for line in path.read_text(encoding="utf8").splitlines() if line.strip()]
    if len(lines) > 1 and len(lines[0]) == 2 and lines[0] == [str(len(lines) - 1), str(len(lines[1]))]:
        lines = lines[1:]
    return np.array([[float(number) for number in line] for line in lines])

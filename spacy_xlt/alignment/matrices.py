"""Reading the matrices of other programs: MUSE, fastText, and plain text."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, affine
from spacy_xlt.errors import XltError


def read_matrix(path: Path) -> AffineMap:
    """Read a matrix W `[d, d]` from a file as the map y = W x. Nothing in the file is executed.

    Transpose a matrix for row vectors (x W) first.

    Args:
        path: The file. Its extension decides how it is read:

            - `.pth`, `.pt`: a matrix that was saved by torch, such as MUSE's best_mapping.pth. It needs torch.
            - `.npy`: a NumPy array.
            - other: text with one row of numbers per line, with or without a first line `d d`, as fastText's
              alignment/align.py writes it.

    Raises:
        XltError: The file is missing, has no square matrix, or contains NaN.
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
        raise XltError(f"{path} does not exist. Choose another file.") from error
    except ImportError as error:
        raise XltError(
            f"{path} was saved by torch, which is not installed. Run: pip install 'spacy-xlt[train]'"
        ) from error
    except Exception as error:  # torch, NumPy and float() raise errors of many kinds.
        raise XltError(f"{path} has no readable matrix ({str(error).splitlines()[0]}). Choose another file.") from error
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise XltError(f"{path} has an array {list(matrix.shape)}. A map needs a square matrix [d, d].")
    zeros = np.zeros(len(matrix))
    return affine(zeros, zeros, matrix)


def _read_torch(path: Path) -> NDArray[Any]:
    import torch

    # MUSE saves a NumPy array. Only the parts of an array are allowed, because a pickle could run any code.
    # The function that rebuilds an array has different names in NumPy 1 and 2.
    reconstruct: Any = np.zeros(0).__reduce__()[0]
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
        raise ValueError("it contains more than an array or tensor") from error


def _read_text(path: Path) -> NDArray[Any]:
    lines = [line.split() for line in path.read_text(encoding="utf8").splitlines() if line.strip()]
    if len(lines) > 1 and len(lines[0]) == 2 and lines[0] == [str(len(lines) - 1), str(len(lines[1]))]:
        lines = lines[1:]
    return np.array([[float(number) for number in line] for line in lines])

"""Float32 matrices as bytes with a scale a row."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.base import Floats1d, Floats2d


def quantize_rows(matrix: Floats2d, limit: int = 127) -> tuple[NDArray[np.int8], Floats1d]:
    """Return bytes [n, d] in -limit..limit and scales [n]: matrix ~ bytes * scales[:, None].

    The error of an entry is at most half its row's scale. Rows of zeros stay zeros.
    """
    scales = np.abs(matrix).max(axis=1, initial=0.0).astype(np.float32) / np.float32(limit)
    safe = np.where(scales > 0, scales, np.float32(1))
    return np.rint(matrix / safe[:, None]).clip(-limit, limit).astype(np.int8), scales


def dequantize_rows(rows: NDArray[np.int8], scales: Floats1d) -> Floats2d:
    """The float32 matrix [n, d] again."""
    result: NDArray[Any] = rows * scales[:, None]
    return result.astype(np.float32, copy=False)

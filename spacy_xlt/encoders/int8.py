"""8-bit quantization of float32 matrices, with one scale per row."""

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.base import Floats1d, Floats2d


def quantize_rows(matrix: Floats2d, limit: int = 127) -> tuple[NDArray[np.int8], Floats1d]:
    """Quantize a matrix, so that matrix ~ integers * scales[:, None].

    Args:
        matrix: The matrix, `[n, d]`.
        limit: The largest absolute value of the integers.

    Returns:
        The integers `[n, d]` and the scales `[n]`. The error of an entry is at most half of the scale of its row. Rows
        of zeros stay zeros.
    """
    scales = np.abs(matrix).max(axis=1, initial=0.0).astype(np.float32) / np.float32(limit)
    safe = np.where(scales > 0, scales, np.float32(1))
    return np.rint(matrix / safe[:, None]).clip(-limit, limit).astype(np.int8), scales

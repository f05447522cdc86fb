"""Arithmetic on rows of vectors that encoders, alignment and evaluation share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def unit_rows(rows: NDArray[Any]) -> NDArray[Any]:
    """Divide each row [n, d] by its length; rows of zeros stay zeros, and floats keep their kind."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    out = np.zeros(rows.shape, dtype=np.result_type(rows, np.float32))
    return np.divide(rows, lengths, out=out, where=lengths > 0)

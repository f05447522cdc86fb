"""An affine map between two embedding spaces."""

from dataclasses import dataclass
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.errors import XltError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class AffineMap:
    """y = M (x - origin) + target, with M [d, d], origin [d] and target [d]. M None is the identity matrix."""

    origin: Floats
    target: Floats
    matrix: Optional[Floats] = None

    def __post_init__(self) -> None:
        width = self.origin.shape[0]
        if self.target.shape != (width,) or (self.matrix is not None and self.matrix.shape != (width, width)):
            raise XltError("An affine map needs an origin [d], a target [d] and a matrix [d, d].")
        for part in (self.origin, self.target, self.matrix):
            if part is not None and not np.isfinite(part).all():
                raise XltError("An affine map with NaN or infinite entries: the embeddings it was fitted on hold them.")

    def __call__(self, vectors: Floats) -> Floats:
        """Map rows [n, d] to [n, d]."""
        centred = vectors - self.origin
        if self.matrix is not None:
            centred = centred @ self.matrix.T
        return centred + self.target


def identity(width: int) -> AffineMap:
    """The map that changes nothing."""
    zeros = np.zeros(width, dtype=np.float32)
    return AffineMap(zeros, zeros)

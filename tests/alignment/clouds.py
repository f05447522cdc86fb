"""Synthetic spaces for the aligners that use no dictionary."""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]

N, WIDTH = 400, 12


def cloud(seed: int, n: int = N, width: int = WIDTH) -> Rows:
    """Rows of a skewed and stretched distribution of its own."""
    rng = np.random.default_rng(seed)
    stretch = rng.standard_normal((width, width)) * np.exp(-2 * np.arange(width) / width)
    return np.asarray((rng.gamma(2, 1, (n, width)) - 2) @ stretch, dtype=np.float32)


def turned(rows: Rows, seed: int, noise: float = 0.05) -> tuple[Rows, NDArray[np.int64]]:
    """(rows turned or mirrored, moved, with noise and in another order, that order): row i was row order[i]."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((rows.shape[1], rows.shape[1])))[0]
    order = rng.permutation(len(rows))
    noisy = rows + noise * rows.std() * rng.standard_normal(rows.shape)
    return np.asarray(noisy[order] @ turn + 3, dtype=np.float32), order


def scrambled(rows: Rows, seed: int) -> Rows:
    """Each column in an order of its own."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(column) for column in rows.T], axis=1)


def hits(mapped: Rows, rows: Rows, order: NDArray[np.int64]) -> float:
    """Share of mapped rows whose nearest row is the one that they come from."""
    distances = ((mapped[:, None] - rows[None]) ** 2).sum(axis=2)
    return float((distances.argmin(axis=1) == order).mean())

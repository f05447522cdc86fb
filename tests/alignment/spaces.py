"""Embeddings of made-up languages for the tests of aligners."""

import numpy as np

from spacy_xlt.alignment.affine import Floats

Embeddings = dict[str, Floats]


def rotation(rng: np.random.Generator, width: int) -> Floats:
    return np.asarray(np.linalg.qr(rng.normal(size=(width, width)))[0], dtype=np.float32)


def turned_and_shifted(n: int = 300, width: int = 8, noise: float = 0.0, seed: int = 0) -> Embeddings:
    """Rows of en at unit length, and the same rows in de and sw, each turned and moved by its own secret motion.

    Row i is the same text in all languages. The spread differs from direction to direction, as in real embeddings.
    """
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, width)) * np.linspace(0.3, 1, width) + 0.3
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    result = {"en": rows.astype(np.float32)}
    for language in ("de", "sw"):
        moved = (rows - rows.mean(axis=0)) @ rotation(rng, width).T + 0.1 * rng.normal(size=width)
        result[language] = (moved + noise * rng.normal(size=moved.shape)).astype(np.float32)
    return result


def parallel(n: int, *languages: str) -> dict[str, list[tuple[int, int]]]:
    """The first n rows of each language are translations."""
    return {language: [(i, i) for i in range(n)] for language in languages or ("de", "sw")}

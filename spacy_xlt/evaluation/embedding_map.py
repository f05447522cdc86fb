"""A two-dimensional map of embeddings before and after their projection."""

from collections.abc import Sequence
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.evaluation.details import EmbeddingMap

# More points would hide each other.
MAX_POINTS = 1500
SIZE = 1000

Floats = NDArray[np.floating]


def make_map(
    before: Floats, after: Optional[Floats], languages: Sequence[str], labels: Sequence[str]
) -> Optional[EmbeddingMap]:
    """Return a map of embeddings on two principal components.

    The components are those of both sets of embeddings together, so that both maps have the same axes. Of many texts,
    some of each language are drawn, evenly spread over the data.

    Args:
        before: The embeddings, [n, d].
        after: The projected embeddings, [n, d]; None without a projector.
        languages: The language of each text, [n].
        labels: The label of each text, [n].

    Returns:
        The map; None if fewer than three embeddings have values.

    References:
        Jolliffe (2002), Principal Component Analysis, chapter 2.
    """
    filled = np.flatnonzero(np.abs(before).sum(axis=1))
    rows = filled[choose_rows([languages[row] for row in filled.tolist()], MAX_POINTS)]
    if len(rows) < 3:
        return None
    sets = [np.asarray(each, dtype=np.float64)[rows] for each in (before, after) if each is not None]
    points, variance = principal_components(np.concatenate(sets))
    low, span = points.min(axis=0), np.maximum(np.ptp(points, axis=0).max(), 1e-12)
    # Both axes have one scale, and the shorter one is centered.
    margins = (1.0 - np.ptp(points, axis=0) / span) / 2
    scaled = np.rint(SIZE * ((points - low) / span + margins)).astype(int)
    maps = [(part[:, 0].tolist(), part[:, 1].tolist()) for part in np.split(scaled, len(sets))]
    language_names, language_of = _index([languages[row] for row in rows])
    label_names, label_of = _index([labels[row] for row in rows])
    return EmbeddingMap(
        variance=variance,
        languages=language_names,
        labels=label_names,
        language=language_of,
        label=label_of,
        before=maps[0],
        after=maps[1] if len(maps) > 1 else None,
    )


def choose_rows(languages: Sequence[str], most: int) -> NDArray[np.intp]:
    """Return at most `most` rows, in order, with the same number for each language where it has enough texts."""
    codes = np.asarray(languages, dtype=object)
    rows = {code: np.flatnonzero(codes == code) for code in sorted(set(languages))}
    chosen: list[NDArray[np.intp]] = []
    left = most
    # A language with few texts leaves its share to those with more.
    for number, code in enumerate(sorted(rows, key=lambda code: (len(rows[code]), code))):
        share = min(len(rows[code]), left // (len(rows) - number))
        chosen.append(rows[code][np.linspace(0, len(rows[code]) - 1, share).astype(int)])
        left -= share
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, dtype=np.intp)


def principal_components(vectors: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Return the first two principal components of each vector, [n, 2], and the shares of variance they explain.

    Args:
        vectors: The vectors, [n, d].
    """
    centered = vectors - vectors.mean(axis=0)
    values, directions = np.linalg.eigh(centered.T @ centered)
    order = np.argsort(-values)[:2]
    axes = directions[:, order]
    # The sign of an eigenvector is arbitrary. The largest entry is made positive, so that every machine agrees.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), range(len(order))])
    points = centered @ axes
    total = max(float(values.sum()), 1e-12)
    shares = [round(min(max(float(value) / total, 0.0), 1.0), 4) for value in values[order]]
    if len(order) < 2:
        points, shares = np.column_stack([points, np.zeros(len(points))]), [*shares, 0.0]
    return points, (shares[0], shares[1])


def _index(names: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return the distinct names, sorted, and the index of each name."""
    distinct = sorted(set(names))
    return distinct, [distinct.index(name) for name in names]

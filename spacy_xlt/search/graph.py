"""Approximate nearest neighbors in a graph of the vectors (HNSW), by the package usearch."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.base import Integers
from spacy_xlt.errors import XltError, first_line
from spacy_xlt.extras import require
from spacy_xlt.progress import progress_bar
from spacy_xlt.search.folder import AXES_FILE, GRAPH_FILE, load_array

# Neighbors of a vector in the graph, and candidates while it is built and searched. See docs/measured-settings.md.
CONNECTIVITY = 32
EXPANSION_ADD = 96
EXPANSION_SEARCH = 640
# The graph holds this number of principal components of the vectors, estimated from at most SAMPLE of them.
DIMENSIONS = 128
SAMPLE = 20_000
# Components are stored as integers from -127 to 127. All but this share of them are smaller in size.
LARGEST = 127
CLIPPED = 0.0005
CHUNK = 10_000


class Graph:
    """A graph of vectors in which each vector has a key that never changes.

    It holds the principal components of the vectors, minus their mean, as integers of 8 bits, and finds vectors that
    are near in these. This is a guide only: what it finds has to be ranked by the vectors themselves.

    Args:
        axes: The mean of the vectors, then the principal axes times the factor of the integers, `[1 + axes, width]`:
            see `fit_axes`.

    References:
        Malkov and Yashunin (2020), Efficient and Robust Approximate Nearest Neighbor Search Using Hierarchical
        Navigable Small World Graphs, algorithms 1, 2 and 5.
    """

    def __init__(self, axes: Floats) -> None:
        require("search", "usearch")
        from usearch.index import Index

        self._axes = axes
        # For unit vectors, the Euclidean distance ranks as the cosine does. It stays so if the mean is subtracted.
        self._index: Any = Index(
            ndim=len(axes) - 1,
            metric="l2sq",
            dtype="i8",
            connectivity=CONNECTIVITY,
            expansion_add=EXPANSION_ADD,
            expansion_search=EXPANSION_SEARCH,
        )

    def __len__(self) -> int:
        return len(self._index)

    def add(self, keys: Integers, vectors: Floats, *, progress: bool = False) -> None:
        """Add vectors `[n, width]` with their keys `[n]`."""
        with progress_bar(title="Building the graph", unit="vector", total=len(keys), show=progress) as bar:
            for start in range(0, len(keys), CHUNK):
                part = slice(start, start + CHUNK)
                self._index.add(keys[part].astype(np.uint64), self._components(vectors[part]))
                bar.update(len(keys[part]))

    def _components(self, vectors: Floats) -> NDArray[np.int8]:
        """Return the principal components of vectors as integers, `[n, axes]`."""
        values = (vectors - self._axes[0]) @ self._axes[1:].T
        return np.ascontiguousarray(np.rint(values).clip(-LARGEST, LARGEST).astype(np.int8))

    def remove(self, keys: Integers) -> None:
        """Remove the vectors of these keys."""
        for key in keys:
            self._index.remove(int(key))

    def search(self, queries: Floats, k: int) -> Integers:
        """Return the keys of about the k nearest vectors of each query, `[q, k]`; -1 where fewer are found."""
        found = self._index.search(self._components(queries), k)
        keys = np.atleast_2d(np.asarray(found.keys)).astype(np.int64)
        counts = np.atleast_1d(np.asarray(getattr(found, "counts", len(found.keys))))
        keys[np.arange(keys.shape[1])[None] >= counts[:, None]] = -1
        return keys

    def save(self, folder: Path) -> None:
        """Write the graph and the axes into a folder."""
        np.save(folder / AXES_FILE, self._axes, allow_pickle=False)
        self._index.save(str(folder / GRAPH_FILE))

    @classmethod
    def load(cls, folder: Path, width: int, *, view: bool) -> "Graph":
        """Read what `save` has written.

        Args:
            folder: The folder.
            width: The number of dimensions of the vectors.
            view: Map the graph into memory instead of reading it. A mapped graph cannot be changed.

        Raises:
            XltError: A file is damaged.
        """
        axes, path = np.array(load_array(folder / AXES_FILE)), folder / GRAPH_FILE
        try:
            graph = cls(axes)
            (graph._index.view if view else graph._index.load)(str(path))
            if axes.shape != (1 + graph._index.ndim, width):
                raise ValueError(f"it does not belong to the axes {axes.shape} of {width} dimensions")
        except XltError:  # usearch is not installed
            raise
        except Exception as error:  # usearch raises errors of many kinds
            raise XltError(f"{path} is damaged ({first_line(error)}). Copy or build the index again.") from error
        return graph


def fit_axes(vectors: Floats) -> Floats:
    """Return the mean and the scaled principal axes of vectors `[n, width]`, for `Graph`.

    Returns:
        `[1 + axes, width]`, where axes is `DIMENSIONS`, or the width if that is less.
    """
    sample = vectors[np.linspace(0, len(vectors) - 1, min(len(vectors), SAMPLE)).astype(np.int64)]
    mean = sample.mean(axis=0)
    centered = sample - mean
    # The eigenvectors of the covariance, those of the largest eigenvalues first.
    axes = np.linalg.eigh(centered.T @ centered)[1].T[::-1][:DIMENSIONS]
    # It is 0 if all vectors are equal.
    largest = float(np.quantile(np.abs(centered @ axes.T), 1 - CLIPPED)) or 1.0
    return np.concatenate([mean[None], axes * (LARGEST / largest)]).astype(np.float32)

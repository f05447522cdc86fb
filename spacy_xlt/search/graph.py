"""Approximate nearest neighbors in a graph of the vectors (HNSW), by the package usearch."""

from pathlib import Path
from typing import Any

import numpy as np

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.base import Integers
from spacy_xlt.errors import XltError, first_line
from spacy_xlt.extras import require
from spacy_xlt.progress import progress_bar

# Neighbors of a vector in the graph, and candidates while it is built and searched. See docs/measured-settings.md.
CONNECTIVITY = 32
EXPANSION_ADD = 96
EXPANSION_SEARCH = 512
# 8 bits halve the memory and the time of 16 bits. The candidates are ranked with 32 bits in the end.
DTYPE = "i8"
CHUNK = 10_000


class Graph:
    """A graph of unit vectors in which each vector has a key that never changes.

    Args:
        width: The number of dimensions.

    References:
        Malkov and Yashunin (2020), Efficient and Robust Approximate Nearest Neighbor Search Using Hierarchical
        Navigable Small World Graphs, algorithms 1, 2 and 5.
    """

    def __init__(self, width: int) -> None:
        require("search", "usearch")
        from usearch.index import Index

        self._index: Any = Index(
            ndim=width,
            metric="ip",
            dtype=DTYPE,
            connectivity=CONNECTIVITY,
            expansion_add=EXPANSION_ADD,
            expansion_search=EXPANSION_SEARCH,
        )

    def __len__(self) -> int:
        return len(self._index)

    def add(self, keys: Integers, vectors: Floats, *, progress: bool = False) -> None:
        """Add vectors `[n, d]` with their keys `[n]`."""
        with progress_bar(title="Building the graph", unit="vector", total=len(keys), show=progress) as bar:
            for start in range(0, len(keys), CHUNK):
                part = slice(start, start + CHUNK)
                self._index.add(keys[part].astype(np.uint64), np.ascontiguousarray(vectors[part]))
                bar.update(len(keys[part]))

    def remove(self, keys: Integers) -> None:
        """Remove the vectors of these keys."""
        for key in keys:
            self._index.remove(int(key))

    def search(self, queries: Floats, k: int) -> Integers:
        """Return the keys of about the k nearest vectors of each query, `[q, k]`; -1 where fewer are found."""
        found = self._index.search(np.ascontiguousarray(queries), k)
        keys = np.atleast_2d(np.asarray(found.keys)).astype(np.int64)
        counts = np.atleast_1d(np.asarray(getattr(found, "counts", len(found.keys))))
        keys[np.arange(keys.shape[1])[None] >= counts[:, None]] = -1
        return keys

    def save(self, path: Path) -> None:
        """Write the graph and the vectors to a file."""
        self._index.save(str(path))

    def load(self, path: Path, *, view: bool) -> "Graph":
        """Read what `save` has written.

        Args:
            path: The file.
            view: Map the file into memory instead of reading it. A mapped graph cannot be changed.

        Raises:
            XltError: The file is damaged.
        """
        try:
            (self._index.view if view else self._index.load)(str(path))
        except Exception as error:  # usearch raises errors of many kinds
            raise XltError(f"{path} is damaged ({first_line(error)}). Copy or build the index again.") from error
        return self

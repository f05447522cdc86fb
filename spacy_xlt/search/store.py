"""`Store`: the vectors and the entries of an index, on disk and in memory. It knows nothing of spaCy."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.base import Integers
from spacy_xlt.alignment.retrieval import neighborhood_similarity
from spacy_xlt.errors import XltError
from spacy_xlt.files import file_digest, whole_folder, write_json
from spacy_xlt.search.entries import ID_FIELD, Entry
from spacy_xlt.search.exact import search_exact
from spacy_xlt.search.folder import (
    AXES_FILE,
    ENTRIES_FILE,
    GRAPH_FILE,
    KEYS_FILE,
    MARKER,
    VECTORS_FILE,
    VERSION,
    load_array,
    read_facts,
)
from spacy_xlt.search.graph import Graph, fit_axes
from spacy_xlt.search.lines import JsonLines, Wanted

# More vectors are searched approximately.
EXACT_LIMIT = 200_000
# r of CSLS is the mean cosine to this number of nearest vectors, among at most SAMPLE vectors.
NEIGHBORHOOD = 10
SAMPLE = 5_000
# The approximate search finds this number times k candidates, which are then ranked exactly.
CANDIDATES = 10


class Store:
    """Unit vectors, each with an entry.

    Args:
        width: The number of dimensions.

    Attributes:
        vectors: The vectors, `[n, width]`.
        lines: The entries as JSON.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.vectors: Floats = np.empty((0, width), dtype=np.float32)
        self.lines = JsonLines()
        # Each vector has a key in the graph, which does not change when other vectors are removed.
        self._keys: Integers = np.empty(0, dtype=np.int64)
        self._next_key = 0
        self._graph: Optional[Graph] = None
        # The folder with a graph that has not been read yet.
        self._graph_folder: Optional[Path] = None
        self._penalty: Optional[Floats] = None

    def __len__(self) -> int:
        return len(self.vectors)

    def add(self, entries: Sequence[Entry], vectors: Floats, *, progress: bool = False) -> list[str]:
        """Add entries with their vectors `[n, width]`. An entry replaces an older one with the same id.

        Returns:
            The ids of the entries. An entry without an id gets its number.

        Raises:
            XltError: Two of the entries have the same id.
        """
        named = [self._with_id(entry, number) for number, entry in enumerate(entries)]
        ids = [entry.id for entry in named]
        seen: set[str] = set()
        for id in ids:
            if id in seen:
                raise XltError(f"Two of the entries have the id '{id}'. Give each its own id.")
            seen.add(id)
        known = self.lines.rows_by_value(ID_FIELD)
        self._keep_without([row for id in ids for row in known.get(id, [])])
        self.vectors = np.concatenate([self.vectors, np.asarray(vectors, dtype=np.float32)])
        self.lines.append([entry.to_json() for entry in named])
        keys = np.arange(self._next_key, self._next_key + len(named))
        self._keys = np.concatenate([self._keys, keys])
        self._next_key += len(named)
        self._penalty = None
        if len(self) > EXACT_LIMIT:
            self._changeable_graph(progress=progress)
        return ids

    def _with_id(self, entry: Entry, number: int) -> Entry:
        return entry if entry.id else Entry(str(self._next_key + number + 1), entry.text, entry.language, entry.fields)

    def remove(self, ids: Sequence[str]) -> None:
        """Remove entries.

        Raises:
            XltError: There is no entry with one of the ids. Nothing is removed then.
        """
        known = self.lines.rows_by_value(ID_FIELD)
        missing = [id for id in ids if id not in known]
        if missing:
            raise XltError(f"There is no entry with the id '{missing[0]}' in the index.")
        self._keep_without([row for id in ids for row in known[id]])

    def _keep_without(self, rows: Sequence[int]) -> None:
        if not rows:
            return
        kept = np.setdiff1d(np.arange(len(self)), rows)
        if self._has_graph():
            self._changeable_graph().remove(self._keys[list(rows)])
        self.vectors, self._keys = self.vectors[kept], self._keys[kept]
        self.lines.keep(kept)
        self._penalty = None

    def _has_graph(self) -> bool:
        return self._graph is not None or self._graph_folder is not None

    def _changeable_graph(self, *, progress: bool = False) -> Graph:
        """The graph of all vectors, read into memory if it was mapped from a file."""
        if self._graph_folder is not None:
            self._graph = Graph.load(self._graph_folder, self.width, view=False)
            self._graph_folder = None
        elif self._graph is None:
            self._graph = Graph(fit_axes(self.vectors))
        assert self._graph is not None
        new = slice(len(self._graph), None)
        self._graph.add(self._keys[new], self.vectors[new], progress=progress)
        return self._graph

    def hubness(self) -> Floats:
        """Return the mean cosine `[n]` of each vector to its nearest vectors in a sample of the others: r of CSLS."""
        if self._penalty is None:
            sample = np.linspace(0, len(self) - 1, min(len(self), SAMPLE)).astype(np.int64)
            # A vector is its own nearest neighbor, if it is in the sample.
            self._penalty = neighborhood_similarity(self.vectors, self.vectors[sample], NEIGHBORHOOD + 1)
        return self._penalty

    def search(
        self, queries: Floats, k: int, *, where: Optional[Mapping[str, Wanted]] = None, csls: bool = False
    ) -> tuple[Integers, Floats]:
        """Find the nearest vectors of each query.

        Args:
            queries: The queries `[q, width]`, of unit length.
            k: The number of vectors to find.
            where: The wanted value of each field, or a list of them. Other vectors are not searched.
            csls: Rank by CSLS, which penalizes vectors that are near to many others.

        Returns:
            The rows `[q, k]`, best first, and the cosines `[q, k]`. There are fewer columns if there are fewer vectors.

        Raises:
            XltError: No entry has a field to filter on, or there are too many vectors and usearch is missing.
        """
        rows = self.lines.matching(where) if where else None
        penalty = self.hubness() if csls and len(self) else None
        if rows is None and len(self) > EXACT_LIMIT:
            return self._search_graph(queries, k, penalty)
        found, scores = search_exact(self.vectors, queries, k, penalty=penalty, rows=rows)
        if penalty is not None:
            scores = np.asarray((scores + penalty[found]) / 2, dtype=np.float32)
        return found, scores

    def _search_graph(self, queries: Floats, k: int, penalty: Optional[Floats]) -> tuple[Integers, Floats]:
        if self._graph is None:
            folder = self._graph_folder
            self._graph = self._changeable_graph() if folder is None else Graph.load(folder, self.width, view=True)
        keys = self._graph.search(queries, CANDIDATES * k)
        rows = np.searchsorted(self._keys, keys).clip(0, len(self) - 1)
        cosines = np.einsum("qd,qkd->qk", queries, self.vectors[rows])
        scores = cosines if penalty is None else 2 * cosines - penalty[rows]
        scores = np.where(keys < 0, -np.inf, scores)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(rows, order, axis=1), np.take_along_axis(cosines, order, axis=1)

    def save(self, folder: Path, settings: Mapping[str, Any], arrays: Mapping[str, Floats]) -> None:
        """Write the index as a folder, which appears whole or not at all.

        Args:
            folder: The folder. An older index there is replaced.
            settings: What else to write into index.json.
            arrays: More arrays to write, by the names of their files.

        Raises:
            XltError: The folder holds something else, or cannot be written.
        """
        with whole_folder(folder, MARKER) as part:
            self.lines.write(part / ENTRIES_FILE)
            files: dict[str, Any] = {VECTORS_FILE: self.vectors, KEYS_FILE: self._keys, **arrays}
            for name, array in files.items():
                np.save(part / name, array, allow_pickle=False)
            if len(self) > EXACT_LIMIT:
                self._changeable_graph().save(part)
            hashes = {file.name: file_digest(file) for file in sorted(part.iterdir())}
            facts = {"version": VERSION, "entries": len(self), "width": self.width, "next_key": self._next_key}
            write_json({**facts, **settings, "sha256": hashes}, part / MARKER)

    @classmethod
    def load(cls, folder: Path) -> tuple["Store", dict[str, Any]]:
        """Load an index. The vectors and the entries are mapped into memory. Nothing in the folder is executed.

        Returns:
            The store and the content of index.json.

        Raises:
            XltError: The folder is not an index, or a file is missing or damaged.
        """
        facts = read_facts(folder)
        store = cls(facts["width"])
        store.lines = JsonLines.map_file(folder / ENTRIES_FILE)
        store.vectors = load_array(folder / VECTORS_FILE)
        store._keys = load_array(folder / KEYS_FILE)
        store._next_key = facts["next_key"]
        shapes = (store.vectors.shape, store._keys.shape, len(store.lines))
        if shapes != ((facts["entries"], store.width), (facts["entries"],), facts["entries"]):
            raise XltError(f"{folder}: the vectors and the entries do not belong together. Build the index again.")
        if all((folder / name).is_file() for name in (GRAPH_FILE, AXES_FILE)):
            store._graph_folder = folder
        return store, facts

    def to_bytes(self) -> bytes:
        """Return the vectors and the entries as an .npz archive without pickle. The graph is built again."""
        buffer = io.BytesIO()
        np.savez(buffer, vectors=self.vectors, keys=self._keys, next_key=self._next_key, lines=self.lines.content)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Store":
        """Load what `to_bytes` returned.

        Raises:
            XltError: The data are damaged.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            store = cls(arrays["vectors"].shape[1])
            store.vectors, store.lines = arrays["vectors"], JsonLines(arrays["lines"])
            store._keys, store._next_key = arrays["keys"], int(arrays["next_key"])
        except Exception as error:  # zipfile and NumPy raise errors of many kinds
            raise XltError(f"The data of the index are damaged ({error}). Build the index again.") from error
        return store

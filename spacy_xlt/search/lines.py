"""JSON objects, one per line, in memory or in a mapped file. Only the lines that are read are parsed."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.base import Integers
from spacy_xlt.data.records import label_name
from spacy_xlt.errors import XltError

NEWLINE = 10
# What a filter accepts for a field: a value, or several of which one must match.
Wanted = Union[str, int, float, bool, Sequence[Union[str, int, float, bool]]]


class JsonLines:
    """Lines of JSON that can be appended, removed, filtered by field, and read one by one.

    Args:
        content: The bytes of the lines, each with its line end: `[bytes]`, uint8.

    Attributes:
        content: The same.
    """

    def __init__(self, content: NDArray[np.uint8] = np.empty(0, dtype=np.uint8)) -> None:  # noqa: B008  (never written)
        self.content = content
        self._ends = np.flatnonzero(content == NEWLINE) + 1
        self._rows: dict[str, dict[str, list[int]]] = {}

    @classmethod
    def map_file(cls, path: Path) -> "JsonLines":
        """Map a file into memory; its pages are read when they are needed."""
        return cls(np.memmap(path, dtype=np.uint8, mode="r")) if path.stat().st_size else cls()

    def write(self, path: Path) -> None:
        """Write the lines to a file."""
        with path.open("wb") as file:
            self.content.tofile(file)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, row: int) -> dict[str, Any]:
        start = self._ends[row - 1] if row else 0
        found: dict[str, Any] = json.loads(self.content[start : self._ends[row]].tobytes())
        return found

    def append(self, lines: Sequence[str]) -> None:
        """Append lines, given without line ends."""
        added = "".join(f"{line}\n" for line in lines).encode("utf8")
        self._replace(np.concatenate([self.content, np.frombuffer(added, dtype=np.uint8)]))

    def keep(self, rows: Integers) -> None:
        """Keep the lines of these rows, which are sorted, and remove all others."""
        starts = np.concatenate([[0], self._ends[:-1]])[rows]
        parts = [self.content[start:end] for start, end in zip(starts, self._ends[rows])]
        self._replace(np.concatenate(parts) if parts else np.empty(0, dtype=np.uint8))

    def _replace(self, content: NDArray[np.uint8]) -> None:
        self.content = content
        self._ends = np.flatnonzero(content == NEWLINE) + 1
        self._rows = {}

    def rows_by_value(self, field: str) -> dict[str, list[int]]:
        """Return the rows of each value of a field. A row with a list of values is in the rows of each.

        All lines are parsed for the first use of a field, and the result is kept.
        """
        if field not in self._rows:
            found: dict[str, list[int]] = defaultdict(list)
            for row in range(len(self)):
                value = self[row].get(field)
                for each in dict.fromkeys(map(label_name, value if isinstance(value, list) else [value])):
                    if each:
                        found[each].append(row)
            self._rows[field] = dict(found)
        return self._rows[field]

    def matching(self, where: Mapping[str, Wanted]) -> Integers:
        """Return the sorted rows whose fields have one of the wanted values each.

        Args:
            where: The wanted value of each field, or a list of them. Numbers match strings that look the same.

        Raises:
            XltError: No line has a field of this name.
        """
        chosen = np.ones(len(self), dtype=bool)
        for field, wanted in where.items():
            known = self.rows_by_value(field)
            if not known and len(self):
                raise XltError(f"No entry has a field '{field}' to filter on; the first one has: {', '.join(self[0])}.")
            mask = np.zeros(len(self), dtype=bool)
            for value in [wanted] if isinstance(wanted, (str, int, float)) else wanted:
                mask[known.get(label_name(value), [])] = True
            chosen &= mask
        return np.flatnonzero(chosen)

"""The static back end: a text is the weighted sum of its words' vectors. NumPy alone, no neural network.

Its folder is made by `python -m spacy xlt export --preset fast` (see exporters/student.py):

    model.safetensors  words.txt

The table of words is int8 with a scale a row, and `components` bring the sum to the width of the trained encoder, so
that the same head fits:

    v = (sum over words: scale row) / sqrt(sum of weight^2) @ components + bias,  at unit length
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.encoders.folder import WEIGHTS_FILE
from spacy_xlt.encoders.tensors import read_tensors
from spacy_xlt.encoders.words import WordRows
from spacy_xlt.errors import XltError, first_line
from spacy_xlt.text import replace_surrogates
from spacy_xlt.vectors import unit_rows

WORDS_FILE = "words.txt"
FILES = (WEIGHTS_FILE, WORDS_FILE)
TENSORS = ("rows", "scales", "weights", "components", "bias")
# Rows that are summed at a time: as floats they stay in a core's own cache.
BLOCK_ROWS = 2048


class StaticEncoder:
    """`spacy-xlt.StaticEncoder.v1`. It has no settings: its folder says everything."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._words: Optional[WordRows] = None
        self._tensors: dict[str, NDArray[Any]] = {}

    @property
    def is_loaded(self) -> bool:
        return bool(self._tensors)

    @property
    def width(self) -> int:
        return int(self._tensors["components"].shape[1]) if self.is_loaded else 0

    @property
    def words(self) -> int:
        """How many words it knows."""
        return len(self._tensors["rows"])

    def load(self, folder: Path) -> None:
        """See `TextEncoder.load`. Raises XltError if the folder is missing, incomplete or damaged."""
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise XltError(
                f"{folder} is no static encoder folder (missing: {', '.join(missing)}). "
                "Make a model with one: python -m spacy xlt export MODEL OUT --preset fast"
            )
        try:
            self._take({name: (folder / name).read_bytes() for name in FILES})
        except (ValueError, KeyError, TypeError) as error:
            reason = first_line(error)
            raise XltError(
                f"The encoder in {folder} cannot be loaded ({type(error).__name__}: {reason}). "
                "Its files are damaged: export the model again."
            ) from error

    def _take(self, files: dict[str, bytes]) -> None:
        tensors = read_tensors(files[WEIGHTS_FILE])
        missing = [name for name in TENSORS if name not in tensors]
        if missing:
            raise ValueError(f"no tensor {', '.join(missing)}")
        words = files[WORDS_FILE].decode("utf8").split("\n")
        if len(words) != len(tensors["rows"]):
            raise ValueError(f"{len(words)} words for {len(tensors['rows'])} rows")
        self._words = WordRows(words)
        self._files = files
        # Last, because other threads take it as the sign that all is there.
        self._tensors = tensors

    def encode(self, texts: Sequence[str]) -> Floats2d:
        """See `TextEncoder.encode`. A long text is read as a whole."""
        assert self._words is not None
        rows, counts = self._words.find([replace_surrogates(text) for text in texts])
        tensors = self._tensors
        sums = sum_segments(tensors["rows"], tensors["scales"], rows, counts)
        # The weights of a text as one vector have unit length: so long and short texts are alike.
        squares = np.bincount(
            np.repeat(np.arange(len(counts)), counts),
            weights=np.square(tensors["weights"])[rows],
            minlength=len(counts),
        )
        lengths = np.sqrt(squares, dtype=np.float64).astype(np.float32)
        there = counts > 0
        result = np.zeros((len(texts), self.width), dtype=np.float32)
        result[there] = unit_rows(sums[there] / lengths[there, None] @ tensors["components"] + tensors["bias"])
        return result

    def to_disk(self, folder: Path) -> None:
        """Write the folder again; files appear whole."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self._files.items():
            (folder / f"{name}.new").write_bytes(content)
            os.replace(folder / f"{name}.new", folder / name)

    def to_bytes(self) -> bytes:
        import srsly

        return bytes(srsly.msgpack_dumps(self._files)) if self.is_loaded else b""

    def from_bytes(self, data: bytes) -> None:
        import srsly

        if data:
            self._take(srsly.msgpack_loads(data))

    # What is remembered need not travel, and a lock cannot.
    def __getstate__(self) -> dict[str, Any]:
        return {"data": self.to_bytes()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]
        self.from_bytes(state["data"])


def sum_segments(
    table: NDArray[np.int8], scales: NDArray[np.float32], rows: NDArray[np.int64], counts: NDArray[np.int64]
) -> Floats2d:
    """The sums [texts, width] of each text's rows of the table, each row times its scale.

    rows: of all texts, one after the other. counts: how many of them belong to each text; 0 gives zeros.
    """
    sums = np.zeros((len(counts), table.shape[1]), dtype=np.float32)
    there = np.flatnonzero(counts)
    ends = np.cumsum(counts[there])
    starts = ends - counts[there]
    first = 0
    while first < len(there):
        # As many whole texts as fit into a block; a text that does not fit is summed by itself, in parts.
        last = max(first + 1, int(np.searchsorted(ends, starts[first] + BLOCK_ROWS, side="right")))
        begin, end = int(starts[first]), int(ends[last - 1])
        if last == first + 1:
            for part in range(begin, end, BLOCK_ROWS):
                block = rows[part : min(part + BLOCK_ROWS, end)]
                sums[there[first]] += (table[block] * scales[block, None]).sum(axis=0)
        else:
            block = rows[begin:end]
            sums[there[first:last]] = np.add.reduceat(
                table[block] * scales[block, None], starts[first:last] - begin, axis=0
            )
        first = last
    return sums

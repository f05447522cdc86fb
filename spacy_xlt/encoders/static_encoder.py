"""The static back end: the vector of a text is a weighted sum of word vectors. It needs only NumPy.

`python -m spacy xlt export --preset fast` writes its folder (see exporters/student.py):

    model.safetensors  words.txt

The word vectors are int8 with one scale per row. The matrix `components` maps the sum to the width of the encoder that
the static encoder was trained to imitate. So the head of that encoder can be used:

    v = (sum over words: scale row) / sqrt(sum of weight^2) @ components + bias,  scaled to unit length
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
# The number of rows that are summed at a time. As float32, they fit into the cache of one core.
BLOCK_ROWS = 2048


class StaticEncoder:
    """Encode texts with a table of word vectors. Registered as `spacy-xlt.StaticEncoder.v1`. It has no settings."""

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
        """The number of words in the table."""
        return len(self._tensors["rows"])

    def load(self, folder: Path) -> None:
        """See `TextEncoder.load`. Raises XltError if the folder is missing, incomplete or damaged."""
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise XltError(
                f"{folder} is not a static encoder folder (missing: {', '.join(missing)}). "
                "Export a model with: python -m spacy xlt export MODEL OUT --preset fast"
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
        # This comes last, because other threads check it to see whether everything is loaded.
        self._tensors = tensors

    def encode(self, texts: Sequence[str]) -> Floats2d:
        """See `TextEncoder.encode`. A long text is read as a whole."""
        assert self._words is not None
        rows, counts = self._words.find([replace_surrogates(text) for text in texts])
        tensors = self._tensors
        sums = sum_segments(tensors["rows"], tensors["scales"], rows, counts)
        # The sum is divided by the length of the vector of the weights, so that long and short texts are comparable.
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
        """Write the encoder folder. Each file is replaced when its new content is complete."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self._files.items():
            (folder / f"{name}.new").write_bytes(content)
            os.replace(folder / f"{name}.new", folder / name)

    def to_bytes(self) -> bytes:
        """See `TextEncoder.to_bytes`."""
        import srsly

        return bytes(srsly.msgpack_dumps(self._files)) if self.is_loaded else b""

    def from_bytes(self, data: bytes) -> None:
        """See `TextEncoder.from_bytes`."""
        import srsly

        if data:
            self._take(srsly.msgpack_loads(data))

    # Locks cannot be pickled, and spawned workers do not need the cache.
    def __getstate__(self) -> dict[str, Any]:
        return {"data": self.to_bytes()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]
        self.from_bytes(state["data"])


def sum_segments(
    table: NDArray[np.int8], scales: NDArray[np.float32], rows: NDArray[np.int64], counts: NDArray[np.int64]
) -> Floats2d:
    """Add up the vectors of the words of each text.

    Args:
        table: The word vectors as int8, `[words, width]`.
        scales: The scale of each word vector, `[words]`.
        rows: The rows of the table for all texts, one text after the other.
        counts: The number of rows of each text, `[texts]`.

    Returns:
        The sums, `[texts, width]`. A text without rows has zeros.
    """
    sums = np.zeros((len(counts), table.shape[1]), dtype=np.float32)
    there = np.flatnonzero(counts)
    ends = np.cumsum(counts[there])
    starts = ends - counts[there]
    first = 0
    while first < len(there):
        # A block has as many whole texts as fit. A text that is longer than a block is summed alone, in parts.
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

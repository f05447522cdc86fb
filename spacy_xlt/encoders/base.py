"""What an encoder is, and the arithmetic that all of them share."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Optional, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.vectors import unit_rows

Floats1d = NDArray[np.float32]
Floats2d = NDArray[np.float32]


@runtime_checkable
class TextEncoder(Protocol):
    """An encoder back end, registered in `xlt_encoders`: texts in, float32 vectors of unit length out."""

    @property
    def is_loaded(self) -> bool:
        """Whether it has weights."""
        ...

    @property
    def width(self) -> int:
        """The length of a vector; 0 without weights, so that `isinstance` can ask for it at any time."""
        ...

    def load(self, folder: Path) -> None:
        """Take weights and tokenizer from an encoder folder (see folder.py) or from what `to_disk` wrote."""
        ...

    def encode(self, texts: Sequence[str]) -> Floats2d:
        """Return the vectors [len(texts), width], unit length; a text without word pieces gets zeros."""
        ...

    def to_disk(self, folder: Path) -> None: ...

    def to_bytes(self) -> bytes: ...

    def from_bytes(self, data: bytes) -> None: ...


def split_windows(pieces: list[int], size: int, overlap: int) -> list[list[int]]:
    """Cut a list of word pieces into windows of at most `size`, each overlapping the one before by `overlap`.

    A list that fits is returned as its only window. The last window can be shorter.
    """
    if len(pieces) <= size:
        return [pieces]
    step = size - overlap
    starts = range(0, len(pieces) - overlap, step)
    return [pieces[start : start + size] for start in starts]


def choose_windows(pieces: list[int], size: int, overlap: int, most: Optional[int]) -> list[list[int]]:
    """Choose at most `most` windows of a text, evenly spread from its beginning to its end.

    Args:
        pieces: The word pieces of the text.
        size: The length of a window in word pieces.
        overlap: The word pieces that neighboring windows share if the text is read as a whole.
        most: The number of windows to read. None reads the whole text.

    Returns:
        All windows of `split_windows` if these are at most `most`. Otherwise `most` windows of `size` word pieces: the
        first starts at the beginning of the text, the last ends at its end, and none overlaps another by more than
        `overlap`. A single window is the beginning of the text.
    """
    if most is None or len(pieces) <= size + (most - 1) * (size - overlap):
        return split_windows(pieces, size, overlap)
    return [pieces[start : start + size] for start in spread(len(pieces) - size, most)]


def spread(last: int, count: int) -> list[int]:
    """Return `count` evenly spread whole numbers from 0 to `last`; a single one is 0."""
    return [round(number * last / (count - 1)) for number in range(count)] if count > 1 else [0]


def average_windows(vectors: Floats2d, owners: NDArray[np.int64], weights: NDArray[np.float32], n: int) -> Floats2d:
    """Average the window vectors of each text, weighted, and bring them to unit length.

    vectors: [windows, d]; owners: the text of each window; weights: [windows], their lengths in word pieces.
    Returns [n, d]; a text without a window gets zeros.
    """
    total = np.zeros((n, vectors.shape[1]), dtype=np.float32)
    np.add.at(total, owners, vectors * weights[:, None])
    return unit_rows(total)


def batches_of_like_length(lengths: Sequence[int], pieces: int) -> Iterator[list[int]]:
    """Return the indices, the longest first, in batches that hold at most `pieces` word pieces when padded."""
    return split_batch(sorted(range(len(lengths)), key=lambda i: -lengths[i]), lengths, pieces)


def split_batch(rows: Sequence[int], lengths: Sequence[int], pieces: int) -> Iterator[list[int]]:
    """Split rows, the longest first, into parts that hold at most `pieces` word pieces when padded."""
    part: list[int] = []
    for row in rows:
        if part and (len(part) + 1) * lengths[part[0]] > pieces:
            yield part
            part = []
        part.append(row)
    if part:
        yield part

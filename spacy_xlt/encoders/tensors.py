"""Read safetensors files without copying: the arrays are views of a buffer, such as a memory-mapped file."""

import json
import mmap
from pathlib import Path
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

Buffer = Union[bytes, mmap.mmap]

DTYPES = {"F32": np.float32, "F16": np.float16, "I8": np.int8, "U8": np.uint8, "I32": np.int32, "I64": np.int64}


def map_file(path: Path) -> mmap.mmap:
    """Map a file into memory, read-only. The content stays readable if the file is replaced or removed."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def tensor_places(buffer: Buffer) -> dict[str, tuple[str, list[int], int, int]]:
    """Find the tensors of a safetensors file.

    Args:
        buffer: The content of the file.

    Returns:
        {name: (dtype, shape, offset in the file, number of bytes)}.

    Raises:
        ValueError: The file is damaged.
    """
    size = int.from_bytes(buffer[:8], "little")
    header = json.loads(buffer[8 : 8 + size].decode("utf8"))
    places = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, stop = entry["data_offsets"]
            if 8 + size + stop > len(buffer):
                raise ValueError(f"it ends before the tensor {name}")
            places[name] = (entry["dtype"], entry["shape"], 8 + size + start, stop - start)
    return places


def read_tensors(buffer: Buffer) -> dict[str, NDArray[Any]]:
    """Read the tensors of a safetensors file.

    Args:
        buffer: The content of the file.

    Returns:
        {name: array}. The arrays are read-only views of the buffer.

    Raises:
        ValueError: The file is damaged, or a tensor has a type that is not in `DTYPES`.
    """
    arrays = {}
    for name, (dtype, shape, offset, _) in tensor_places(buffer).items():
        if dtype not in DTYPES:
            raise ValueError(f"the tensor {name} has the type {dtype}")
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(buffer, dtype=DTYPES[dtype], count=count, offset=offset).reshape(shape)
    return arrays

"""Reading the rows of any input, one at a time, each with its place; what cannot be read is a BadRecord."""

import gzip
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from functools import partial
from typing import IO, Any, Callable, TextIO, Union, cast

from spacy_xlt.batch.inputs import STDIN, Input
from spacy_xlt.data.records import MAX_CHARS, BadRecord, Rows, as_text, csv_rows, jsonl_rows, text_rows, tsv_rows
from spacy_xlt.errors import XltError

TEXT_FIELD = "text"
# A character has at most 4 bytes in UTF-8.
MAX_BYTES = 4 * MAX_CHARS
PARQUET_ROWS = 512
READERS: dict[str, Callable[[TextIO, str], Rows]] = {
    "jsonl": jsonl_rows,
    "csv": csv_rows,
    "tsv": tsv_rows,
    "line": partial(text_rows, field=TEXT_FIELD),
}


class FileRows:
    """The rows of files, one file after the other. `read_bytes`: how much of the files has been read so far."""

    def __init__(self, inputs: Iterable[Input]) -> None:
        self._inputs = list(inputs)
        self._before = 0
        self._raw: Any = None

    @property
    def read_bytes(self) -> int:
        return self._before + (self._raw.tell() if self._raw is not None and not self._raw.closed else 0)

    def __iter__(self) -> Rows:
        for each in self._inputs:
            last = f"{each.path}:1"
            try:
                for place, row in self._rows(each):
                    last = place
                    yield place, row
            except (OSError, EOFError, zlib.error, ValueError) as error:  # XltError is a ValueError
                # Nothing stops a batch: what was read before is used, the rest is told of.
                reason = str(error).strip().splitlines() or [type(error).__name__]
                yield last, BadRecord(last, f"the file could not be read on from here: {reason[0]}")
            if each.path != STDIN:
                self._before += os.path.getsize(each.path) if os.path.exists(each.path) else 0
            self._raw = None

    def _rows(self, each: Input) -> Rows:
        if each.kind == "parquet":
            yield from _parquet_rows(each.path)
            return
        raw: IO[bytes] = sys.stdin.buffer if each.path == STDIN else open(each.path, "rb")  # noqa: SIM115
        self._raw = None if each.path == STDIN else raw
        try:
            file = unpacked(raw, each.path)
            if each.kind == "file":
                yield each.path, _whole_file(file, each.path)
            else:
                text: Any = as_text(file, table=each.kind in ("csv", "tsv"))
                try:
                    yield from READERS[each.kind](text, each.path)
                finally:
                    text.detach()
                    if file is not raw:
                        file.close()
        finally:
            if each.path != STDIN:
                raw.close()


def unpacked(raw: IO[bytes], path: str) -> IO[bytes]:
    """An open file, read through gzip or zstd if its name ends so. Raises XltError if zstd needs pyarrow."""
    if path.endswith(".gz"):
        return cast(IO[bytes], gzip.open(raw))
    if path.endswith(".zst"):
        arrow = import_arrow("reading .zst")
        return cast(IO[bytes], _Readable(arrow.CompressedInputStream(raw, "zstd")))
    return raw


class _Readable:
    """Arrow's stream as `TextIOWrapper` wants it: with `read1`, without which it reads on and on."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.closed = False

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        return bytes(self._stream.read(size if size >= 0 else None))

    read1 = read

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True
        self._stream.close()


def import_arrow(what: str) -> Any:
    """The module pyarrow. Raises XltError that says how to get it."""
    try:
        import pyarrow
    except ImportError:
        raise XltError(f"{what} needs pyarrow: pip install 'spacy-xlt[batch]'") from None
    return pyarrow


def _whole_file(file: IO[bytes], path: str) -> Union[dict[str, Any], BadRecord]:
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        return BadRecord(path, f"more than {MAX_CHARS} characters", content[:500].decode("utf8", "replace"))
    try:
        return {TEXT_FIELD: content.decode("utf-8-sig")}
    except UnicodeDecodeError:
        return BadRecord(path, "not UTF-8", content[:2000].decode("utf8", "replace"))


def _parquet_rows(path: str) -> Rows:
    import_arrow("reading .parquet")
    from pyarrow.parquet import ParquetFile

    number = 0
    with ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=PARQUET_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield f"{path}:{number}", row


def object_rows(items: Iterable[Any]) -> Iterator[tuple[str, Union[dict[str, Any], BadRecord]]]:
    """The rows of a Python iterable of texts or of dicts; the place of each is `item:number`."""
    for number, item in enumerate(items, start=1):
        place = f"item:{number}"
        if isinstance(item, str):
            yield place, {TEXT_FIELD: item}
        elif isinstance(item, dict):
            yield place, item
        else:
            yield place, BadRecord(place, f"neither a text nor a dict but {type(item).__name__}", repr(item)[:2000])

"""The rows of the files of a batch, which a bad file does not stop, and what tells that the files have changed."""

import os
import sys
from collections.abc import Iterable
from hashlib import blake2b
from typing import IO, Any, Optional

from spacy_xlt.data.paths import STDIN, Input
from spacy_xlt.data.reading import READ_ERRORS, open_rows
from spacy_xlt.data.rows import BadRecord, Rows, Say
from spacy_xlt.errors import XltError, first_line


class FileRows:
    """The rows of files, one file after the other. A file that cannot be read is one BadRecord.

    Args:
        inputs: The files.
        say: Is called with sentences about the files.
    """

    def __init__(self, inputs: Iterable[Input], say: Say = lambda sentence: None) -> None:
        self._inputs = list(inputs)
        self._say = say
        self._before = 0
        self._raw: Any = None

    @property
    def read_bytes(self) -> int:
        """How many bytes of the files have been read so far, as they are on the disk."""
        return self._before + (self._raw.tell() if self._raw is not None and not self._raw.closed else 0)

    def __iter__(self) -> Rows:
        for each in self._inputs:
            last = f"{each.path}:1"
            try:
                for location, row in self._rows(each):
                    last = location
                    yield location, row
            except READ_ERRORS as error:
                reason = first_line(error) or type(error).__name__
                yield last, BadRecord(last, f"the file could not be read on from here: {reason}")
            if each.path != STDIN:
                self._before += os.path.getsize(each.path) if os.path.exists(each.path) else 0
            self._raw = None

    def _rows(self, each: Input) -> Rows:
        if each.kind == "parquet":  # pyarrow opens the file itself
            with open_rows(each, say=self._say) as opened:
                yield from opened.rows
            return
        raw: IO[bytes] = sys.stdin.buffer if each.path == STDIN else open(each.path, "rb")  # noqa: SIM115
        self._raw = None if each.path == STDIN else raw
        try:
            with open_rows(each, raw, say=self._say) as opened:
                yield from opened.rows
        finally:
            if each.path != STDIN:
                raw.close()


def total_bytes(inputs: Iterable[Input]) -> Optional[int]:
    """Return the size of all files; None if stdin is among them.

    Raises:
        XltError: A file cannot be read.
    """
    total = 0
    for each in inputs:
        if each.path == STDIN:
            return None
        total += _status(each.path).st_size
    return total


def identity(inputs: Iterable[Input]) -> str:
    """Return a digest of the names, sizes and modification times of the files. It shows that the input has changed.

    Raises:
        XltError: A file cannot be read.
    """
    digest = blake2b(digest_size=16)
    for each in inputs:
        known = (each.path, each.kind) if each.encoding is None else (each.path, each.kind, each.encoding)
        digest.update(repr(known).encode("utf8", "surrogateescape"))
        if each.path != STDIN:
            status = _status(each.path)
            digest.update(repr((status.st_size, status.st_mtime_ns)).encode())
    return digest.hexdigest()


def _status(path: str) -> os.stat_result:
    try:
        return os.stat(path)
    except OSError as error:
        raise XltError(f"{path!r} cannot be read ({error.strerror}).") from error

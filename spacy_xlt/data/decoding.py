"""From the bytes of a file to its text: packed files, byte-order marks, encodings."""

import codecs
import gzip
import io
from typing import IO, Any, Optional, TextIO, cast

from spacy_xlt.errors import EncodingError, XltError
from spacy_xlt.text import has_surrogates

DEFAULT = "utf-8"
# The reason of a bad record that is not in the encoding that files have if nothing is said.
UNDECODED = "not UTF-8"
# UTF-32 before UTF-16: in little-endian order its mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What stands for bytes that cannot be decoded: a code point that no file can hold.
_UNDECODED = "\udcff"
_HANDLER = "spacy_xlt.undecoded"
PACKED = (".gz", ".zst")


def _mark_undecoded(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return _UNDECODED, error.end


# Not surrogateescape: that refuses what is wrong in UTF-16.
codecs.register_error(_HANDLER, _mark_undecoded)


def check_encoding(encoding: Optional[str]) -> None:
    """Raise XltError for an encoding that Python does not know."""
    if encoding is None:
        return
    try:
        "".encode(encoding)
    except LookupError:
        raise XltError(f"There is no encoding '{encoding}'. Give one such as utf-8, cp1252 or utf-16-le.") from None


def find_encoding(start: bytes, name: str, encoding: Optional[str] = None) -> str:
    """The encoding of a file.

    start: its first four bytes. name: of the file. encoding: of files without a byte-order mark; None: UTF-8.
    Raises XltError for what looks like UTF-16 without a mark: NUL bytes would pass for UTF-8.
    """
    for mark, found in _MARKS:
        if start.startswith(mark):
            return found
    if encoding is not None:
        return encoding
    if len(start) == 4 and (start[0] == start[2] == 0 or start[1] == start[3] == 0):
        likely = "utf-16-be" if start[0] == 0 else "utf-16-le"
        raise EncodingError(
            f"{name}: the file begins with NUL bytes, as {likely} without a byte-order mark does. Name its encoding."
        )
    return DEFAULT


def as_text(file: IO[bytes], name: str, *, table: bool = False, encoding: Optional[str] = None) -> TextIO:
    """The text of an open file: decoded by its byte-order mark, else by `encoding`; None: UTF-8.

    What cannot be decoded is marked: see `is_undecoded`. table: CSV or TSV, which may end its lines with \\r; elsewhere
    only \\n ends a line. Raises XltError for an unknown encoding, and UTF-16 without a mark.
    """
    check_encoding(encoding)
    buffered: Any = file if hasattr(file, "peek") else io.BufferedReader(file)  # type: ignore[type-var]
    found = find_encoding(buffered.peek(4)[:4], name, encoding)
    return io.TextIOWrapper(buffered, encoding=found, errors=_HANDLER, newline="" if table else "\n")


def decode(content: bytes, name: str, encoding: Optional[str] = None) -> str:
    """The text of a whole file, as `as_text` reads it."""
    check_encoding(encoding)
    return content.decode(find_encoding(content[:4], name, encoding), _HANDLER)


def is_undecoded(text: str) -> bool:
    """Whether something in a text that was read by `as_text` or `decode` could not be decoded."""
    return _UNDECODED in text and has_surrogates(text)


def why_undecoded(encoding: Optional[str]) -> str:
    """The reason of a bad record that is not in the encoding of its file."""
    return UNDECODED if encoding in (None, DEFAULT, "utf-8-sig") else f"not {encoding}"


def unpacked(raw: IO[bytes], path: str) -> IO[bytes]:
    """An open file, read through gzip or zstd if its name ends so. Raises XltError if zstd needs pyarrow."""
    if path.endswith(".gz"):
        return cast(IO[bytes], gzip.open(raw))
    if path.endswith(".zst"):
        arrow = import_arrow("reading .zst")
        return io.BufferedReader(_Readable(arrow.CompressedInputStream(raw, "zstd")))
    return raw


class _Readable(io.RawIOBase):
    """Arrow's stream as Python's readers want it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def import_arrow(what: str) -> Any:
    """The module pyarrow. Raises XltError that says how to get it."""
    try:
        import pyarrow
    except ImportError:
        raise XltError(f"{what} needs pyarrow: pip install 'spacy-xlt[batch]'") from None
    return pyarrow

"""Decoding of files: compression, byte-order marks, encodings."""

import codecs
import gzip
import io
from typing import IO, Any, Optional, TextIO, cast

from spacy_xlt.errors import EncodingError, XltError
from spacy_xlt.text import has_surrogates

DEFAULT = "utf-8"
# The reason of a bad record that cannot be decoded with the default encoding.
UNDECODED = "not UTF-8"
# UTF-32 comes before UTF-16, because its little-endian mark starts with the mark of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Marks bytes that cannot be decoded: no file can hold this code point.
_UNDECODED = "\udcff"
_HANDLER = "spacy_xlt.undecoded"
PACKED = (".gz", ".zst")


def _mark_undecoded(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return _UNDECODED, error.end


# Not surrogateescape, which fails on invalid UTF-16.
codecs.register_error(_HANDLER, _mark_undecoded)


def check_encoding(encoding: Optional[str]) -> None:
    """Check the name of an encoding.

    Raises:
        XltError: Python does not know the encoding.
    """
    if encoding is None:
        return
    try:
        "".encode(encoding)
    except LookupError:
        raise XltError(f"The encoding '{encoding}' is unknown. Give one such as utf-8, cp1252 or utf-16-le.") from None


def find_encoding(start: bytes, name: str, encoding: Optional[str] = None) -> str:
    """Find the encoding of a file.

    Args:
        start: The first four bytes of the file.
        name: The name of the file.
        encoding: The encoding if the file has no byte-order mark; None: UTF-8.

    Raises:
        EncodingError: The file looks like UTF-16 without a mark, which would be valid UTF-8 with NUL characters.
    """
    for mark, found in _MARKS:
        if start.startswith(mark):
            return found
    if encoding is not None:
        return encoding
    if len(start) == 4 and (start[0] == start[2] == 0 or start[1] == start[3] == 0):
        likely = "utf-16-be" if start[0] == 0 else "utf-16-le"
        raise EncodingError(
            f"{name}: the file starts with NUL bytes, like {likely} without a byte-order mark. Name its encoding."
        )
    return DEFAULT


def as_text(file: IO[bytes], name: str, *, table: bool = False, encoding: Optional[str] = None) -> TextIO:
    """Open the text of an open file. Bytes that cannot be decoded are marked: see `is_undecoded`.

    Args:
        file: The open file.
        name: The name of the file.
        table: The file is CSV or TSV, whose lines may end with \\r. Elsewhere only \\n ends a line.
        encoding: The encoding if the file has no byte-order mark; None: UTF-8.

    Raises:
        XltError: The encoding is unknown, or the file is UTF-16 without a mark.
    """
    check_encoding(encoding)
    buffered: Any = file if hasattr(file, "peek") else io.BufferedReader(file)  # type: ignore[type-var]
    found = find_encoding(buffered.peek(4)[:4], name, encoding)
    return io.TextIOWrapper(buffered, encoding=found, errors=_HANDLER, newline="" if table else "\n")


def decode(content: bytes, name: str, encoding: Optional[str] = None) -> str:
    """Return the text of a whole file, decoded as by `as_text`."""
    check_encoding(encoding)
    return content.decode(find_encoding(content[:4], name, encoding), _HANDLER)


def is_undecoded(text: str) -> bool:
    """Whether a part of a text from `as_text` or `decode` could not be decoded."""
    return _UNDECODED in text and has_surrogates(text)


def why_undecoded(encoding: Optional[str]) -> str:
    """Return the reason of a bad record that cannot be decoded."""
    return UNDECODED if encoding in (None, DEFAULT, "utf-8-sig") else f"not {encoding}"


def unpacked(raw: IO[bytes], path: str) -> IO[bytes]:
    """Return a file that decompresses an open file with the ending .gz or .zst.

    Raises:
        XltError: The file is .zst, and pyarrow is missing.
    """
    if path.endswith(".gz"):
        return cast(IO[bytes], gzip.open(raw))
    if path.endswith(".zst"):
        arrow = import_arrow("reading .zst")
        return io.BufferedReader(_Readable(arrow.CompressedInputStream(raw, "zstd")))
    return raw


class _Readable(io.RawIOBase):
    """A stream of pyarrow with the methods that Python's readers need."""

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
    """Import pyarrow.

    Args:
        what: What needs it, for the error.

    Raises:
        XltError: It is not installed.
    """
    try:
        import pyarrow
    except ImportError:
        raise XltError(f"{what} needs pyarrow: pip install 'spacy-xlt[batch]'") from None
    return pyarrow

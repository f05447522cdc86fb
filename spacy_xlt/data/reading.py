"""The rows of a file of any kind: what `convert`, `train`, `evaluate` and `process` read."""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple, Optional, Union

from spacy_xlt.data.decoding import as_text, decode, is_undecoded, unpacked, why_undecoded
from spacy_xlt.data.paths import Input, PathLike
from spacy_xlt.data.rows import (
    MAX_CHARS,
    BadRecord,
    Row,
    Rows,
    Say,
    decoded_lines,
    json_rows,
    jsonl_rows,
    printable,
    text_rows,
)
from spacy_xlt.data.tables import open_csv, open_parquet
from spacy_xlt.errors import XltError

TEXT_FIELD = "text"
# A character has at most 4 bytes, in UTF-8, UTF-16 and UTF-32.
MAX_BYTES = 4 * MAX_CHARS
# What a damaged or packed file can raise, XltError among them.
READ_ERRORS = (OSError, EOFError, zlib.error, ValueError)


class Opened(NamedTuple):
    """header: the columns of a table; None for a file in which each record names its own fields."""

    header: Optional[list[str]]
    rows: Rows


@contextmanager
def open_rows(source: Input, raw: Optional[IO[bytes]] = None, *, say: Say, field: str = TEXT_FIELD) -> Iterator[Opened]:
    """Open a file of any kind. raw: the open file; None: it is opened here; what is given is not closed.

    say: is told what was found out about the file. field: of the text, where records have no fields.
    Raises XltError and others of READ_ERRORS, also while rows are read.
    """
    if source.kind == "parquet":
        table = open_parquet(source.path)
        yield Opened(table.header, table.rows)
        return
    own = raw is None
    file: IO[bytes] = open(source.path, "rb") if raw is None else raw  # noqa: SIM115
    try:
        content = unpacked(file, source.path)
        if source.kind == "file":
            yield Opened(None, iter([(source.path, _whole_file(content, source, field))]))
            return
        is_table = source.kind in ("csv", "tsv")
        text: Any = as_text(content, source.path, table=is_table, encoding=source.encoding)
        try:
            if is_table:
                csv_table = open_csv(text, source.path, say, tabs=source.kind == "tsv")
                yield Opened(csv_table.header, csv_table.rows)
            elif source.kind == "line":
                yield Opened(None, text_rows(text, source.path, field=field))
            else:
                read = json_rows if source.kind == "json" else jsonl_rows
                yield Opened(None, read(text, source.path))
        finally:
            text.detach()
            if content is not file:
                content.close()
    finally:
        if own:
            file.close()


@contextmanager
def told_as_damaged(path: str) -> Iterator[None]:
    """Raise what reading a damaged file raises as an XltError that names the file."""
    try:
        yield
    except XltError:
        raise
    except READ_ERRORS as error:
        raise XltError(f"{path} cannot be read ({error}): it is damaged or not complete. Copy it again.") from error


def read_lines(path: PathLike, encoding: Optional[str] = None) -> Iterator[tuple[int, Union[str, BadRecord]]]:
    """The lines of a text file without their ends, with their numbers; a BadRecord for one that is not in its encoding.

    Raises XltError for a missing or damaged file.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise XltError(f"{path} does not exist.")
    with (
        told_as_damaged(path),
        open(path, "rb") as raw,
        as_text(unpacked(raw, path), path, encoding=encoding) as file,
    ):
        yield from decoded_lines(file, path)


def _whole_file(file: IO[bytes], source: Input, field: str) -> Row:
    content = file.read(MAX_BYTES + 1)
    text = decode(content, source.path, source.encoding)
    if len(content) > MAX_BYTES:
        return BadRecord(source.path, f"more than {MAX_CHARS} characters", printable(text))
    if is_undecoded(text):
        return BadRecord(source.path, why_undecoded(source.encoding), printable(text))
    return {field: text}

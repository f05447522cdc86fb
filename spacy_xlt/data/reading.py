"""The rows of a file of any kind. All commands read their files here."""

import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple, Optional, Union

from spacy_xlt.data.decoding import as_text, decode, is_undecoded, unpacked, why_undecoded
from spacy_xlt.data.layouts import conll_rows, labeled_lines
from spacy_xlt.data.paths import STDIN, Input, PathLike
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
from spacy_xlt.data.spacy_rows import spacy_rows
from spacy_xlt.data.tables import open_csv, open_parquet
from spacy_xlt.errors import XltError

TEXT_FIELD = "text"
# A character has at most 4 bytes, in UTF-8, UTF-16 and UTF-32.
MAX_BYTES = 4 * MAX_CHARS
# The exceptions that a damaged or compressed file can raise. XltError is a ValueError.
READ_ERRORS = (OSError, EOFError, zlib.error, ValueError)


class Opened(NamedTuple):
    """The rows of an open file.

    Attributes:
        header: The columns of a table; None for a file in which each record names its own fields.
        rows: The rows, each with its location.
    """

    header: Optional[list[str]]
    rows: Rows


@contextmanager
def open_rows(source: Input, raw: Optional[IO[bytes]] = None, *, say: Say, field: str = TEXT_FIELD) -> Iterator[Opened]:
    """Open a file of any kind.

    Args:
        source: The file.
        raw: The open file, which is not closed here. None: the file is opened and closed here.
        say: Is called with sentences about the file.
        field: The name of the text field of records that have no fields.

    Raises:
        READ_ERRORS: The file cannot be read; also raised while rows are read.
    """
    if source.kind == "parquet":
        table = open_parquet(source.path)
        yield Opened(table.header, table.rows)
        return
    own = raw is None and source.path != STDIN
    file: IO[bytes] = raw or (open(source.path, "rb") if own else sys.stdin.buffer)  # noqa: SIM115
    try:
        content = unpacked(file, source.path)
        if source.kind == "file":
            yield Opened(None, iter([(source.path, _whole_file(content, source, field))]))
            return
        if source.kind == "spacy":
            yield Opened(None, spacy_rows(content.read(), source.path))
            return
        is_table = source.kind in ("csv", "tsv")
        text: Any = as_text(content, source.path, table=is_table, encoding=source.encoding)
        try:
            if is_table:
                csv_table = open_csv(text, source.path, say, tabs=source.kind == "tsv")
                yield Opened(csv_table.header, csv_table.rows)
            elif source.kind == "conll":
                yield Opened(None, conll_rows(text, source.path, field=field))
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
    """Turn the exceptions of a damaged file into an XltError that names the file."""
    try:
        yield
    except XltError:
        raise
    except READ_ERRORS as error:
        raise XltError(f"{path} cannot be read ({error}): it is damaged or incomplete. Copy it again.") from error


def read_labeled_lines(
    text: str, labels: str, *, text_field: str, label_field: str, encoding: Optional[str] = None
) -> Rows:
    """Yield the lines of a text file with the labels of another file: see `labeled_lines`."""
    with (
        open(text, "rb") as raw,
        open(labels, "rb") as raw_labels,
        as_text(raw, text, encoding=encoding) as texts,
        as_text(raw_labels, labels, encoding=encoding) as label_lines,
    ):
        yield from labeled_lines(texts, label_lines, text, text_field=text_field, label_field=label_field)


def read_lines(path: PathLike, encoding: Optional[str] = None) -> Iterator[tuple[int, Union[str, BadRecord]]]:
    """Yield the lines of a text file with their numbers, without line ends.

    Args:
        path: The file.
        encoding: The encoding if the file has no byte-order mark; None: UTF-8.

    Yields:
        A line number, and the line; a BadRecord for a line that cannot be decoded.

    Raises:
        XltError: The file is missing or damaged.
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

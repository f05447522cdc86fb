"""Labeled and unlabeled texts, read one at a time from files, each with its location."""

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np

from spacy_xlt.data.decoding import check_encoding
from spacy_xlt.data.layouts import labels_beside
from spacy_xlt.data.paths import STDIN, Input, PathLike, require_kind
from spacy_xlt.data.reading import open_rows, read_labeled_lines, told_as_damaged
from spacy_xlt.data.rows import BadRecord, Row, Say, printable_row, text_of
from spacy_xlt.data.spacy_rows import CATS, LANGUAGE, PAIR, TEXT
from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, as_base_code, find_language, nearest_language
from spacy_xlt.text import replace_surrogates

# The columns of SIB-200's own files. Its labels are in `category`.
SIB200_COLUMNS = {"index_id", "category", "text"}
GOLD_THRESHOLD = 0.5


@dataclass(frozen=True)
class ColumnNames:
    """The names of the fields that hold the text, the label and the language.

    Attributes:
        text: The field of the text.
        label: The field of the label, or of a list of labels.
        language: The field of the language, a code or an English name. It may be missing.
        separator: What separates labels in one field, as in `payment;urgent`. An empty field then has no label.
        labels: Labels that each have a field of their own with 0 or 1. The field has the name of the label, with or
            without `label_` before it.
        pair: The field of the second text of a pair. None: the texts are not pairs.

    Raises:
        XltError: Both `separator` and `labels` are given.
    """

    text: str = "text"
    label: str = "label"
    language: str = "lang"
    separator: Optional[str] = None
    labels: tuple[str, ...] = ()
    pair: Optional[str] = None

    def __post_init__(self) -> None:
        if self.separator and self.labels:
            raise XltError(
                "labels (a field for each label) and label_separator (several labels in one field) exclude each "
                "other. Give one of them."
            )

    def column_of(self, label: str, there: Sequence[str]) -> str:
        """Return the name of the field of one of `labels`, given the names of the fields that exist."""
        return label if label in there else f"{self.label}_{label}"


COLUMNS = ColumnNames()


@dataclass(frozen=True)
class Record:
    """A text.

    Attributes:
        text: The text.
        labels: Its labels; empty if it has none, or is unlabeled.
        language: The base code of its language; `xx` if that is unknown.
        location: Where it comes from, such as `tickets.csv:17` or `item:3`.
        pair: The second text, if the record is a pair of texts.
    """

    text: str
    labels: tuple[str, ...]
    language: str
    location: str
    pair: Optional[str] = field(default=None, kw_only=True)

    @property
    def all_text(self) -> str:
        """The text, and the second text of a pair in the next line."""
        return self.text if self.pair is None else f"{self.text}\n{self.pair}"


def read_records(
    path: PathLike,
    columns: ColumnNames = COLUMNS,
    language: Optional[str] = None,
    *,
    labeled: bool = True,
    encoding: Optional[str] = None,
    say: Say = lambda sentence: None,
) -> Iterator[Union[Record, BadRecord]]:
    """Yield the records of a file of any kind.

    Args:
        path: The file; `-` is stdin, with one text per line.
        columns: The names of the fields.
        language: The language of all records, a code or an English name. None: each record's own language; in
            SIB-200's and UMSAB's files that of the folder (`swh_Latn/train.tsv`, `spanish/test_text.txt`).
        labeled: Whether each record must have a label.
        encoding: The encoding if the file has no byte-order mark; None: UTF-8.
        say: Is called with sentences about the file.

    Yields:
        The records in the order of the file. A record that cannot be used is a BadRecord.

    Raises:
        XltError: The file is missing or damaged, its ending is unknown, or a column is missing.
    """
    path = os.fspath(path)
    if path != STDIN and not os.path.isfile(path):
        raise XltError(f"{path} does not exist.")
    kind = "line" if path == STDIN else require_kind(path)
    labels = labels_beside(path) if kind == "line" and labeled else None
    if kind == "line" and labeled and labels is None:
        raise XltError(f"{path}: a text file has one text per line and no labels. Give a .csv, .tsv or .jsonl file.")
    if language is not None:
        language = as_base_code(language)
    check_encoding(encoding)
    if labels is not None:
        if language is None:
            language = language_or_unknown(Path(path).parent.name)
        with told_as_damaged(path):
            fields = {"text_field": columns.text, "label_field": columns.label}
            for location, row in read_labeled_lines(path, labels, encoding=encoding, **fields):
                yield make_record(location, row, columns, language, labeled=True)
        return
    if kind == "spacy":
        columns = ColumnNames(TEXT, label=CATS, language=LANGUAGE, pair=columns.pair and PAIR)
    with (
        told_as_damaged(path),
        open_rows(Input(path, kind, encoding), say=say, field=columns.text) as (header, rows),
    ):
        if header is not None:
            if set(header) >= SIB200_COLUMNS and columns.label not in header and not columns.labels:
                columns = replace(columns, label="category")
                language = language or _folder_language(path)
            _check_header(path, header, columns, labeled)
        for location, row in rows:
            yield make_record(location, row, columns, language, labeled=labeled)


def language_or_unknown(name: str) -> str:
    """Return the base code of a code or an English name; `xx` if it is not a language."""
    try:
        return find_language(name)
    except XltError:
        return UNKNOWN


def _folder_language(path: str) -> str:
    folder = Path(path).parent.name
    try:
        return find_language(folder)
    except XltError as error:
        raise XltError(f"{path}: the folder of a SIB-200 file must have the name of its language. {error}") from None


def _check_header(path: str, header: Sequence[str], columns: ColumnNames, labeled: bool) -> None:
    missing = _missing(header, columns, labeled)
    if missing is not None:
        parameter = "text" if missing in (columns.text, columns.pair) else "labels" if columns.labels else "label"
        there = ", ".join(header) or "none"
        raise XltError(
            f"{path} has no column '{missing}'. Name the right column; the file has: {there}.", parameter=parameter
        )


def _missing(there: Sequence[str], columns: ColumnNames, labeled: bool) -> Optional[str]:
    """The first field that is needed and missing."""
    if columns.text not in there:
        return columns.text
    if columns.pair is not None and columns.pair not in there:
        return columns.pair
    if not labeled:
        return None
    if columns.labels:
        needed = [columns.column_of(label, there) for label in columns.labels]
    else:
        needed = [] if _has_cats(there, columns) else [columns.label]
    return next((name for name in needed if name not in there), None)


def _has_cats(there: Sequence[str], columns: ColumnNames) -> bool:
    """Whether the labels are in spaCy's own layout, `{label: 0 or 1}`, and no other field was named."""
    return CATS in there and columns.label in (COLUMNS.label, CATS) and COLUMNS.label not in there


def make_record(
    location: str, row: Row, columns: ColumnNames, language: Optional[str], *, labeled: bool
) -> Union[Record, BadRecord]:
    """Make a record from a row.

    Args:
        location: Where the row comes from.
        row: The fields of the row.
        columns: The names of the fields.
        language: The base code of the language; None: the row's own language.
        labeled: Whether the record must have a label.

    Returns:
        The record; a BadRecord with the reason if the row cannot be used.
    """
    if isinstance(row, BadRecord):
        return row
    try:
        missing = _missing(list(row), columns, labeled)
        if missing is not None:
            raise XltError(f"no field '{missing}'; it has: {', '.join(map(str, row)) or 'none'}")
        text = text_of(row, columns.text)
        pair = None if columns.pair is None else text_of(row, columns.pair)
        labels = _labels(row, columns) if labeled else ()
        if language is None:
            language = _language(row.get(columns.language), columns.language)
    except XltError as error:
        return BadRecord(location, str(error), printable_row(row))
    return Record(text, labels, language, location, pair=pair)


def _language(found: Any, field: str) -> str:
    """The base code of a record's language; `xx` if the record does not name one."""
    if not found:
        return UNKNOWN
    if not isinstance(found, str):
        raise XltError(f"'{found}' in '{field}' is not a language code")
    try:
        return as_base_code(found)
    except XltError:
        near = nearest_language(found)
        hint = f" (did you mean {near}?)" if near else ""
        raise XltError(f"'{found}' in '{field}' is not a language code{hint}") from None


def _labels(row: Mapping[str, Any], columns: ColumnNames) -> tuple[str, ...]:
    fields = list(row)
    if columns.labels:
        found = {label: columns.column_of(label, fields) for label in columns.labels}
        return tuple(label for label, field in found.items() if _is_set(row[field], field))
    if _has_cats(fields, columns):
        cats = row[CATS]
        if not isinstance(cats, dict) or not cats:
            raise XltError(f"no label in '{CATS}'")
        return tuple(_checked(label, CATS) for label, value in cats.items() if _is_set(value, CATS))
    value = row[columns.label]
    if columns.separator and isinstance(value, str):
        value = [part for part in value.split(columns.separator) if part.strip()]
    values = value if isinstance(value, (list, tuple, np.ndarray)) else [value]
    return tuple(dict.fromkeys(_checked(each, columns.label) for each in values))


def _checked(value: Any, field: str) -> str:
    name = label_name(value)
    if not name:
        raise XltError(f"no label in '{field}'")
    return name


def label_name(value: Any) -> str:
    """Return the name of a label.

    The name of a text is the text itself. Numbers and booleans have the names that JSON writes, so that the same data
    in CSV and JSONL have the same labels: `3`, `3.0`, `true`. Python and spreadsheets write `True` and `TRUE` into CSV
    files; these are named `true` as well.

    Args:
        value: A cell of a table, or a value from JSON or NumPy.

    Returns:
        The name; empty for what is not a label, such as null, NaN or a list.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        name = replace_surrogates(value.strip())
        return name.lower() if name in _BOOLEANS else name
    if isinstance(value, (bool, int, float)) and math.isfinite(value):
        return json.dumps(value)
    return ""


_BOOLEANS = ("True", "TRUE", "False", "FALSE")


def _is_set(value: Any, field: str) -> bool:
    """Whether the field of a label, with 0 or 1, says that the text has it. As in spaCy, .5 decides between them."""
    try:
        number = {"true": 1.0, "false": 0.0}.get(label_name(value)) if isinstance(value, (str, bool)) else None
        number = float(value) if number is None else number
    except (TypeError, ValueError):
        number = math.nan
    if not 0.0 <= number <= 1.0:
        raise XltError(f"'{value}' in '{field}' is neither 0 nor 1")
    return number >= GOLD_THRESHOLD

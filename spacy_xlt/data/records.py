"""Reading labelled and unlabelled texts from files, one record at a time, with the location of each."""

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional, Union

from spacy_xlt.data.decoding import check_encoding
from spacy_xlt.data.paths import Input as Input
from spacy_xlt.data.paths import PathLike, Paths, as_list, expand, kind_of, walk
from spacy_xlt.data.reading import open_rows, told_as_damaged
from spacy_xlt.data.rows import MAX_CHARS as MAX_CHARS
from spacy_xlt.data.rows import BadRecord as BadRecord
from spacy_xlt.data.rows import Rows as Rows
from spacy_xlt.data.rows import Say, printable
from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, as_base_code, find_language, nearest_language
from spacy_xlt.text import replace_surrogates

# SIB-200's own name for its column of labels is known to the readers of its folders.
SIB200_COLUMNS = {"index_id", "category", "text"}
# The labels of spaCy's own layout: {label: 0 or 1}.
CATS = "cats"
GOLD_THRESHOLD = 0.5
READABLE = ".csv, .tsv, .jsonl, .json, .parquet, .txt (one text a line), all of them also with .gz or .zst, and .spacy"


@dataclass(frozen=True)
class ColumnNames:
    """The names of the fields that hold text, label and language. The label is not needed where `labelled` is false.

    separator: between the labels of a cell that holds several, as in `payment;urgent`; a blank cell has none of them.
    labels: of these labels each has a field of its own with 0 or 1, called as the label, or `label_` before it.
    """

    text: str = "text"
    label: str = "label"
    language: str = "lang"
    labelled: bool = True
    separator: Optional[str] = None
    labels: tuple[str, ...] = ()

    def column_of(self, label: str, there: Sequence[str]) -> str:
        """The field of one of `labels`."""
        return label if label in there else f"{self.label}_{label}"


COLUMNS = ColumnNames()


@dataclass(frozen=True)
class Record:
    """A text, its labels (none if it is unlabelled), its language (`xx` if the file does not say) and its location."""

    text: str
    labels: tuple[str, ...]
    language: str
    location: str


def read_records(
    path: PathLike,
    columns: ColumnNames = COLUMNS,
    language: Optional[str] = None,
    *,
    encoding: Optional[str] = None,
    say: Say = lambda sentence: None,
) -> Iterator[Union[Record, BadRecord]]:
    """Yield the records of a file, bad ones as BadRecord: CSV, TSV (SIB-200's too), JSONL, JSON, Parquet or text.

    language: of all records, as a code or an English name; None: the record's own, or for SIB-200 that of its folder
        (`swh_Latn/train.tsv`).
    encoding: of a file that has no byte-order mark; None: UTF-8.
    say: is told what was found out about the file, in sentences.
    Raises XltError for a missing or empty file, an unknown ending, and a missing column, naming those there are.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise XltError(f"{path} does not exist.")
    kind = kind_of(path)
    if kind is None:
        raise XltError(f"{path}: only {READABLE} files can be read.")
    if kind == "line" and columns.labelled:
        raise XltError(f"{path}: a .txt file (one text a line) has no labels; give a .csv, .tsv or .jsonl file.")
    if language is not None:
        language = as_base_code(language)
    check_encoding(encoding)
    with (
        told_as_damaged(path),
        open_rows(Input(path, kind, encoding), say=say, field=columns.text) as (header, rows),
    ):
        if header is not None:
            if set(header) >= SIB200_COLUMNS and columns.label not in header and not columns.labels:
                columns = replace(columns, label="category")
                language = language or _folder_language(path)
            _check_header(path, header, columns)
        for location, row in rows:
            yield row if isinstance(row, BadRecord) else _record(location, row, columns, language)


def _folder_language(path: str) -> str:
    folder = Path(path).parent.name
    try:
        return find_language(folder)
    except XltError as error:
        raise XltError(f"{path}: the folder of a SIB-200 file is its language. {error}") from None


def _check_header(path: str, header: Sequence[str], columns: ColumnNames) -> None:
    missing = _missing(header, columns)
    if missing is not None:
        option = "--text" if missing == columns.text else "--labels" if columns.labels else "--label"
        there = ", ".join(header) or "none"
        raise XltError(f"{path} has no column '{missing}'; it has: {there}. Name the right one with {option}.")


def _missing(there: Sequence[str], columns: ColumnNames) -> Optional[str]:
    """The first field that is needed and not there."""
    if columns.text not in there:
        return columns.text
    if not columns.labelled:
        return None
    if columns.labels:
        needed = [columns.column_of(label, there) for label in columns.labels]
    else:
        needed = [] if _has_cats(there, columns) else [columns.label]
    return next((name for name in needed if name not in there), None)


def _has_cats(there: Sequence[str], columns: ColumnNames) -> bool:
    """Whether the labels are in spaCy's own layout. Who has named another field for them gets that or an error."""
    return CATS in there and columns.label in (COLUMNS.label, CATS) and COLUMNS.label not in there


def _record(
    location: str, row: dict[str, Any], columns: ColumnNames, language: Optional[str]
) -> Union[Record, BadRecord]:
    try:
        return _good_record(location, row, columns, language)
    except XltError as error:
        return BadRecord(location, str(error), printable(json.dumps(row, ensure_ascii=False, default=str)))


def _good_record(location: str, row: dict[str, Any], columns: ColumnNames, language: Optional[str]) -> Record:
    """Raises XltError with the reason of a bad record."""
    fields = list(row)
    missing = _missing(fields, columns)
    if missing is not None:
        raise XltError(f"no field '{missing}'; it has: {', '.join(fields) or 'none'}")
    text = row[columns.text]
    if not isinstance(text, str):
        raise XltError(f"'{columns.text}' is not a text")
    if len(text) > MAX_CHARS:
        raise XltError(f"{len(text)} characters, more than {MAX_CHARS}")
    labels = _labels(row, columns) if columns.labelled else ()
    if language is None:
        language = _language(row.get(columns.language), columns.language)
    return Record(replace_surrogates(text), labels, language, location)


def _language(found: Any, field: str) -> str:
    """The base code of a record's language; `xx` where it does not say."""
    if not found:
        return UNKNOWN
    if not isinstance(found, str):
        raise XltError(f"'{found}' in '{field}' is no language code")
    try:
        return as_base_code(found)
    except XltError:
        near = nearest_language(found)
        hint = f" (did you mean {near}?)" if near else ""
        raise XltError(f"'{found}' in '{field}' is no language code{hint}") from None


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
    values = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(_checked(each, columns.label) for each in values))


def _checked(value: Any, field: str) -> str:
    name = label_name(value)
    if not name:
        raise XltError(f"no label in '{field}'")
    return name


def label_name(value: Any) -> str:
    """Return the name of a label.

    A text names itself. Numbers and booleans have the names that JSON writes, so that CSV and JSONL agree: `3`, `3.0`,
    `true`. Python and spreadsheets write `True` and `TRUE` into CSV files: their name is `true` as well.

    Args:
        value: A cell of a table, or a value from JSON.

    Returns:
        The name; empty for what is no label, such as null, NaN or a list.
    """
    if isinstance(value, str):
        name = replace_surrogates(value.strip())
        return name.lower() if name in _BOOLEANS else name
    if isinstance(value, (bool, int, float)) and math.isfinite(value):
        return json.dumps(value)
    return ""


_BOOLEANS = ("True", "TRUE", "False", "FALSE")


def _is_set(value: Any, field: str) -> bool:
    """Whether 0 or 1 in a field of one label means that the text has it. Between them .5 decides, as spaCy has it."""
    try:
        number = {"true": 1.0, "false": 0.0}.get(label_name(value)) if isinstance(value, (str, bool)) else None
        number = float(value) if number is None else number
    except (TypeError, ValueError):
        number = math.nan
    if not 0.0 <= number <= 1.0:
        raise XltError(f"'{value}' in '{field}' is neither 0 nor 1")
    return number >= GOLD_THRESHOLD


def expand_paths(paths: Paths) -> list[Path]:
    """The files that paths, folders and patterns name; of a folder its data files, sorted, but for quarantine files.

    A folder's .txt files are not among them: beside data they are mostly about it.
    Raises XltError for a path that does not exist, and a folder without data.
    """
    files: list[Path] = []
    for path in as_list(paths):
        if os.path.isdir(path):
            inside = sorted(Path(file) for file in walk(path) if _is_data(file))
            if not inside:
                raise XltError(f"{path} holds no .csv, .tsv, .jsonl or .spacy file.")
            files.extend(inside)
        else:
            files.extend(map(Path, expand(path)))
    return files


def _is_data(file: str) -> bool:
    if file.endswith((".quarantine.jsonl", ".txt")):
        return False
    return file.endswith(".spacy") or kind_of(file) not in (None, "line")

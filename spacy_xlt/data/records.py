"""Reading labelled and unlabelled texts from files, one record at a time, with the place of each."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, Optional, TextIO, Union

from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, base_code, is_known
from spacy_xlt.text import has_surrogates, replace_surrogates

# spaCy's own limit (nlp.max_length); longer texts go to quarantine.
MAX_CHARS = 1_000_000
# Of a longer line no more than its start is held in memory.
MAX_LINE = 16 * MAX_CHARS
# SIB-200's own name for its column of labels is known to the readers of its folders.
SIB200_COLUMNS = {"index_id", "category", "text"}
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class Columns:
    """The names of the fields that hold text, label and language. The label is not needed where `labelled` is false."""

    text: str = "text"
    label: str = "label"
    language: str = "lang"
    labelled: bool = True


COLUMNS = Columns()


@dataclass(frozen=True)
class Record:
    """A text, its labels (none if it is unlabelled), its language (`xx` if the file does not say) and its place."""

    text: str
    labels: tuple[str, ...]
    language: str
    place: str


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot be used: where, why, and what it holds."""

    place: str
    reason: str
    content: str = field(default="")


Rows = Iterator[tuple[str, Union[dict[str, Any], BadRecord]]]


def read_records(
    path: Path, columns: Columns = COLUMNS, language: Optional[str] = None
) -> Iterator[Union[Record, BadRecord]]:
    """Yield the records of a CSV, TSV, JSONL or SIB-200 file, bad ones as BadRecord.

    language: of all records; None: the record's own, or for SIB-200 that of its folder (`swh_Latn/train.tsv`).
    Raises XltError for a missing or empty file, an unknown ending, and a missing column, naming those there are.
    """
    if not path.is_file():
        raise XltError(f"{path} does not exist.")
    if path.suffix in (".jsonl", ".ndjson"):
        read: Callable[[TextIO, str], Rows] = jsonl_rows
    elif path.suffix in (".csv", ".tsv"):
        read = tsv_rows if path.suffix == ".tsv" else csv_rows
        header = _header(path)
        if set(header) >= SIB200_COLUMNS and columns.label not in header:
            columns = Columns(columns.text, "category", columns.language, columns.labelled)
            language = language or base_code(path.parent.name)
        _check_header(path, header, columns)
    elif path.suffix == ".txt":
        if columns.labelled:
            raise XltError(f"{path}: a .txt file (one text a line) has no labels; give a .csv, .tsv or .jsonl file.")
        read = partial(text_rows, field=columns.text)
    else:
        raise XltError(f"{path}: only .csv, .tsv, .jsonl, .txt (one text a line) and .spacy files can be read.")
    with as_text(path.open("rb"), table=path.suffix in (".csv", ".tsv")) as file:
        for place, row in read(file, str(path)):
            yield row if isinstance(row, BadRecord) else _record(place, row, columns, language)


def as_text(file: IO[bytes], *, table: bool = False) -> TextIO:
    """The text of an open file for the functions `..._rows`; bytes that are not UTF-8 come as lone surrogates.

    table: CSV or TSV, which may end its lines with \\r; elsewhere only \\n ends a line.
    """
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="" if table else "\n")


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        header: list[str] = next(_reader(file, tabs=path.suffix == ".tsv"), [])
        return header


def _check_header(path: Path, header: Sequence[str], columns: Columns) -> None:
    for name in [columns.text, *([columns.label] if columns.labelled else [])]:
        if name not in header:
            option = "--text" if name == columns.text else "--label"
            raise XltError(
                f"{path} has no column '{name}'; it has: {', '.join(header) or 'none'}. "
                f"Name the right one with {option}."
            )


def _reader(file: TextIO, tabs: bool) -> Any:
    # Quotes have no meaning in TSV files of benchmark data: an odd number of them would swallow the lines between.
    if tabs:
        return csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    return csv.reader(file)


def csv_rows(file: TextIO, name: str, *, tabs: bool = False) -> Rows:
    """Yield the rows of a CSV file with a header, each with its place, `name:line`; bad ones as BadRecord.

    Raises XltError where it stops being CSV.
    """
    csv.field_size_limit(MAX_LINE)
    reader = _reader(file, tabs)
    header: list[str] = next(reader, [])
    start = reader.line_num + 1
    try:
        for cells in reader:
            place, start = f"{name}:{start}", reader.line_num + 1
            if not cells:
                continue
            if len(cells) != len(header):
                reason = f"{len(cells)} columns where the header has {len(header)}"
                yield place, BadRecord(place, reason, _printable("\t".join(cells)))
            elif any(map(_is_not_utf8, cells)):
                yield place, BadRecord(place, "not UTF-8", _printable("\t".join(cells)))
            else:
                yield place, dict(zip(header, cells))
    except csv.Error as error:
        raise XltError(f"{name}:{reader.line_num}: not a CSV file ({error}).") from None


def tsv_rows(file: TextIO, name: str) -> Rows:
    """`csv_rows` of a file with tabs, in which quotes are ordinary characters."""
    return csv_rows(file, name, tabs=True)


def _lines(file: TextIO, name: str) -> Iterator[tuple[str, Union[str, BadRecord]]]:
    """The lines that are not blank, each with its place. Of a far too long one no more than its start is held."""
    number = 0
    while line := file.readline(MAX_LINE):
        number += 1
        place = f"{name}:{number}"
        if len(line) == MAX_LINE and line[-1] != "\n":
            while (rest := file.readline(MAX_LINE)) and rest[-1] != "\n":
                pass
            yield place, BadRecord(place, f"a line of more than {MAX_LINE} characters", _printable(line))
        elif line.strip():
            text = line.rstrip("\r\n")
            yield place, BadRecord(place, "not UTF-8", _printable(text)) if _is_not_utf8(text) else text


def jsonl_rows(file: TextIO, name: str) -> Rows:
    """Yield the objects of a JSONL file, each with its place, `name:line`; bad ones as BadRecord."""
    for place, line in _lines(file, name):
        if isinstance(line, BadRecord):
            yield place, line
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield place, BadRecord(place, f"not JSON ({error})", _printable(line))
            continue
        yield place, row if isinstance(row, dict) else BadRecord(place, "not a JSON object", _printable(line))


def text_rows(file: TextIO, name: str, *, field: str) -> Rows:
    """Yield the lines of a text file as `{field: line}`, each with its place; blank ones are left out."""
    for place, line in _lines(file, name):
        yield place, line if isinstance(line, BadRecord) else {field: line}


def _record(place: str, row: dict[str, Any], columns: Columns, language: Optional[str]) -> Union[Record, BadRecord]:
    content = _printable(json.dumps(row, ensure_ascii=False))
    text = row.get(columns.text)
    for name in [columns.text, *([columns.label] if columns.labelled else [])]:
        if name not in row:
            return BadRecord(place, f"no field '{name}'; it has: {', '.join(row) or 'none'}", content)
    if not isinstance(text, str):
        return BadRecord(place, f"'{columns.text}' is not a text", content)
    if len(text) > MAX_CHARS:
        return BadRecord(place, f"{len(text)} characters, more than {MAX_CHARS}", content)
    labels: tuple[str, ...] = ()
    if columns.labelled:
        found = row[columns.label]
        names = found if isinstance(found, list) else [str(found) if isinstance(found, int) else found]
        if not all(isinstance(name, str) and name.strip() for name in names):
            return BadRecord(place, f"no label in '{columns.label}'", content)
        labels = tuple(dict.fromkeys(replace_surrogates(name.strip()) for name in names))
    code = language or row.get(columns.language) or UNKNOWN
    if not isinstance(code, str) or (base_code(code) != UNKNOWN and not is_known(code)):
        return BadRecord(place, f"'{code}' in '{columns.language}' is no language code", content)
    return Record(replace_surrogates(text), labels, base_code(code), place)


def _is_not_utf8(text: str) -> bool:
    """Whether there are bytes that are not UTF-8, as surrogateescape marks them in what is read from a file."""
    return has_surrogates(text) and _ESCAPED_BYTE.search(text) is not None


def _printable(text: str) -> str:
    """So much of a bad record as the quarantine file shows."""
    return replace_surrogates(text[:2000])


def expand_paths(paths: Iterable[Path]) -> list[Path]:
    """Put in place of each folder its data files, sorted, but no quarantine files that `xlt` has left there.

    Raises XltError for a path that does not exist.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                file
                for file in path.rglob("*")
                if file.suffix in (".csv", ".tsv", ".jsonl", ".ndjson", ".spacy")
                and not file.name.endswith(".quarantine.jsonl")
            )
            if not inside:
                raise XltError(f"{path} holds no .csv, .tsv, .jsonl or .spacy file.")
            files.extend(inside)
        elif path.exists():
            files.append(path)
        else:
            raise XltError(f"{path} does not exist.")
    return files

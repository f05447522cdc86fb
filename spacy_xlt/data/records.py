"""Reading labelled and unlabelled texts from files, one record at a time, with the place of each."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Union

from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, base_code, is_known
from spacy_xlt.text import replace_surrogates

# spaCy's own limit (nlp.max_length); longer texts go to quarantine.
MAX_CHARS = 1_000_000
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
        rows = _jsonl_rows(path)
    elif path.suffix in (".csv", ".tsv"):
        rows = _table_rows(path, columns)
        header = _header(path)
        if set(header) >= SIB200_COLUMNS and columns.label not in header:
            columns = Columns(columns.text, "category", columns.language, columns.labelled)
            language = language or base_code(path.parent.name)
        _check_header(path, header, columns)
    elif path.suffix == ".txt":
        rows = _text_rows(path, columns)
    else:
        raise XltError(f"{path}: only .csv, .tsv, .jsonl, .txt (one text a line) and .spacy files can be read.")
    for place, row in rows:
        yield row if isinstance(row, BadRecord) else _record(place, row, columns, language)


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        header: list[str] = next(_reader(file, path), [])
        return header


def _check_header(path: Path, header: Sequence[str], columns: Columns) -> None:
    for name in [columns.text, *([columns.label] if columns.labelled else [])]:
        if name not in header:
            option = "--text" if name == columns.text else "--label"
            raise XltError(
                f"{path} has no column '{name}'; it has: {', '.join(header) or 'none'}. "
                f"Name the right one with {option}."
            )


def _reader(file: Any, path: Path) -> Any:
    # Quotes have no meaning in TSV files of benchmark data: an odd number of them would swallow the lines between.
    if path.suffix == ".tsv":
        return csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    return csv.reader(file)


def _table_rows(path: Path, columns: Columns) -> Iterator[tuple[str, Union[dict[str, Any], BadRecord]]]:
    csv.field_size_limit(16 * MAX_CHARS)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = _reader(file, path)
        header: list[str] = next(reader, [])
        start = reader.line_num + 1
        try:
            for cells in reader:
                place, start = f"{path}:{start}", reader.line_num + 1
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
            raise XltError(f"{path}:{reader.line_num}: not a CSV file ({error}).") from None


def _jsonl_rows(path: Path) -> Iterator[tuple[str, Union[dict[str, Any], BadRecord]]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            place = f"{path}:{number}"
            if not line.strip():
                continue
            if _is_not_utf8(line):
                yield place, BadRecord(place, "not UTF-8", _printable(line.rstrip("\n")))
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield place, BadRecord(place, f"not JSON ({error})", _printable(line.rstrip("\n")))
                continue
            if isinstance(row, dict):
                yield place, row
            else:
                yield place, BadRecord(place, "not a JSON object", _printable(line.rstrip("\n")))


def _text_rows(path: Path, columns: Columns) -> Iterator[tuple[str, Union[dict[str, Any], BadRecord]]]:
    if columns.labelled:
        raise XltError(f"{path}: a .txt file (one text a line) has no labels; give a .csv, .tsv or .jsonl file.")
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            place = f"{path}:{number}"
            if _is_not_utf8(line):
                yield place, BadRecord(place, "not UTF-8", _printable(line.rstrip("\r\n")))
            elif line.strip():
                yield place, {columns.text: line.rstrip("\r\n")}


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
    return _ESCAPED_BYTE.search(text) is not None


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

"""Rows of text and JSON files, one at a time, each with its location. A row that cannot be read is a BadRecord."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional, TextIO, Union

from spacy_xlt.data.decoding import is_undecoded, why_undecoded
from spacy_xlt.errors import EncodingError, XltError
from spacy_xlt.text import replace_surrogates

# The limit of spaCy (nlp.max_length). Longer texts are bad records.
MAX_CHARS = 1_000_000
# Only the start of a longer line is held in memory.
MAX_LINE = 16 * MAX_CHARS
# Characters of a bad record, and of one of its fields, that the quarantine file shows.
SHOWN = 2000
SHOWN_FIELD = 500


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot be used.

    Attributes:
        location: Where it is, such as `tickets.csv:17` or `item:3`.
        reason: Why it cannot be used.
        content: The start of what it holds.
    """

    location: str
    reason: str
    content: str = field(default="")


Row = Union[dict[str, Any], BadRecord]
Rows = Iterator[tuple[str, Row]]
# Is called with a sentence about a file, such as which delimiter it has.
Say = Callable[[str], Any]


def printable(text: str) -> str:
    """Return the start of a text, as the quarantine file shows it."""
    return replace_surrogates(text[:SHOWN])


def printable_row(row: Mapping[str, Any]) -> str:
    """Return the start of a row as JSON, with long fields cut, as the quarantine file shows it."""
    cells = {str(name): value[:SHOWN_FIELD] if isinstance(value, str) else value for name, value in row.items()}
    try:
        return printable(json.dumps(cells, ensure_ascii=False, default=str))
    except (ValueError, TypeError, RecursionError):  # a value that contains itself, or keys that are not texts
        return printable(str({name: str(value)[:SHOWN_FIELD] for name, value in row.items()}))


def text_of(row: Mapping[str, Any], field: str) -> str:
    """Return the text of a row, with lone surrogates replaced by U+FFFD.

    Args:
        row: The fields of a record.
        field: The name of the field that holds the text.

    Raises:
        XltError: The field is missing, is not a text, or is too long. The message is the reason of a bad record.
    """
    if field not in row:
        raise XltError(f"no field '{field}'; it has: {', '.join(map(str, row)) or 'none'}")
    text = row[field]
    if text is None:
        raise XltError(f"'{field}' is null")
    if not isinstance(text, str):
        raise XltError(f"'{field}' is not a text but {type(text).__name__}")
    if len(text) > MAX_CHARS:
        raise XltError(f"{len(text)} characters, more than {MAX_CHARS}")
    return replace_surrogates(text)


def numbered_lines(file: TextIO, name: str) -> Iterator[tuple[int, Union[str, BadRecord]]]:
    """Yield the lines with their numbers and line ends. A line of more than MAX_LINE characters is a BadRecord."""
    number = 0
    while line := file.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE and line[-1] not in "\r\n":
            while (rest := file.readline(MAX_LINE)) and rest[-1] not in "\r\n":
                pass
            reason = f"a line of more than {MAX_LINE} characters"
            yield number, BadRecord(f"{name}:{number}", reason, printable(line))
        else:
            yield number, line


def decoded_lines(file: TextIO, name: str) -> Iterator[tuple[int, Union[str, BadRecord]]]:
    """Yield the lines with their numbers, without line ends. A line that cannot be decoded is a BadRecord."""
    for number, line in numbered_lines(file, name):
        if isinstance(line, BadRecord):
            yield number, line
        elif is_undecoded(line):
            yield number, BadRecord(f"{name}:{number}", why_undecoded(file.encoding), printable(line.rstrip("\r\n")))
        else:
            yield number, line.rstrip("\r\n")


def _filled_lines(file: TextIO, name: str) -> Iterator[tuple[str, Union[str, BadRecord]]]:
    """Yield the lines that are not blank, each with its location."""
    for number, line in decoded_lines(file, name):
        if isinstance(line, BadRecord) or line.strip():
            yield f"{name}:{number}", line


def text_rows(file: TextIO, name: str, *, field: str) -> Rows:
    """Yield the lines of a text file as `{field: line}`, each with its location. Blank lines are skipped."""
    for location, line in _filled_lines(file, name):
        yield location, line if isinstance(line, BadRecord) else {field: line}


def jsonl_rows(file: TextIO, name: str) -> Rows:
    """Yield the objects of a JSONL file, each with its location `name:line`. Other lines are BadRecords."""
    for location, line in _filled_lines(file, name):
        if isinstance(line, BadRecord):
            yield location, line
            continue
        try:
            row = _DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            yield location, BadRecord(location, f"not JSON ({error})", printable(line))
            continue
        yield location, _object(location, row, line)


def json_rows(file: TextIO, name: str) -> Rows:
    """Yield the objects of a JSON file. The file holds an array of objects, one object, or one object per line.

    The location is the line on which an object starts. If the file is not valid JSON from some line on, the objects
    before that line are used.

    Raises:
        EncodingError: The file cannot be decoded.
    """
    text = file.read()
    if is_undecoded(text):
        raise EncodingError(f"{name}: the file is {why_undecoded(file.encoding)}. Name its encoding.")
    number = 1
    counted = 0

    def location() -> str:
        nonlocal number, counted
        number, counted = number + text.count("\n", counted, position), position
        return f"{name}:{number}"

    def bad(reason: str) -> tuple[str, BadRecord]:
        return location(), BadRecord(location(), reason, printable(text[position : position + SHOWN]))

    position = _skip_space(text, 0)
    is_array = text.startswith("[", position)
    position = _skip_space(text, position + is_array)
    while position < len(text) and not (is_array and text[position] == "]"):
        try:
            row, end = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            yield bad(f"not JSON ({error})")
            return
        yield location(), _object(location(), row, text[position : min(end, position + SHOWN)])
        position = _skip_space(text, end)
        if is_array and text.startswith(",", position):
            position = _skip_space(text, position + 1)
        elif is_array and position < len(text) and text[position] != "]":
            yield bad("no comma and no end of the array follows")
            return
    if is_array and position == len(text):
        yield bad("the array is not closed")
    elif is_array and (position := _skip_space(text, position + 1)) < len(text):
        yield bad("something follows the array")


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"the field '{find_doubled([name for name, _ in pairs])}' comes twice")
    return found


def find_doubled(names: list[str]) -> Optional[str]:
    """Return the first name that occurs twice; None if there is none."""
    return next((name for place, name in enumerate(names) if name in names[:place]), None)


# Python silently keeps the last of two fields of one name. This decoder refuses them.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique)


def _object(location: str, row: Any, content: str) -> Row:
    return row if isinstance(row, dict) else BadRecord(location, "not a JSON object", printable(content))

"""Rows of text files and of JSON: one at a time, each with its location; what cannot be read is a BadRecord."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Optional, TextIO, Union

from spacy_xlt.data.decoding import is_undecoded, why_undecoded
from spacy_xlt.errors import EncodingError
from spacy_xlt.text import replace_surrogates

# spaCy's own limit (nlp.max_length); longer texts go to quarantine.
MAX_CHARS = 1_000_000
# Of a longer line no more than its start is held in memory.
MAX_LINE = 16 * MAX_CHARS
# How much of a bad record the quarantine file shows.
SHOWN = 2000


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot be used: where, why, and what it holds."""

    location: str
    reason: str
    content: str = field(default="")


Row = Union[dict[str, Any], BadRecord]
Rows = Iterator[tuple[str, Row]]
# Is told what was found out about a file, in a sentence.
Say = Callable[[str], Any]


def printable(text: str) -> str:
    """The beginning of a bad record, as the quarantine file shows it."""
    return replace_surrogates(text[:SHOWN])


def numbered_lines(file: TextIO, name: str) -> Iterator[tuple[int, Union[str, BadRecord]]]:
    """The lines with their numbers and their ends. Of a far too long one no more than its start is held."""
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
    """The lines with their numbers, without their ends; a BadRecord for one that is not in the file's encoding."""
    for number, line in numbered_lines(file, name):
        if isinstance(line, BadRecord):
            yield number, line
        elif is_undecoded(line):
            yield number, BadRecord(f"{name}:{number}", why_undecoded(file.encoding), printable(line.rstrip("\r\n")))
        else:
            yield number, line.rstrip("\r\n")


def _filled_lines(file: TextIO, name: str) -> Iterator[tuple[str, Union[str, BadRecord]]]:
    """The lines that are not blank, each with its location."""
    for number, line in decoded_lines(file, name):
        if isinstance(line, BadRecord) or line.strip():
            yield f"{name}:{number}", line


def text_rows(file: TextIO, name: str, *, field: str) -> Rows:
    """Yield the lines of a text file as `{field: line}`, each with its location; blank ones are left out."""
    for location, line in _filled_lines(file, name):
        yield location, line if isinstance(line, BadRecord) else {field: line}


def jsonl_rows(file: TextIO, name: str) -> Rows:
    """Yield the objects of a JSONL file, each with its location, `name:line`; bad ones as BadRecord."""
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
    """Yield the objects of a JSON file: of its array, or its only one, or one a line as in JSONL.

    The location is the line on which an object begins. Where the file stops being JSON, what was read before is used.
    """
    text = file.read()
    if is_undecoded(text):
        raise EncodingError(f"{name}: {why_undecoded(file.encoding)}. Name its encoding.")
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
    """The first name that comes a second time."""
    return next((name for place, name in enumerate(names) if name in names[:place]), None)


# Of two fields of one name Python would keep the second without a word.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique)


def _object(location: str, row: Any, content: str) -> Row:
    return row if isinstance(row, dict) else BadRecord(location, "not a JSON object", printable(content))

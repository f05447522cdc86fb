"""Which field holds the text and which the id: asked for, or guessed and said."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional, Union

from spacy_xlt.data.records import MAX_CHARS, BadRecord
from spacy_xlt.errors import XltError
from spacy_xlt.text import replace_surrogates

TEXT_NAMES = ("text", "body", "content", "message", "comment", "review", "description", "sentence", "document")
ID_NAMES = ("id", "_id", "uuid", "guid", "ticket_id", "doc_id", "document_id", "index_id")


@dataclass(frozen=True)
class Fields:
    """text, id: names of fields; without an id field the location of a record is its id.
    columns: of all fields that the first rows have, in their order; what a table of results will have."""

    text: str
    id: Optional[str]
    columns: tuple[str, ...]


class Item(NamedTuple):
    """A record to classify. row: all its fields, as they were."""

    location: str
    id: Any
    text: str
    row: Mapping[str, Any]


def choose_fields(rows: Sequence[Mapping[str, Any]], text: Optional[str] = None, id: Optional[str] = None) -> Fields:
    """Take the fields that are named, and guess the others from the first rows.

    The text is the first of TEXT_NAMES that is there, else the field with the longest texts.
    Raises XltError if a named field is nowhere, or no field holds text.
    """
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    for option, name in (("--text", text), ("--id", id)):
        if name is not None and rows and name not in columns:
            raise XltError(f"No record has a field '{name}' ({option}); there are: {', '.join(columns) or 'none'}.")
    if text is None:
        by_name = _named(columns, TEXT_NAMES)
        text = by_name if by_name is not None else _longest(rows, columns)
    return Fields(text, id if id is not None else _named(columns, ID_NAMES), columns)


def _named(columns: Iterable[str], names: Sequence[str]) -> Optional[str]:
    found = {column.lower(): column for column in reversed(list(columns))}
    return next((found[name] for name in names if name in found), None)


def _longest(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    lengths = {name: sum(len(row[name]) for row in rows if isinstance(row.get(name), str)) for name in columns}
    best = max(lengths, key=lambda name: lengths[name], default="")
    if rows and not lengths.get(best):
        raise XltError(f"No field of the first records holds text ({', '.join(columns)}): name it with --text.")
    return best or TEXT_NAMES[0]


def make_item(location: str, row: Union[Mapping[str, Any], BadRecord], fields: Fields) -> Union[Item, BadRecord]:
    """A record to classify, or the reason why it cannot be."""
    if isinstance(row, BadRecord):
        return row
    if fields.text not in row:
        return BadRecord(location, f"no field '{fields.text}'; it has: {', '.join(row) or 'none'}", _content(row))
    text = row[fields.text]
    if text is None:
        return BadRecord(location, f"'{fields.text}' is null", _content(row))
    if not isinstance(text, str):
        return BadRecord(location, f"'{fields.text}' is not a text but {type(text).__name__}", _content(row))
    if len(text) > MAX_CHARS:
        return BadRecord(location, f"{len(text)} characters, more than {MAX_CHARS}", _content(row))
    found = row.get(fields.id) if fields.id is not None else None
    return Item(location, location if found is None else found, replace_surrogates(text), row)


def _content(row: Mapping[str, Any]) -> str:
    return replace_surrogates(str({name: str(value)[:500] for name, value in row.items()})[:2000])

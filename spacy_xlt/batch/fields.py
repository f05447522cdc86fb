"""Which field of the input holds the text, and which the id. Both can be named; otherwise they are guessed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional, Union

from spacy_xlt.data.dataset import column_names
from spacy_xlt.data.rows import BadRecord, Row, printable_row, text_of
from spacy_xlt.errors import XltError

TEXT_NAMES = ("text", "body", "content", "message", "comment", "review", "description", "sentence", "document")
ID_NAMES = ("id", "_id", "uuid", "guid", "ticket_id", "doc_id", "document_id", "index_id")


@dataclass(frozen=True)
class Fields:
    """The fields of the input.

    Attributes:
        text: The name of the field with the text.
        id: The name of the field with the id. None: the location of a record is its id.
        columns: All fields of the first rows, in order. A table of results has these columns.
        pair: The name of the field with the second text of a pair. None: the texts are not pairs.
    """

    text: str
    id: Optional[str]
    columns: tuple[str, ...]
    pair: Optional[str] = None


class Item(NamedTuple):
    """A record to classify. `row` has all its fields, unchanged."""

    location: str
    id: Any
    text: str
    row: Mapping[str, Any]
    pair: Optional[str] = None


def choose_fields(rows: Sequence[Mapping[str, Any]], text: Optional[str] = None, id: Optional[str] = None) -> Fields:
    """Take the fields that are named, and guess the others from the first rows.

    The text is guessed to be the first of TEXT_NAMES that exists, or else the field with the longest texts.

    Args:
        rows: The first rows.
        text: The name of the field with the text; None: it is guessed. For pairs of texts, two names, such as
            `premise,hypothesis`.
        id: The name of the field with the id; None: it is guessed.

    Raises:
        XltError: No row has a field of this name, or no field holds text.
    """
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    pair = None
    if text is not None:
        names = column_names(text)
        text, pair = names.text, names.pair
    for parameter, name in (("text", text), ("text", pair), ("id", id)):
        if name is not None and rows and name not in columns:
            raise XltError(
                f"No record has a field '{name}'. Name the right field; there are: {', '.join(columns) or 'none'}.",
                parameter=parameter,
            )
    if text is None:
        by_name = _named(columns, TEXT_NAMES)
        text = by_name if by_name is not None else _longest(rows, columns)
    return Fields(text, id if id is not None else _named(columns, ID_NAMES), columns, pair)


def _named(columns: Iterable[str], names: Sequence[str]) -> Optional[str]:
    found = {column.lower(): column for column in reversed(list(columns))}
    return next((found[name] for name in names if name in found), None)


def _longest(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    lengths = {name: sum(len(row[name]) for row in rows if isinstance(row.get(name), str)) for name in columns}
    best = max(lengths, key=lambda name: lengths[name], default="")
    if rows and not lengths.get(best):
        raise XltError(
            f"No field of the first records holds text ({', '.join(columns)}). Name the field with the text.",
            parameter="text",
        )
    return best or TEXT_NAMES[0]


def make_item(location: str, row: Row, fields: Fields) -> Union[Item, BadRecord]:
    """Return the record to classify; a BadRecord with the reason if the row cannot be used."""
    if isinstance(row, BadRecord):
        return row
    try:
        text = text_of(row, fields.text)
        pair = None if fields.pair is None else text_of(row, fields.pair)
    except XltError as error:
        return BadRecord(location, str(error), printable_row(row))
    found = row.get(fields.id) if fields.id is not None else None
    return Item(location, location if found is None else found, text, row, pair)

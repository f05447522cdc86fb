"""The entries of an index: texts with an id, a language and any other fields, read from data of any kind."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional, Union

from spacy.tokens import Doc

from spacy_xlt.data.dataset import Data, Dataset
from spacy_xlt.data.items import is_table, item_row, items_of
from spacy_xlt.data.paths import find_inputs, paths_of
from spacy_xlt.data.reading import open_rows, told_as_damaged
from spacy_xlt.data.records import ColumnNames, label_name, make_record
from spacy_xlt.data.rows import BadRecord, Row, printable_row
from spacy_xlt.data.spacy_rows import CATS, LANGUAGE, TEXT
from spacy_xlt.errors import XltError
from spacy_xlt.extensions import language_of
from spacy_xlt.languages import UNKNOWN, as_base_code, by_base_code

# The names of the fields that every entry has.
ID_FIELD, TEXT_FIELD, LANGUAGE_FIELD = "id", "text", "lang"


@dataclass(frozen=True)
class Entry:
    """A text of an index.

    Attributes:
        id: Its id; empty if the data have none.
        text: The text.
        language: The base code of its language; `xx` if that is unknown.
        fields: All other fields of the record.
    """

    id: str
    text: str
    language: str
    fields: Mapping[str, Any]

    def in_language(self, language: str) -> "Entry":
        """Return the entry with another language."""
        return replace(self, language=language)

    def to_json(self) -> str:
        """Return the entry as one line of JSON. Values that JSON does not have, such as dates, become strings."""
        row = {ID_FIELD: self.id, TEXT_FIELD: self.text, LANGUAGE_FIELD: self.language, **self.fields}
        return json.dumps(row, ensure_ascii=False, default=str)


def read_entries(
    data: Data,
    *,
    text: str = TEXT_FIELD,
    id: str = ID_FIELD,
    lang: str = LANGUAGE_FIELD,
    language: Optional[str] = None,
    encoding: Optional[str] = None,
) -> tuple[list[Entry], list[BadRecord]]:
    """Read the entries of an index from data of any kind.

    Args:
        data: Docs, or whatever `Dataset.load` takes. All fields of a record are kept.
        text: The name of the field with the text.
        id: The name of the field with the id. It may be missing.
        lang: The name of the field with the language. It may be missing.
        language: The language of all texts, a code or an English name; None: each record's own language.
        encoding: The encoding of files without a byte-order mark; None: UTF-8.

    Returns:
        The entries, and the records that cannot be used.

    Raises:
        XltError: A path does not exist, a file is damaged, or no record can be used.
    """
    columns = ColumnNames(text, language=lang)
    code = None if language is None else as_base_code(language)
    entries: list[Entry] = []
    bad: list[BadRecord] = []
    for location, row, names, of in _located_rows(data, columns, code, encoding):
        entry = _make_entry(location, row, names, id, of)
        if isinstance(entry, Entry):
            entries.append(entry)
        else:
            bad.append(entry)
    if bad and not entries:
        raise XltError(f"There is no usable record in the data ({bad[0].location}: {bad[0].reason}).")
    return entries, bad


def _located_rows(
    data: Any, columns: ColumnNames, language: Optional[str], encoding: Optional[str]
) -> Iterator[tuple[str, Row, ColumnNames, Optional[str]]]:
    """Yield the location and the row of each record, the names of its fields, and the language that it must have."""
    if isinstance(data, Mapping):
        for code, part in by_base_code(data, as_base_code).items():
            yield from _located_rows(part, columns, code, encoding)
        return
    if isinstance(data, Dataset):
        for bad in data.bad:
            yield bad.location, bad, columns, language
        data = data.records
    elif not is_table(data) and not isinstance(data, (str, bytes, list, tuple)) and hasattr(data, "__iter__"):
        data = list(data)
    paths = paths_of(data, texts=True)
    for each in find_inputs(paths, encoding=encoding) if paths else ():
        names = ColumnNames(TEXT, label=CATS, language=LANGUAGE) if each.kind == "spacy" else columns
        with told_as_damaged(each.path), open_rows(each, say=lambda note: None, field=names.text) as (_, rows):
            for location, row in rows:
                yield location, row, names, language
    if not paths:
        for number, item in enumerate(items_of(data), start=1):
            location = f"item:{number}"
            row = _doc_row(item, columns) if isinstance(item, Doc) else item_row(item, location, columns)
            yield location, row, columns, language


def _doc_row(doc: Doc, columns: ColumnNames) -> dict[str, Any]:
    """The text and the language of a Doc, and what the user has put into `doc.user_data` by name."""
    fields = {name: value for name, value in doc.user_data.items() if isinstance(name, str)}
    known = language_of(doc) if Doc.has_extension("language") else UNKNOWN
    return {**fields, columns.text: doc.text, columns.language: "" if known == UNKNOWN else known}


def _make_entry(
    location: str, row: Row, columns: ColumnNames, id: str, language: Optional[str]
) -> Union[Entry, BadRecord]:
    record = make_record(location, row, columns, language, labeled=False)
    if isinstance(record, BadRecord) or isinstance(row, BadRecord):
        return record if isinstance(record, BadRecord) else row  # type: ignore[return-value]
    if not record.text.strip():
        return BadRecord(location, f"'{columns.text}' is empty", printable_row(row))
    own = {columns.text, columns.language, id, ID_FIELD, TEXT_FIELD, LANGUAGE_FIELD}
    fields = {str(name): value for name, value in row.items() if name not in own}
    return Entry(label_name(row.get(id)), record.text, record.language, fields)

"""Texts with the texts that a model is to generate from them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Optional, Union

from spacy_xlt.data.dataset import Data, Dataset, Reading, warn_of_bad
from spacy_xlt.data.items import item_row, items_of
from spacy_xlt.data.paths import Input, find_inputs, paths_of, require_kind
from spacy_xlt.data.reading import open_rows, told_as_damaged
from spacy_xlt.data.records import ColumnNames, Record, make_record
from spacy_xlt.data.rows import BadRecord, Row
from spacy_xlt.errors import XltError
from spacy_xlt.languages import as_base_code


@dataclass(frozen=True)
class TargetRecord(Record):
    """A text and its target.

    Attributes:
        target: The text to generate.
        target_language: The base code of its language; that of the text if the record does not name one.
    """

    target: str
    target_language: str


@dataclass(frozen=True)
class TargetColumns:
    """The names of the fields of a text, its target and their languages. The languages may be missing."""

    text: str = "text"
    target: str = "target"
    language: str = "lang"
    target_language: str = "target_lang"


COLUMNS = TargetColumns()


def load_targets(
    data: Data,
    *,
    columns: TargetColumns = COLUMNS,
    language: Optional[str] = None,
    target_language: Optional[str] = None,
    encoding: Optional[str] = None,
) -> list[TargetRecord]:
    """Read texts with targets, and warn once if some records cannot be used.

    Args:
        data: A path to a CSV, TSV, JSONL, JSON or Parquet file or a list of paths, a DataFrame, or an iterable of
            dicts, (text, target) pairs or TargetRecords.
        columns: The names of the fields.
        language: The language of all texts, a code or an English name; None: each record's own language.
        target_language: The language of all targets; None: each record's own, or else that of its text.
        encoding: The encoding of files without a byte-order mark; None: UTF-8.

    Returns:
        The records, in order.

    Raises:
        XltError: A path does not exist, a file is damaged, a language is unknown, or no record can be used.

    Example:
        >>> (record,) = load_targets([("zwölf", "12")], language="de")
        >>> record.text, record.target, record.target_language
        ('zwölf', '12', 'de')
    """
    reader = _Reader(
        columns,
        None if language is None else as_base_code(language),
        None if target_language is None else as_base_code(target_language),
    )
    dataset = Dataset()
    paths = paths_of(data)
    rows = _rows_of_files(paths, columns, encoding, dataset) if paths else _rows_of_items(data, columns)
    records: list[TargetRecord] = []
    for location, row in rows:
        record = row if isinstance(row, TargetRecord) else reader.make(location, row)
        if isinstance(record, BadRecord):
            dataset.bad.append(record)
        else:
            records.append(record)
    if not records:
        first = f" ({dataset.bad[0].location}: {dataset.bad[0].reason})" if dataset.bad else ""
        raise XltError(f"There is no text with a target in {', '.join(paths) if paths else 'the data'}{first}.")
    warn_of_bad(dataset, stacklevel=3)
    return records


def target_options(reading: Reading) -> dict[str, Any]:
    """Return the options of `load_targets` for options of `load_dataset`, whose `label` is the field of the target."""
    columns = TargetColumns(reading.get("text", "text"), reading.get("label", "target"), reading.get("lang", "lang"))
    return {"columns": columns, "language": reading.get("language"), "encoding": reading.get("encoding")}


@dataclass(frozen=True)
class _Reader:
    columns: TargetColumns
    language: Optional[str]
    target_language: Optional[str]

    def make(self, location: str, row: Row) -> Union[TargetRecord, BadRecord]:
        """Make a record from a row, or a BadRecord with the reason."""
        columns = self.columns
        text = self._side(location, row, columns.text, columns.language, self.language)
        if isinstance(text, BadRecord):
            return text
        target = self._side(location, row, columns.target, columns.target_language, self.target_language)
        if isinstance(target, BadRecord):
            return target
        named = self.target_language is not None or (isinstance(row, Mapping) and row.get(columns.target_language))
        code = target.language if named else text.language
        return TargetRecord(text.text, (), text.language, location, target.text, code)

    def _side(
        self, location: str, row: Row, field: str, language_field: str, language: Optional[str]
    ) -> Union[Record, BadRecord]:
        record = make_record(location, row, ColumnNames(field, language=language_field), language, labeled=False)
        if isinstance(record, Record) and not record.text.strip():
            return BadRecord(location, f"'{field}' is blank")
        return record


def _rows_of_files(
    paths: list[str], columns: TargetColumns, encoding: Optional[str], dataset: Dataset
) -> Iterator[tuple[str, Row]]:
    for each in find_inputs(paths, encoding=encoding):
        path = str(each.path)
        if require_kind(path) in ("line", "file", "spacy", "conll"):
            raise XltError(f"{path} has no targets. Give a .csv, .tsv, .jsonl, .json or .parquet file.")
        with (
            told_as_damaged(path),
            open_rows(Input(path, each.kind, encoding), say=dataset.notes.append, field=columns.text) as (header, rows),
        ):
            for name in (columns.text, columns.target):
                if header is not None and name not in header:
                    raise XltError(f"{path} has no column '{name}'; it has: {', '.join(header)}.", parameter="target")
            yield from rows


def _rows_of_items(data: Any, columns: TargetColumns) -> Iterator[tuple[str, Any]]:
    names = ColumnNames(columns.text, columns.target, columns.language)
    for number, item in enumerate(items_of(data), start=1):
        location = f"item:{number}"
        yield location, item if isinstance(item, TargetRecord) else item_row(item, location, names)

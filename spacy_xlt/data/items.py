"""Rows of data in memory: DataFrames, Hugging Face datasets, and iterables of dicts, pairs, Records or texts."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional

from spacy_xlt.data.paths import kind_of
from spacy_xlt.data.records import COLUMNS, ColumnNames, Record
from spacy_xlt.data.rows import BadRecord, Row, Rows, printable
from spacy_xlt.data.spacy_rows import PAIR
from spacy_xlt.errors import XltError

ACCEPTED = (
    "Give a path or a list of paths, a pandas or polars DataFrame, a Hugging Face Dataset, or an iterable of dicts, of "
    "(text, label) pairs, of (text, text, label) triples or of texts"
)


def items_of(data: Any) -> Iterable[Any]:
    """Return the items of data in memory.

    Libraries are recognized by their methods, so that none of them is imported: `to_dicts` (polars),
    `to_dict("records")` (pandas), `column_names` (Hugging Face).

    Args:
        data: A DataFrame, a Hugging Face Dataset or an iterable.

    Returns:
        The items. Missing values of a DataFrame are None. Class numbers of a Hugging Face Dataset are class names.

    Raises:
        XltError: The data is of another kind.
    """
    if hasattr(data, "to_dicts"):
        return map(_without_missing, data.to_dicts())
    if hasattr(data, "to_dict") and hasattr(data, "columns"):
        return map(_without_missing, data.to_dict("records"))
    if hasattr(data, "column_names"):
        return _with_class_names(data)
    if isinstance(data, (str, bytes, os.PathLike, Mapping)) or not isinstance(data, Iterable):
        raise XltError(f"Data of the type {type(data).__name__} cannot be read. {ACCEPTED}.")
    return data


def is_table(data: Any) -> bool:
    """Whether data is a DataFrame or a Hugging Face Dataset, whose items are rows."""
    return any(hasattr(data, name) for name in ("to_dicts", "columns", "column_names"))


def _without_missing(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if _is_missing(value) else value for name, value in row.items()}


def _is_missing(value: Any) -> bool:
    """Whether a cell is NaN, NaT or NA: a missing value does not equal itself, or cannot tell."""
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA
        return True
    except ValueError:  # an array
        return False


def _with_class_names(data: Any) -> Iterator[dict[str, Any]]:
    features: Mapping[str, Any] = getattr(data, "features", None) or {}
    names = {column: _class_names(feature) for column, feature in features.items()}
    for row in data:
        yield {column: _named(value, names.get(column)) for column, value in row.items()}


def _class_names(feature: Any) -> Optional[Sequence[str]]:
    """The names of a ClassLabel, or of a list of ClassLabels; None for other features."""
    return getattr(feature, "names", None) or getattr(getattr(feature, "feature", None), "names", None)


def _named(value: Any, names: Optional[Sequence[str]]) -> Any:
    """A value with class numbers replaced by class names. Other numbers, such as -1, are None."""
    if names is None:
        return value
    if isinstance(value, list):
        return [_named(each, names) for each in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None


def is_triple(item: Any) -> bool:
    """Return whether an item is a pair of texts with a label. The label of unlabeled pairs is None."""
    return isinstance(item, (tuple, list)) and len(item) == 3 and all(isinstance(text, str) for text in item[:2])


def item_rows(items: Iterable[Any]) -> Rows:
    """Yield the rows of items with the default field names.

    Args:
        items: Texts, dicts, (text, label) pairs or Records.

    Yields:
        The location, `item:number` counted from 1 or a Record's own, and the row.
    """
    for number, item in enumerate(items, start=1):
        location = item.location if isinstance(item, Record) else f"item:{number}"
        yield location, item_row(item, location)


def item_row(item: Any, location: str, columns: ColumnNames = COLUMNS) -> Row:
    """Return the row of an item; a BadRecord for an item of another type.

    Args:
        item: A text, a dict, a (text, label) pair, a (text, text, label) triple or a Record.
        location: Where it comes from.
        columns: The names of the fields that the row of a text, a pair or a Record gets.
    """
    if isinstance(item, Record):
        row = {columns.text: item.text, columns.label: list(item.labels), columns.language: item.language}
        return row if item.pair is None else {**row, columns.pair or PAIR: item.pair}
    if isinstance(item, Mapping):
        return dict(item)
    if isinstance(item, str):
        if kind_of(item) is not None and os.path.isfile(item):
            reason = "the name of a file among texts: give files in a list, or this text as {'text': ...}"
            return BadRecord(location, reason, printable(item))
        return {columns.text: item}
    if isinstance(item, (tuple, list)) and len(item) == 2 and isinstance(item[0], str):
        return {columns.text: item[0], columns.label: item[1]}
    if is_triple(item):
        return {columns.text: item[0], columns.pair or PAIR: item[1], columns.label: item[2]}
    if isinstance(item, os.PathLike):
        return BadRecord(location, "a path among texts: give files in a list", printable(repr(item)))
    return BadRecord(location, f"not a text, a dict or a pair but {type(item).__name__}", printable(repr(item)))

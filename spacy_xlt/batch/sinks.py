"""Writers of the results: JSONL, CSV, Parquet or DocBin, one file per part."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Optional, Protocol, get_args

from spacy_xlt.batch.parts import PartFile
from spacy_xlt.data.decoding import import_arrow
from spacy_xlt.text import replace_surrogates

Format = Literal["jsonl", "csv", "parquet", "docbin"]
FORMATS: tuple[Format, ...] = get_args(Format)
ENDINGS: dict[str, str] = {"jsonl": ".jsonl", "csv": ".csv", "parquet": ".parquet", "docbin": ".spacy"}
# The fields of the predictions. An input field with one of these names is renamed to `input_<name>`.
RESULTS = ("id", "language", "language_score", "label", "score", "probabilities", "model", "version")
# Those that a model has which classifies texts, and the one of a model that finds named entities.
CLASSIFICATION, ENTITIES = ("label", "score", "probabilities"), "entities"
# With `min_expected`, this field says why a label is null.
REASON = "abstain_reason"
# In formats with columns, this column holds as JSON the fields that the first records do not have.
OTHER = "input_other"
# A spreadsheet takes a cell that starts with one of these for a formula (OWASP, "CSV injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Row = Mapping[str, Any]
# json.dumps would make an encoder for each row.
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str, allow_nan=False)
# Values that are nested more deeply are replaced by "...".
DEEPEST = 50


class Sink(Protocol):
    """Writes the rows of one part to its file. `docs` is the DocBin of the rows, for the format docbin."""

    def write(self, rows: Sequence[Row], docs: Optional[bytes]) -> None: ...

    def close(self) -> None: ...


def to_json(value: Any) -> str:
    """Return any value as JSON. NaN and infinity become null, lone surrogates U+FFFD, and unknown types text."""
    return replace_surrogates(_encode(value))


def _encode(value: Any) -> str:
    try:
        return _ENCODER.encode(value)
    except (ValueError, TypeError, RecursionError):  # NaN, keys that are not texts, a value that contains itself
        return _ENCODER.encode(_plain(value, 0))


def _plain(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        return "..."
    if isinstance(value, dict):
        return {str(key): _plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, depth + 1) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class JsonlSink:
    def __init__(self, part: PartFile) -> None:
        self._part = part

    def write(self, rows: Sequence[Row], docs: Optional[bytes]) -> None:
        self._part.write(replace_surrogates("".join([_encode(row) + "\n" for row in rows])).encode("utf8"))

    def close(self) -> None:
        pass


class CsvSink:
    """Writes CSV. `safe`: a spreadsheet takes no cell for a formula, because it gets a ' first."""

    def __init__(self, part: PartFile, columns: Sequence[str], safe: bool) -> None:
        self._part, self._columns, self._safe = part, columns, safe
        self._write_cells([[self._cell(column) for column in columns]])

    def write(self, rows: Sequence[Row], docs: Optional[bytes]) -> None:
        self._write_cells([[self._cell(value) for value in in_columns(row, self._columns)] for row in rows])

    def _write_cells(self, rows: Sequence[Sequence[str]]) -> None:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows(rows)
        self._part.write(replace_surrogates(buffer.getvalue()).encode("utf8"))

    def _cell(self, value: Any) -> str:
        text = as_text(value) or ""
        return "'" + text if self._safe and isinstance(value, str) and text.startswith(FORMULA) else text

    def close(self) -> None:
        pass


class ParquetSink:
    """Writes Parquet. Input fields are text, and numbers are JSON, so that all parts have the same schema."""

    def __init__(self, part: PartFile, columns: Sequence[str], labels: Sequence[str], several: bool) -> None:
        arrow = import_arrow("writing Parquet")
        from pyarrow.parquet import ParquetWriter

        text = arrow.string()
        kinds = {
            "language_score": arrow.float64(),
            "score": arrow.float64(),
            "label": arrow.list_(text) if several else text,
            "probabilities": arrow.struct([(label, arrow.float64()) for label in labels]) if labels else text,
        }
        self._arrow, self._columns = arrow, columns
        self._schema = arrow.schema([(column, kinds.get(column, text)) for column in columns])
        self._writer = ParquetWriter(part, self._schema)

    def write(self, rows: Sequence[Row], docs: Optional[bytes]) -> None:
        if rows:
            cells = zip(*(in_columns(row, self._columns) for row in rows))
            arrays = [self._array(column, values) for column, values in zip(self._columns, cells)]
            self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))

    def _array(self, column: str, values: Sequence[Any]) -> Any:
        kind = self._schema.field(column).type
        return self._arrow.array(map(as_text, values) if kind == self._arrow.string() else values, type=kind)

    def close(self) -> None:
        self._writer.close()


class DocBinSink:
    """Writes the Docs with everything that the components set. `doc.user_data["row"]` holds the row as JSON."""

    def __init__(self, part: PartFile) -> None:
        from spacy.tokens import DocBin

        self._part = part
        self._docbin = DocBin(store_user_data=True)

    def write(self, rows: Sequence[Row], docs: Optional[bytes]) -> None:
        from spacy.tokens import DocBin
        from spacy.vocab import Vocab

        for doc, row in zip(DocBin(store_user_data=True).from_bytes(docs or b"").get_docs(Vocab()), rows):
            doc.user_data["row"] = to_json({name: value for name, value in row.items() if value != doc.text})
            self._docbin.add(doc)

    def close(self) -> None:
        self._part.write(self._docbin.to_bytes())


def make_sink(
    part: PartFile, format: Format, columns: Sequence[str], labels: Sequence[str], *, several: bool, csv_safe: bool
) -> Sink:
    """Make the writer of a part.

    Args:
        part: The file.
        format: The format.
        columns: The columns of CSV and Parquet.
        labels: All labels of the model.
        several: Whether a text can have more than one label.
        csv_safe: Write CSV in which no cell is taken for a formula.

    Raises:
        XltError: Parquet is written without pyarrow.
    """
    if format == "jsonl":
        return JsonlSink(part)
    if format == "csv":
        return CsvSink(part, columns, csv_safe)
    if format == "parquet":
        return ParquetSink(part, columns, labels, several)
    return DocBinSink(part)


def output_name(field: str) -> str:
    """Return the name of an input field in the output."""
    return f"input_{field}" if field in (*RESULTS, REASON) else field


def in_columns(row: Row, columns: Sequence[str]) -> list[Any]:
    """Return the values of a row in the order of the columns. OTHER holds the fields that have no column."""
    cells = list(map(row.get, columns))
    if columns[-1] == OTHER and (others := [name for name in row if name not in columns]):
        cells[-1] = {name: row[name] for name in others}
    return cells


def as_text(value: Any) -> Optional[str]:
    """Return a value as text. Numbers, lists and objects are written as JSON, other values as `str` does."""
    if value is None:
        return None
    if isinstance(value, (bool, int, float, list, tuple, dict)):
        return to_json(value)
    return replace_surrogates(str(value))

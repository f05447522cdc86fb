"""The rows of the output: the predictions, and the input fields that are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

from spacy_xlt.batch.chunks import Chunk
from spacy_xlt.batch.fields import Fields, Item
from spacy_xlt.batch.model import Prediction, Predictions
from spacy_xlt.batch.sinks import OTHER, RESULTS, Format, Row, output_name
from spacy_xlt.data.paths import Input
from spacy_xlt.data.rows import BadRecord
from spacy_xlt.model_folder import ModelFacts


@dataclass(frozen=True)
class Options:
    """What the output rows depend on besides model and input."""

    format: Format = "jsonl"
    keep: Optional[tuple[str, ...]] = None
    abstain_below: float = 0.0
    csv_safe: bool = False


class RowMaker:
    """Makes an output row from a record and its prediction."""

    def __init__(self, fields: Fields, facts: ModelFacts, options: Options) -> None:
        self._fields, self._facts, self._options = fields, facts, options
        self._names = {name: self._name(name) for name in fields.columns}

    def __call__(self, item: Item, result: Prediction) -> tuple[dict[str, Any], bool]:
        """Return the row, and whether its label was withheld."""
        abstained = result.score < self._options.abstain_below
        row = {
            "id": item.id,
            "language": result.language,
            "language_score": result.language_score,
            "label": None if abstained else result.label,
            "score": result.score,
            "probabilities": result.probabilities,
            "model": self._facts.name,
            "version": self._facts.version,
        }
        for name, value in item.row.items():
            written = self._names[name] if name in self._names else self._name(name)
            if written is not None:
                row[written] = value
        return row, abstained

    def _name(self, name: str) -> Optional[str]:
        """The name of an input field in the output; None if it is not kept."""
        return output_name(name) if self._passes(name) else None

    def _passes(self, name: str) -> bool:
        if name == "id" == self._fields.id:
            return False
        return self._options.keep is None or name in self._options.keep

    def columns(self, files: Optional[Sequence[Input]]) -> list[str]:
        """Return the columns of the output. Unless the input is one table, later records can have other fields."""
        names = [output_name(name) for name in self._fields.columns if self._passes(name)]
        fixed = files is not None and len(files) == 1 and files[0].kind in ("csv", "tsv", "parquet")
        return [*RESULTS, *names, *([] if fixed else [OTHER])]


def rows_of(chunk: Chunk, results: Predictions, make_row: RowMaker) -> tuple[list[Row], list[bool], list[BadRecord]]:
    """Return the rows of a chunk, whether the label of each was withheld, and the records without a prediction."""
    rows: list[Row] = []
    abstained: list[bool] = []
    bad = list(chunk.bad)
    for item, result in zip(chunk.items, results.of_texts):
        if isinstance(result, str):
            bad.append(BadRecord(item.location, result, item.text[:2000]))
        else:
            row, is_abstained = make_row(item, result)
            rows.append(row)
            abstained.append(is_abstained)
    return rows, abstained, bad

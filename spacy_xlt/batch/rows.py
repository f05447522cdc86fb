"""The rows of the output: the predictions, and the input fields that are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from spacy_xlt.batch.chunks import Chunk
from spacy_xlt.batch.fields import Fields, Item
from spacy_xlt.batch.model import Prediction, Predictions
from spacy_xlt.batch.sinks import CLASSIFICATION, ENTITIES, OTHER, REASON, RESULTS, Format, Row, output_name
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
    min_expected: float = 0.0


LOW_SCORE, LOW_EXPECTED, NO_ESTIMATE = "low score", "low expected accuracy", "no estimate"


class RowMaker:
    """Makes an output row from a record and its prediction.

    Args:
        fields: The fields of the input.
        facts: What is known of the model.
        options: What the rows depend on.
        expected: The expected accuracy in each language, for `options.min_expected`.
    """

    def __init__(
        self, fields: Fields, facts: ModelFacts, options: Options, expected: Optional[Mapping[str, float]] = None
    ) -> None:
        self._fields, self._facts, self._options = fields, facts, options
        self._expected = expected or {}
        self._names = {name: self._name(name) for name in fields.columns}

    def __call__(self, item: Item, result: Prediction) -> tuple[dict[str, Any], bool]:
        """Return the row, and whether its label was withheld."""
        reason = self._reason(result)
        row = {
            "id": item.id,
            "language": result.language,
            "language_score": result.language_score,
            **(self._classification(result, reason) if self._facts.classifies else {}),
            **({ENTITIES: result.entities} if self._facts.entities else {}),
            "model": self._facts.name,
            "version": self._facts.version,
            **({REASON: reason} if self._options.min_expected else {}),
        }
        for name, value in item.row.items():
            written = self._names[name] if name in self._names else self._name(name)
            if written is not None:
                row[written] = value
        return row, reason is not None

    @staticmethod
    def _classification(result: Prediction, reason: Optional[str]) -> dict[str, Any]:
        return {
            "label": None if reason else result.label,
            "score": result.score,
            "probabilities": result.probabilities,
        }

    def _reason(self, result: Prediction) -> Optional[str]:
        """Why the label is withheld; None if it is not."""
        if self._facts.classifies and result.score < self._options.abstain_below:
            return LOW_SCORE
        if not self._options.min_expected:
            return None
        expected = self._expected.get(result.language)
        if expected is None:
            return NO_ESTIMATE
        return LOW_EXPECTED if expected < self._options.min_expected else None

    def _name(self, name: str) -> Optional[str]:
        """The name of an input field in the output; None if it is not kept."""
        return self._output_name(name) if self._passes(name) else None

    def _output_name(self, name: str) -> str:
        return f"input_{name}" if name == ENTITIES and self._facts.entities else output_name(name)

    def _passes(self, name: str) -> bool:
        if name == "id" == self._fields.id:
            return False
        return self._options.keep is None or name in self._options.keep

    def columns(self, files: Optional[Sequence[Input]]) -> list[str]:
        """Return the columns of the output. Unless the input is one table, later records can have other fields."""
        names = [self._output_name(name) for name in self._fields.columns if self._passes(name)]
        fixed = files is not None and len(files) == 1 and files[0].kind in ("csv", "tsv", "parquet")
        reason = [REASON] if self._options.min_expected else []
        left_out = () if self._facts.classifies else CLASSIFICATION
        results = [name for name in RESULTS if name not in left_out] + ([ENTITIES] if self._facts.entities else [])
        return [*results, *reason, *names, *([] if fixed else [OTHER])]


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

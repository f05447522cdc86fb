"""The counts of a run, written as JSON and shown as a table."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from spacy_xlt.batch.expected import Estimator, add_sums
from spacy_xlt.batch.sinks import ENTITIES, REASON
from spacy_xlt.evaluation.expected import LanguageEstimate
from spacy_xlt.heads.confidence import ConfidenceSums
from spacy_xlt.languages import name as name_of
from spacy_xlt.text import strip_controls

LOW_CONFIDENCE = 0.5
# At most so many reasons are counted separately: errors of other packages can have any number of them.
MOST_REASONS = 50


@dataclass
class Summary:
    """The counts of a run.

    Attributes:
        documents: The documents that were classified.
        quarantined: The bad records.
        low_confidence: The documents with a score below 0.5.
        abstained: The documents whose label is null.
        languages: The documents of each language.
        labels: The documents of each label; those with entities of each type if the model does not classify texts.
        quarantine: The bad records of each reason.
        abstain_reasons: The documents whose label is null for each reason. Counted with `min_expected`.
        confidence: The sums over the predictions for each language. Empty for multilabel models.
        expected: The expected accuracy in each language, estimated from `confidence` at the end of the run.
    """

    documents: int = 0
    quarantined: int = 0
    low_confidence: int = 0
    abstained: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    quarantine: Counter[str] = field(default_factory=Counter)
    abstain_reasons: Counter[str] = field(default_factory=Counter)
    confidence: dict[str, ConfidenceSums] = field(default_factory=dict)
    expected: dict[str, LanguageEstimate] = field(default_factory=dict)

    def add_rows(self, rows: Sequence[Mapping[str, Any]], abstained: Sequence[bool], estimator: Estimator) -> None:
        """Count the rows of a chunk."""
        for row, is_abstained in zip(rows, abstained):
            self.add_row(row, is_abstained)
        sums = estimator.sums((row["language"], row["probabilities"]) for row in rows if "probabilities" in row)
        self.confidence = add_sums(self.confidence, sums)

    def add_row(self, row: Mapping[str, Any], abstained: bool) -> None:
        self.documents += 1
        self.low_confidence += row.get("score", 1.0) < LOW_CONFIDENCE
        self.abstained += abstained
        if row.get(REASON) is not None:
            self.abstain_reasons[row[REASON]] += 1
        self.languages[row["language"]] += 1
        label = row.get("label")
        for name in label if isinstance(label, list) else [label]:
            if name is not None:
                self.labels[name] += 1
        if "label" not in row:
            for name in {entity["label"] for entity in row[ENTITIES]}:
                self.labels[name] += 1

    def add_bad(self, reason: str) -> None:
        self.quarantined += 1
        kind = kind_of(reason)
        self.quarantine[kind if kind in self.quarantine or len(self.quarantine) < MOST_REASONS else "other"] += 1

    def to_dict(self) -> dict[str, Any]:
        """Return the counts in a fixed order, the highest first, and the sums or estimates of each language."""
        content: dict[str, Any] = {}
        for name, value in vars(self).items():
            if isinstance(value, Counter):
                content[name] = dict(sorted(value.items(), key=lambda item: (-item[1], item[0])))
            elif isinstance(value, dict):
                content[name] = {code: asdict(each) for code, each in sorted(value.items())}
            else:
                content[name] = value
        return content

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Summary":
        """Return the summary that `to_dict` returned, without the estimates."""
        values: dict[str, Any] = {
            name: Counter(value) if isinstance(value, dict) else value for name, value in content.items()
        }
        sums = content.get("confidence", {})
        values["confidence"] = {code: ConfidenceSums.from_dict(each) for code, each in sums.items()}
        values["expected"] = {}
        return cls(**values)


def join(summaries: Iterable[Summary]) -> Summary:
    """Return the sum of several summaries, without estimates."""
    total = Summary()
    for each in summaries:
        for name, value in vars(each).items():
            if name == "confidence":
                total.confidence = add_sums(total.confidence, value)
            elif name != "expected":
                setattr(total, name, getattr(total, name) + value)
    return total


def kind_of(reason: str) -> str:
    """Return a reason without the parts that differ between records."""
    plain = re.sub(r"'[^']*'|\"[^\"]*\"", "...", reason)
    return re.sub(r"\d+", "N", re.split(r"[(:;]", plain)[0]).strip()


def print_table(summary: Summary, out: Any) -> None:
    """Print the summary as a table to a text file."""
    from rich.console import Console
    from rich.table import Table

    table = Table("what", "documents", "share")
    table.columns[1].justify = table.columns[2].justify = "right"

    # Records in quarantine are not among the documents.
    records = summary.documents + summary.quarantined

    def add(what: str, count: int, of: int = summary.documents) -> None:
        share = f"{count / of:.1%}" if of else ""
        table.add_row(strip_controls(what), f"{count:,}", share)

    content = summary.to_dict()
    add("classified", summary.documents)
    for code, count in list(content["languages"].items())[:20]:
        add(f"  language {name_of(code)} ({code}){_expected(summary, code)}", count)
    for label, count in list(content["labels"].items())[:20]:
        add(f"  label {label}", count)
    add(f"low confidence (score < {LOW_CONFIDENCE})", summary.low_confidence)
    add("abstained (label null)", summary.abstained)
    for reason, count in content["abstain_reasons"].items():
        add(f"  {reason}", count)
    add("in quarantine", summary.quarantined, records)
    for reason, count in list(content["quarantine"].items())[:10]:
        add(f"  {reason}", count, records)
    Console(file=out).print(table, markup=False)


def _expected(summary: Summary, code: str) -> str:
    """The expected accuracy of a language, for its row of the table."""
    estimate = summary.expected.get(code)
    if estimate is None or estimate.accuracy is None or estimate.interval is None:
        return ""
    low, high = estimate.interval
    return f", expected accuracy {estimate.accuracy:.2f} ({low:.2f}-{high:.2f})"

"""The result of a function that changes a model."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from spacy_xlt.data.records import Record


@dataclass
class Result:
    """What a method did to a model, and whether the new model was accepted.

    The result is also appended to `nlp.meta["xlt_transfer"]`, which is saved in the model's meta.json.

    Attributes:
        method: The name of the method, such as `few-shot`.
        accepted: Whether the new model was accepted. If it was rejected, the pipeline did not change.
        reason: What was compared, in a sentence.
        settings: The settings that were given or chosen.
        data: {name: {texts, sha256}} of the data that were used.
        metrics: {language: {n, before, after}}: the number of development texts and the accuracies on them. Empty
            without development data.
        notes: Warnings, in sentences.
    """

    method: str
    accepted: bool
    reason: str
    settings: dict[str, Any]
    data: dict[str, dict[str, Any]] = field(default_factory=dict)
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as a dictionary that can be written as JSON."""
        return asdict(self)

    def __str__(self) -> str:
        rows = [
            f"  {language}: {figures['before']:.3f} -> {figures['after']:.3f} ({figures['n']} development texts)"
            for language, figures in self.metrics.items()
        ]
        state = "accepted" if self.accepted else "rejected"
        return "\n".join([f"{self.method}: {state}. {self.reason}", *rows, *self.notes])

    def _repr_html_(self) -> str:
        """Return the result as HTML for a notebook."""
        rows = "".join(
            f"<tr><td>{escape(language)}</td><td>{figures['before']:.3f}</td><td>{figures['after']:.3f}</td>"
            f"<td>{figures['n']}</td></tr>"
            for language, figures in self.metrics.items()
        )
        head = "<tr><th>language</th><th>before</th><th>after</th><th>texts</th></tr>"
        table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if rows else ""
        state = "accepted" if self.accepted else "rejected"
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return f"<p><b>{escape(self.method)}</b>: {state}. {escape(self.reason)}</p>{table}" + (
            f"<ul>{notes}</ul>" if notes else ""
        )


def fingerprint(records: Sequence[Record]) -> dict[str, Any]:
    """Return {texts, sha256}: the number of records, and a hash of their languages, labels and texts in order."""
    digest = hashlib.sha256()
    for record in records:
        digest.update("\x1f".join([record.language, *record.labels, record.all_text, "\x1e"]).encode("utf8"))
    return {"texts": len(records), "sha256": digest.hexdigest()}


def fingerprint_texts(texts: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the `fingerprint` of unlabeled texts {language: texts}, sorted by language."""
    return fingerprint([Record(text, (), language, "") for language in sorted(texts) for text in texts[language]])

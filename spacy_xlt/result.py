"""What a function that changes a model did, and whether the change was kept."""

from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any


@dataclass
class Result:
    """What a transfer method did. It is also in `nlp.meta["xlt_transfer"]`, which is saved as meta.json.

    Attributes:
        method: The function's name, such as `few-shot`.
        accepted: Whether the new model was kept; if not, the pipeline is as it was.
        reason: Why, in a sentence.
        settings: What was given or chosen.
        data: {name: {texts, sha256}} of the data that was used.
        metrics: {language: {n, before, after}}: accuracies on development texts; empty without such texts.
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
        """Return the result as JSON types."""
        return asdict(self)

    def __str__(self) -> str:
        rows = [
            f"  {language}: {figures['before']:.3f} -> {figures['after']:.3f} ({figures['n']} development texts)"
            for language, figures in self.metrics.items()
        ]
        state = "accepted" if self.accepted else "rejected"
        return "\n".join([f"{self.method}: {state}. {self.reason}", *rows, *self.notes])

    def _repr_html_(self) -> str:
        """Return the result as a notebook shows it."""
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

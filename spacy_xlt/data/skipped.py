"""Counting what a reader leaves out of a file, with the location of the first."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Optional


@dataclass
class Skipped:
    """The lines of a file that could not be used: how many for each reason, and where the first one is."""

    reasons: Counter[str] = field(default_factory=Counter)
    first: Optional[str] = None

    @property
    def count(self) -> int:
        return sum(self.reasons.values())

    def add(self, location: str, reason: str, detail: str = "") -> None:
        """Count a line. detail: the reason in the words of this one line, if it says more than the reason."""
        self.reasons[reason] += 1
        if self.first is None:
            self.first = f"{location}: {detail or reason}"

    def to_dict(self) -> dict[str, Any]:
        return {"count": self.count, "reasons": dict(self.reasons.most_common()), "first": self.first}

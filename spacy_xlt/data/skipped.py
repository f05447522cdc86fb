"""Counts of the lines that a reader leaves out."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Optional


@dataclass
class Skipped:
    """The lines of a file that cannot be used: the number for each reason, and the location of the first."""

    reasons: Counter[str] = field(default_factory=Counter)
    first: Optional[str] = None

    @property
    def count(self) -> int:
        return sum(self.reasons.values())

    def add(self, location: str, reason: str, detail: str = "") -> None:
        """Count a line.

        Args:
            location: Where the line is.
            reason: Why it cannot be used. Lines with the same reason are counted together.
            detail: A more detailed reason, which is shown for the first line.
        """
        self.reasons[reason] += 1
        if self.first is None:
            self.first = f"{location}: {detail or reason}"

    def to_dict(self) -> dict[str, Any]:
        return {"count": self.count, "reasons": dict(self.reasons.most_common()), "first": self.first}

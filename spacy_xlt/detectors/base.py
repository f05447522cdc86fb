"""What a language detector is."""

from collections.abc import Sequence
from typing import Optional, Protocol, runtime_checkable

Candidates = list[tuple[str, float]]


@runtime_checkable
class Detector(Protocol):
    """A language-detection back end, registered in `xlt_detectors`."""

    def detect(self, texts: Sequence[str], languages: Optional[Sequence[str]] = None) -> list[Candidates]:
        """Return for each text the base codes and probabilities of its languages, the best first.

        languages: the base codes that can occur; they enter the probabilities as a prior. None: all.
        A text without a letter gets an empty list. Same text, same answer: in any order, process and thread.
        """
        ...

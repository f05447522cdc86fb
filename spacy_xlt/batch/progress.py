"""The progress bar of a run: documents, documents per second, remaining time, errors."""

from collections.abc import Callable
from typing import Any, Optional

from spacy_xlt.batch.summary import Summary
from spacy_xlt.progress import progress_bar


class Progress:
    """A progress bar. The number of documents is unknown; it is estimated from the share of bytes that were read.

    Args:
        done: The counts of the finished parts.
        total: The bytes of all inputs; None if unknown.
        read: Returns the bytes that were read so far; None if unknown.
        hide: Show no bar.
    """

    def __init__(self, done: Summary, total: Optional[int], read: Optional[Callable[[], int]], *, hide: bool) -> None:
        self._total, self._read = total, read
        self._errors = done.quarantined
        self._bar = progress_bar(title="Classifying", unit="text", initial=done.documents, show=not hide)

    def add(self, documents: int, errors: int) -> None:
        self._errors += errors
        if self._total and self._read and (read := self._read()):
            self._bar.total = max(self._bar.n + documents, int((self._bar.n + documents) * self._total / read))
        self._bar.set_postfix(errors=self._errors, refresh=False)
        self._bar.update(documents)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.close()

"""The interface of zero-shot scorers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Optional, Protocol, runtime_checkable

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.zeroshot.labels import DescribedLabel

Encode = Callable[[Sequence[str]], Floats2d]


@runtime_checkable
class ZeroShotScorer(Protocol):
    """Scores texts for labels that are described in words. Back ends are registered in `xlt_zeroshot_scorers`.

    Attributes:
        labels: The names of the labels, in the order of the probabilities. Empty until `describe` or `load`.
        reads_vectors: Whether it reads projected embeddings. If false, it reads the texts.
    """

    labels: list[str]
    reads_vectors: bool

    def config(self) -> dict[str, Any]:
        """Return the config block that makes such a scorer, without what `to_disk` writes."""
        ...

    def describe(self, labels: Sequence[DescribedLabel], encode: Encode, none_label: Optional[str] = None) -> None:
        """Take the labels.

        Args:
            labels: At least two labels.
            encode: Returns the embeddings [n, d] of texts, for scorers that need them.
            none_label: The name of an additional label for texts that belong to none of the others.
        """
        ...

    def probabilities(self, texts: Sequence[str], vectors: Optional[Floats2d]) -> Floats2d:
        """Return the probabilities [n, labels] of texts.

        Args:
            texts: The texts, [n].
            vectors: Their projected embeddings [n, d]; None if the scorer does not read vectors.
        """
        ...

    def load(self, folder: Path) -> None:
        """Load what `to_disk` has written. Raises XltError if it is missing or damaged."""
        ...

    def to_disk(self, folder: Path) -> None:
        """Write the labels, and what they are scored with, to a folder."""
        ...

    def to_bytes(self) -> bytes:
        """Return what `to_disk` writes."""
        ...

    def from_bytes(self, data: bytes) -> None:
        """Load what `to_bytes` has returned."""
        ...

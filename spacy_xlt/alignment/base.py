"""What an aligner is."""

from collections.abc import Mapping, Sequence
from typing import Optional, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, Floats
from spacy_xlt.errors import XltError

# {language: [(row of the language, row of the source), ...]}
Pairs = Mapping[str, Sequence[tuple[int, int]]]


@runtime_checkable
class Aligner(Protocol):
    """A way to bring languages into the space of a source language, registered in `xlt_aligners`."""

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """Return a map into the source's space for every language of `embeddings`; the source's is the identity.

        embeddings: {language: [n, d]}, the source among them. A language may be given by one row, its mean.
        pairs: for aligners that learn from translations; rows of the language and of the source.
        Raises XltError for a missing source, an empty language, different widths, NaN.
        """
        ...


def check_embeddings(embeddings: Mapping[str, NDArray[np.float32]], source: str) -> int:
    """Return the common width of the embeddings; raise XltError as `Aligner.fit` says."""
    if source not in embeddings:
        raise XltError(f"The source language '{source}' has no embeddings to align with.")
    width = int(np.asarray(embeddings[source]).shape[-1])
    for language, rows in embeddings.items():
        if rows.ndim != 2 or rows.shape[0] == 0:
            raise XltError(f"There is no text of language '{language}' to fit the projection on.")
        if rows.shape[1] != width:
            raise XltError(
                f"The embeddings of '{language}' have {rows.shape[1]} dimensions, those of '{source}' {width}: "
                "they come from different encoders."
            )
        if not np.isfinite(rows).all():
            raise XltError(f"The embeddings of '{language}' hold NaN or infinite values.")
    return width


def pooled_mean(means: Mapping[str, Floats]) -> Floats:
    """The unweighted mean [d] of the languages' means: what stands for a language without texts."""
    rows = np.array([means[language] for language in sorted(means)], dtype=np.float64)
    return np.asarray(rows.mean(axis=0), dtype=np.float32)

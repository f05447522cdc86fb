"""What an aligner is."""

from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional, Protocol, Union, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, Floats, identity
from spacy_xlt.errors import XltError

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
# {language: [(row of the language, row of the source), ...]}, or an array [n, 2] of them
Pairs = Mapping[str, Union[Sequence[tuple[int, int]], NDArray[Any]]]


@runtime_checkable
class Aligner(Protocol):
    """A way to bring languages into the space of a source language, registered in `xlt_aligners`.

    needs_pairs: it learns from translations, and raises XltError where there are none.
    """

    needs_pairs: bool

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


def fit_each(
    embeddings: Mapping[str, NDArray[np.float32]], source: str, fit_one: Callable[[str], AffineMap]
) -> dict[str, AffineMap]:
    """The maps of an aligner that fits one language at a time: `fit_one(language)`, and the identity for the source."""
    width = check_embeddings(embeddings, source)
    others = sorted(set(embeddings) - {source})
    return {source: identity(width), **{language: fit_one(language) for language in others}}


def usable_pairs(
    embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs], language: str, aligner: str
) -> Integers:
    """The pairs [p, 2] of a language in the order of its rows: each once, none with a row of zeros (a blank text).

    Raises XltError, in the name of `aligner`, for a language without pairs and for rows that do not exist.
    """
    given = np.asarray([] if pairs is None else pairs.get(language, []))
    if given.size == 0:
        raise XltError(
            f"{aligner} learns from translations and has none of '{language}': give pairs of its rows and rows of "
            f"'{source}', or take an aligner that needs none (spacy-xlt.AnchoredCentering.v1)."
        )
    if given.ndim != 2 or given.shape[1] != 2 or not np.issubdtype(given.dtype, np.integer):
        raise XltError(
            f"The pairs of '{language}' are no whole numbers [n, 2]: give (row of '{language}', row of '{source}')."
        )
    rows = np.unique(given.astype(np.int64), axis=0)
    for side, column in ((language, rows[:, 0]), (source, rows[:, 1])):
        n = len(embeddings[side])
        outside = column[(column < 0) | (column >= n)]
        if len(outside):
            raise XltError(f"The pairs of '{language}' name row {outside[0]} of '{side}', which has {n} rows.")
    filled = embeddings[language][rows[:, 0]].any(axis=1) & embeddings[source][rows[:, 1]].any(axis=1)
    if not filled.any():
        raise XltError(f"All pairs of '{language}' have a row of zeros: their texts or words are blank or unknown.")
    return rows[filled]


def paired_rows(
    embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs], language: str, aligner: str
) -> tuple[Doubles, Doubles]:
    """The two sides of `usable_pairs`: rows of the language [p, d] and their translations [p, d]."""
    rows = usable_pairs(embeddings, source, pairs, language, aligner)
    return embeddings[language][rows[:, 0]].astype(np.float64), embeddings[source][rows[:, 1]].astype(np.float64)


def row_lengths(rows: NDArray[Any]) -> NDArray[Any]:
    """The length of each row [n], 1 for rows of zeros: to divide by."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    lengths[lengths == 0] = 1
    return np.asarray(lengths)

"""The interface of aligners, and the checks that they share."""

from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional, Protocol, Union, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, Floats, identity
from spacy_xlt.errors import XltError

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
# For each language, pairs (row of the language, row of the source), as a list or an array [n, 2].
Pairs = Mapping[str, Union[Sequence[tuple[int, int]], NDArray[Any]]]


@runtime_checkable
class Aligner(Protocol):
    """Maps languages into the space of a source language. Implementations are registered in `xlt_aligners`.

    Attributes:
        needs_pairs: Whether the aligner learns from translations. If so, `fit` raises XltError without them.
    """

    needs_pairs: bool

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """Fit a map into the space of the source language for every language.

        Args:
            embeddings: The embeddings `[n, d]` of each language, including the source. A single row is the mean of a
                language.
            source: The source language.
            pairs: The translations of each language, for aligners that learn from them: pairs (row of the language,
                row of the source).

        Returns:
            The map of each language. The map of the source is the identity.

        Raises:
            XltError: The source is missing, a language has no rows, the widths differ, values are not finite, or the
                aligner needs pairs and a language has none.
        """
        ...


def check_embeddings(embeddings: Mapping[str, NDArray[np.float32]], source: str) -> int:
    """Check embeddings as `Aligner.fit` promises, and return their common width."""
    if source not in embeddings:
        raise XltError(f"The source language '{source}' has no embeddings. Add texts in that language.")
    width = int(np.asarray(embeddings[source]).shape[-1])
    for language, rows in embeddings.items():
        if rows.ndim != 2 or rows.shape[0] == 0:
            raise XltError(
                f"There is no text of language '{language}' to fit on. Add texts, or leave the language out."
            )
        if rows.shape[1] != width:
            raise XltError(
                f"The embeddings of '{language}' have {rows.shape[1]} dimensions, those of '{source}' {width}. "
                "Use the same encoder for both."
            )
        if not np.isfinite(rows).all():
            raise XltError(f"The embeddings of '{language}' contain NaN or infinite values. Remove those rows.")
    return width


def pooled_mean(means: Mapping[str, Floats]) -> Floats:
    """Return the unweighted mean `[d]` of the means of the languages. It represents a language without texts."""
    rows = np.array([means[language] for language in sorted(means)], dtype=np.float64)
    return np.asarray(rows.mean(axis=0), dtype=np.float32)


def fit_each(
    embeddings: Mapping[str, NDArray[np.float32]], source: str, fit_one: Callable[[str], AffineMap]
) -> dict[str, AffineMap]:
    """Fit one language at a time.

    Args:
        embeddings: The embeddings `[n, d]` of each language.
        source: The source language. Its map is the identity.
        fit_one: Fits the map of a language.
    """
    width = check_embeddings(embeddings, source)
    others = sorted(set(embeddings) - {source})
    return {source: identity(width), **{language: fit_one(language) for language in others}}


def usable_pairs(
    embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs], language: str, aligner: str
) -> Integers:
    """Return the distinct pairs of a language, without pairs that have a row of zeros (a blank text).

    Args:
        embeddings: The embeddings `[n, d]` of each language.
        source: The source language.
        pairs: The translations of each language.
        language: The language.
        aligner: The name of the aligner, for error messages.

    Returns:
        The pairs `[p, 2]`, sorted by their rows.

    Raises:
        XltError: The language has no pairs, a row does not exist, or all pairs have a row of zeros.
    """
    given = np.asarray([] if pairs is None else pairs.get(language, []))
    if given.size == 0:
        raise XltError(
            f"{aligner} learns from translations, but '{language}' has none. Pass pairs of its rows and rows of "
            f"'{source}', or use an aligner that needs no pairs, such as spacy-xlt.AnchoredCentering.v1."
        )
    if given.ndim != 2 or given.shape[1] != 2 or not np.issubdtype(given.dtype, np.integer):
        raise XltError(
            f"The pairs of '{language}' are not integers [n, 2]. Pass (row of '{language}', row of '{source}')."
        )
    rows = np.unique(given.astype(np.int64), axis=0)
    for side, column in ((language, rows[:, 0]), (source, rows[:, 1])):
        n = len(embeddings[side])
        outside = column[(column < 0) | (column >= n)]
        if len(outside):
            raise XltError(f"A pair of '{language}' has the row {outside[0]} of '{side}', which has {n} rows.")
    filled = embeddings[language][rows[:, 0]].any(axis=1) & embeddings[source][rows[:, 1]].any(axis=1)
    if not filled.any():
        raise XltError(
            f"All pairs of '{language}' have a row of zeros, as blank texts and unknown words do. Add other pairs."
        )
    return rows[filled]


def paired_rows(
    embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs], language: str, aligner: str
) -> tuple[Doubles, Doubles]:
    """Return the two sides of `usable_pairs`: the rows of the language `[p, d]` and their translations `[p, d]`."""
    rows = usable_pairs(embeddings, source, pairs, language, aligner)
    return embeddings[language][rows[:, 0]].astype(np.float64), embeddings[source][rows[:, 1]].astype(np.float64)


def row_lengths(rows: NDArray[Any]) -> NDArray[Any]:
    """Return the length `[n]` of each row to divide by. It is 1 for a row of zeros."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    lengths[lengths == 0] = 1
    return np.asarray(lengths)

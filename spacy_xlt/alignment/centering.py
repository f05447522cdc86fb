"""Anchored centering: subtract the mean of a language and add the mean of the source language."""

from collections.abc import Mapping
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, identity
from spacy_xlt.alignment.base import Pairs, check_embeddings, pooled_mean
from spacy_xlt.errors import XltError


class AnchoredCentering:
    """`spacy-xlt.AnchoredCentering.v1`: y = x - mu_language + mu_source.

    The mean of the embeddings of a language is mostly its language bias. It is estimated from n texts with shrinkage
    towards the pooled mean (the mean of the means of the languages):

        mu = (n mean + k pooled) / (n + k)

    Args:
        shrinkage: k, a number of texts. A language with k texts gives its own mean and the pooled mean equal weight.

    References:
        Libovický et al. (2020), On the Language Neutrality of Pre-trained Multilingual Representations, section 3
        (centering). James and Stein (1961), Estimation with Quadratic Loss (shrinkage).
    """

    needs_pairs = False

    def __init__(self, shrinkage: float = 10.0) -> None:
        if shrinkage < 0:
            raise XltError(f"AnchoredCentering: shrinkage is {shrinkage}. It must be at least 0.")
        self.shrinkage = shrinkage

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`. `pairs` are not used."""
        width = check_embeddings(embeddings, source)
        means = {language: rows.mean(axis=0, dtype=np.float64) for language, rows in embeddings.items()}
        pooled = pooled_mean(means)
        maps = {source: identity(width)}
        for language in sorted(set(embeddings) - {source}):
            n = len(embeddings[language])
            mean = (n * means[language] + self.shrinkage * pooled) / (n + self.shrinkage)
            maps[language] = AffineMap(mean.astype(np.float32), means[source].astype(np.float32))
        return maps

"""Anchored centering: remove what every text of a language has in common, put back what the source has."""

from collections.abc import Mapping
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, identity
from spacy_xlt.alignment.base import Pairs, check_embeddings, pooled_mean
from spacy_xlt.errors import XltError


class AnchoredCentering:
    """`spacy-xlt.AnchoredCentering.v1`: y = x - mu_language + mu_source.

    The mean of a language's embeddings is mostly its language bias (Libovicky et al. 2020, "On the Language Neutrality
    of Pre-trained Multilingual Representations", section 3: centering). From n texts it is estimated with shrinkage
    towards the mean of the languages' means,

        mu = (n mean + k pooled) / (n + k),

    the posterior mean of a normal model with equal variances (James & Stein 1961).

    shrinkage: k, in texts: with so many texts the language's own mean and the pooled one weigh the same.
    """

    needs_pairs = False

    def __init__(self, shrinkage: float = 10.0) -> None:
        if shrinkage < 0:
            raise XltError(f"AnchoredCentering: shrinkage is a number of texts, not {shrinkage}.")
        self.shrinkage = shrinkage

    def fit(
        self, embeddings: Mapping[str, NDArray[np.float32]], source: str, pairs: Optional[Pairs] = None
    ) -> dict[str, AffineMap]:
        """See `Aligner.fit`; `pairs` are not used."""
        width = check_embeddings(embeddings, source)
        means = {language: rows.mean(axis=0, dtype=np.float64) for language, rows in embeddings.items()}
        pooled = pooled_mean(means)
        maps = {source: identity(width)}
        for language in sorted(set(embeddings) - {source}):
            n = len(embeddings[language])
            mean = (n * means[language] + self.shrinkage * pooled) / (n + self.shrinkage)
            maps[language] = AffineMap(mean.astype(np.float32), means[source].astype(np.float32))
        return maps

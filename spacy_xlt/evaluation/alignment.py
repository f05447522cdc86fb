"""Metrics of how well the embeddings of two languages are aligned. Shares are numbers from 0 to 1."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.retrieval import hubness, mean_csls, nearest
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.lexicon import induce_lexicon

HUBNESS_K = 10
FOLDS = 5
CHANCE = 0.5


def sentence_figures(source: Floats, target: Floats, pairs: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Measure how often the nearest sentence in the other language is a translation, in both directions.

    If a sentence has several translations, each of them is correct.

    Args:
        source: The embeddings of distinct source sentences, `[n, d]`.
        target: The embeddings of distinct target sentences, `[m, d]`.
        pairs: The translations: pairs (source row, target row).

    Returns:
        {"pairs": their number, "cosine": {"from_source": share, "to_source": share}, "csls": the same}.

    Raises:
        XltError: There are no pairs.

    References:
        Artetxe and Schwenk (2019), Massively Multilingual Sentence Embeddings for Zero-Shot Cross-Lingual Transfer and
        Beyond, section 4.4 (similarity search on Tatoeba).
    """
    from_source = induce_lexicon(source, target, pairs)
    to_source = induce_lexicon(target, source, [(row, source_row) for source_row, row in pairs])
    return {
        "pairs": len(pairs),
        **{
            metric: {"from_source": from_source[metric]["p@1"], "to_source": to_source[metric]["p@1"]}
            for metric in ("cosine", "csls")
        },
    }


def space_figures(source: Floats, target: Floats) -> dict[str, float]:
    """Measure two spaces without translations.

    Args:
        source: The source embeddings, `[n, d]`.
        target: The target embeddings, `[m, d]`.

    Returns:
        {"mean_csls", "hubness"}. Higher is better for the mean CSLS of the mutual nearest neighbors (0 without any; see
        `retrieval.mean_csls`). Lower is better for the hubness of the target rows among the 10 nearest neighbors of
        the source rows (see `retrieval.hubness`).

    Raises:
        XltError: The embeddings contain NaN, have no rows, or differ in width.
    """
    score = mean_csls(source, target)
    indices, _ = nearest(source, target, min(HUBNESS_K, len(target)), metric="cosine")
    return {"mean_csls": score if np.isfinite(score) else 0.0, "hubness": hubness(indices, len(target))}


def separability(source: Floats, target: Floats, *, seed: int = 0) -> float:
    """Return the accuracy of a linear probe that predicts the language from the embedding.

    0.5 is chance, and lower is better. The probe is a logistic regression on standardized embeddings, evaluated by
    5-fold cross-validation. It also picks up differences in topic, so compare texts of the same kind, ideally
    translations.

    Args:
        source: The source embeddings, `[n, d]`.
        target: The target embeddings, `[m, d]`. The larger side is cut to the number of rows of the smaller one.
        seed: The seed of the folds.

    Raises:
        XltError: A side has fewer than 5 rows, or scikit-learn is not installed.

    References:
        Libovický et al. (2020), On the Language Neutrality of Pre-trained Multilingual Representations (language
        identification).
    """
    if find_spec("sklearn") is None:
        raise XltError(
            "Language separability needs scikit-learn, which is not installed. Run: pip install 'spacy-xlt[train]'"
        )
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    n = min(len(source), len(target))
    if n < FOLDS:
        raise XltError(f"Language separability needs at least {FOLDS} texts of each language, but a language has {n}.")
    rows, languages = np.concatenate([source[:n], target[:n]]), np.repeat([0, 1], n)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return float(cross_val_score(probe, rows, languages, cv=folds).mean())


def text_figures(source: Floats, target: Floats) -> dict[str, float]:
    """Measure texts that are not translations: `space_figures`, "separability", and its "chance" level."""
    return {**space_figures(source, target), "separability": separability(source, target), "chance": CHANCE}

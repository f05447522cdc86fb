"""How well two languages lie together in one space: rows of embeddings in, plain numbers out.

Shares are from 0 to 1. `evaluation.lexicon` has the retrieval that words and sentences share.
"""

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
    """Find each sentence's translation, both ways (Artetxe & Schwenk 2019 on Tatoeba).

    source: [n, d] and target: [m, d], different sentences; pairs: (source row, target row) that mean the same. Where a
    sentence has several translations, each of them is right. Returns {"pairs", "cosine": {"from_source", "to_source"},
    "csls": the same}: the shares of sentences whose nearest one is a translation. Raises XltError without a pair.
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
    """{"mean_csls", "hubness"} of source [n, d] and target [m, d]: they need no translations.

    mean_csls: of the mutual nearest neighbours, higher is better (0 without any); see `retrieval.mean_csls`.
    hubness: of the target rows as the 10 nearest of the source rows, lower is better; see `retrieval.hubness`.
    Raises XltError for NaN, no rows, different widths.
    """
    score = mean_csls(source, target)
    indices, _ = nearest(source, target, min(HUBNESS_K, len(target)), metric="cosine")
    return {"mean_csls": score if np.isfinite(score) else 0.0, "hubness": hubness(indices, len(target))}


def separability(source: Floats, target: Floats, *, seed: int = 0) -> float:
    """The accuracy of a linear probe that tells the language from the embedding: 0.5 is chance, and lower is better.

    A logistic regression on standardised embeddings, the mean of 5 folds (as Libovicky et al. 2020 probe for the
    language). Of the larger side only as many rows count as the smaller one has. Texts of different subjects are told
    apart by those as well: compare languages on texts of one kind, best on translations.
    Raises XltError for fewer than 5 rows of a side, and where scikit-learn is not installed.
    """
    if find_spec("sklearn") is None:
        raise XltError("Language separability needs scikit-learn. Install with: pip install 'spacy-xlt[train]'")
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    n = min(len(source), len(target))
    if n < FOLDS:
        raise XltError(f"Language separability needs at least {FOLDS} texts of each language, there are {n}.")
    rows, languages = np.concatenate([source[:n], target[:n]]), np.repeat([0, 1], n)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return float(cross_val_score(probe, rows, languages, cv=folds).mean())


def text_figures(source: Floats, target: Floats) -> dict[str, float]:
    """`space_figures`, "separability" and its "chance": what can be measured on texts without translations."""
    return {**space_figures(source, target), "separability": separability(source, target), "chance": CHANCE}

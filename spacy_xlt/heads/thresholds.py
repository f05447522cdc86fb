"""From probabilities to labels where labels do not exclude each other: one threshold for all, or one for each label."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.heads.losses import Floats

DEFAULT = 0.5
# Thresholds that are tried, as log-odds, and the width over which a text counts in part (see `choose_thresholds`).
TRIED = np.linspace(-4.0, 2.0, 61)
WIDTH = 0.3
# Of thresholds whose F1 differs by less, the one nearest to .5 is taken.
TIE = 1e-3
# Development texts with a label that it takes to choose its threshold.
FEWEST = 2


def read_thresholds(cfg: Mapping[str, Any], labels: Sequence[str]) -> Floats:
    """The thresholds [labels] of a text categorizer.

    `threshold` is spaCy's: one number for all labels. Where it is null, `thresholds` names one for each label; a label
    without one has .5, as in spaCy.

    Args:
        cfg: what the component keeps in its file `cfg`.
        labels: the order of the result.
    """
    one = cfg.get("threshold")
    each = cfg.get("thresholds") or {}
    return np.array([one if one is not None else each.get(label, DEFAULT) for label in labels], dtype=np.float64)


def labels_above(cats: Mapping[str, float], cfg: Mapping[str, Any], labels: Sequence[str]) -> list[str]:
    """The labels of a text categorizer whose probability in `doc.cats` reaches their threshold."""
    return [label for label, least in zip(labels, read_thresholds(cfg, labels)) if cats[label] >= least]


def choose_thresholds(probabilities: NDArray[np.floating], gold: NDArray[np.floating]) -> list[float]:
    """The threshold of each label with the best F1 on development texts.

    The F1 is smoothed: a text near the threshold counts in part, by a logistic function of its distance in log-odds.
    So a threshold depends on more texts than the one or two next to it. A label with fewer than two development texts
    keeps .5.

    Args:
        probabilities: [n, labels].
        gold: [n, labels], 1 where a text has a label.
    """
    clipped = np.clip(probabilities.astype(np.float64), 1e-9, 1 - 1e-9)
    log_odds = np.log(clipped) - np.log1p(-clipped)
    return [_best_threshold(*column) for column in zip(log_odds.T, np.asarray(gold, dtype=np.float64).T)]


def _best_threshold(log_odds: Floats, gold: Floats) -> float:
    if gold.sum() < FEWEST:
        return DEFAULT
    chosen = 1.0 / (1.0 + np.exp(-((log_odds[:, None] - TRIED) / WIDTH).clip(-50.0, 50.0)))
    f1 = 2.0 * (gold @ chosen) / (chosen.sum(axis=0) + gold.sum())
    as_good = TRIED[f1 >= f1.max() - TIE]
    return round(float(1.0 / (1.0 + np.exp(-as_good[np.abs(as_good).argmin()]))), 3)

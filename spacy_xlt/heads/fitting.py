"""Fitting a linear head exactly, its L2 penalty chosen on development texts."""

from typing import NamedTuple, Optional

import numpy as np

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.logistic import L2_PATH, fit_path
from spacy_xlt.heads.losses import Floats, cross_entropy, log_probabilities
from spacy_xlt.heads.temperature import fit_temperature

# The path of penalties ends where the loss on the development texts has risen so often.
RISES = 2


class Labeled(NamedTuple):
    """Texts as arrays: features [n, d], gold [n, labels] and which of its values are known [n, labels] (None: all)."""

    features: Floats2d
    gold: Floats
    known: Optional[Floats] = None


class Fit(NamedTuple):
    """A layer and its L2 penalty."""

    layer: Layer
    l2: float


def fit_head(train: Labeled, dev: Labeled, *, exclusive: bool) -> Fit:
    """Fit the layer, with the strongest L2 penalty whose loss on the development texts is hardly above the lowest one.

    Stronger penalties transfer better to other languages: see `one_standard_error_rule`. Losses are compared at the
    best temperature of each.
    A strong penalty makes probabilities less sure than they are right; without the temperature, a weak one would be
    taken for that alone. What is divided by it is the difference of the scores to those of the labels' shares.

    An empty text, whose vector is zero, is learned as well: it has each label to the label's share. Otherwise its
    probabilities would be anything, because no text is near it.

    Raises:
        XltError: the layer is no better there than the shares of the labels: it learned nothing.
    """
    features = np.r_[train.features, np.zeros_like(train.features[:1])]
    share = shares(train)
    prior = prior_scores(share, exclusive)
    gold = np.r_[train.gold, share[None]]
    known = None if train.known is None else np.r_[train.known, np.ones_like(train.known[:1])]
    fits: list[Fit] = []
    losses: list[Floats] = []
    for l2, layer in zip(L2_PATH, fit_path(features, gold, known=known, exclusive=exclusive)):
        scores = layer(dev.features).astype(np.float64)
        temperature = fit_temperature(scores, dev.gold, known=dev.known, center=prior, exclusive=exclusive)
        losses.append(losses_of(prior + (scores - prior) / temperature, dev, exclusive))
        bias = prior + (layer.bias - prior) / temperature
        fits.append(Fit(Layer(layer.weight / np.float32(temperature), bias.astype(np.float32)), l2))
        best = int(np.argmin([each.sum() for each in losses]))
        if len(losses) - 1 - best == RISES:
            break
    check_learned(losses[best], train, dev, exclusive=exclusive)
    return fits[one_standard_error_rule(np.array(losses))]


def one_standard_error_rule(losses: Floats) -> int:
    """The first candidate whose loss is within a standard error of the best one's (Breiman et al. 1984, the 1-SE rule).

    losses: [candidates, n], the most cautious candidate first; the error is that of the paired differences.
    """
    behind = losses - losses[losses.sum(axis=1).argmin()]
    error = behind.std(axis=1) * np.sqrt(behind.shape[1])
    return int(np.flatnonzero(behind.sum(axis=1) <= error)[0])


def shares(train: Labeled) -> Floats:
    """The share of the texts that have each label [labels], with one more text each for yes and for no."""
    known = np.ones_like(train.gold) if train.known is None else train.known
    return np.asarray(((train.gold * known).sum(axis=0) + 1.0) / (known.sum(axis=0) + 2.0))


def prior_scores(share: Floats, exclusive: bool) -> Floats:
    """The scores [labels] whose probabilities are the shares of the labels."""
    return np.asarray(np.log(share) if exclusive else np.log(share) - np.log1p(-share))


def losses_of(scores: Floats, gold: Labeled, exclusive: bool) -> Floats:
    """The cross-entropies [n] of scores [n, labels]."""
    logs, _ = log_probabilities(scores, exclusive)
    return cross_entropy(gold.gold, logs, gold.known)


def check_learned(losses: Floats, train: Labeled, dev: Labeled, *, exclusive: bool) -> None:
    """Raise XltError unless the losses on the development texts are surely lower than those of the labels' shares.

    Args:
        losses: [n], of a head on the development texts.
    """
    prior = prior_scores(shares(train), exclusive)
    gains = losses_of(np.tile(prior, (len(losses), 1)), dev, exclusive) - losses
    # The standard error of a paired difference.
    if not gains.mean() > gains.std() / np.sqrt(len(gains)):
        raise XltError(
            f"The head learned nothing: on {len(losses)} development texts it is no better than the shares of the "
            "labels. Check the labels, or give more texts."
        )

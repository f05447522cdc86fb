"""Fitting a linear head exactly, its L2 penalty chosen on development texts."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Optional

import numpy as np
from numpy.typing import NDArray

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
    best temperature of each: a strong penalty makes probabilities less sure than they are right, and a weak one would
    be chosen for that alone. What the temperature divides is the difference of the scores to those of the labels'
    shares.

    An empty text, whose vector is zero, is learned as well: it has each label to the label's share. Otherwise its
    probabilities would be arbitrary, because no text is near it.

    Raises:
        XltError: The layer is no better there than the shares of the labels: it learned nothing.
    """
    prior = prior_scores(shares(train), exclusive)
    fits: list[Fit] = []
    losses: list[Floats] = []
    for l2, layer in _path(train, exclusive):
        temperature, loss = _tempered(layer(dev.features).astype(np.float64), dev, prior, exclusive)
        losses.append(loss)
        fits.append(Fit(_divided(layer, temperature, prior), l2))
        best = int(np.argmin([each.sum() for each in losses]))
        if len(losses) - 1 - best == RISES:
            break
    check_learned(losses[best], train, dev, exclusive=exclusive)
    return fits[one_standard_error_rule(np.array(losses))]


def cross_validate(data: Labeled, folds: Sequence[NDArray[np.int64]], *, exclusive: bool) -> tuple[Fit, Floats]:
    """Choose the L2 penalty by cross-validation, as `fit_head` does on development texts, and fit on all texts.

    Args:
        data: All labeled texts.
        folds: The rows of each fold; each is left out of one fit.

    Returns:
        The fit, and the scores [n, labels] of each text by the layer that has not seen it.

    Raises:
        XltError: The layers are no better on the texts that they have not seen than the shares of the labels.
    """
    prior = prior_scores(shares(data), exclusive)
    scores = np.zeros((len(L2_PATH), *data.gold.shape))
    for fold in folds:
        inside = np.setdiff1d(np.arange(len(data.gold)), fold)
        for number, (_, layer) in enumerate(_path(_rows(data, inside), exclusive)):
            scores[number, fold] = layer(data.features[fold])
    tempered = [_tempered(each, data, prior, exclusive) for each in scores]
    losses = np.array([loss for _, loss in tempered])
    check_learned(losses[losses.sum(axis=1).argmin()], data, data, exclusive=exclusive)
    chosen = one_standard_error_rule(losses)
    temperature = tempered[chosen][0]
    (_, layer), *_ = _path(data, exclusive, L2_PATH[chosen : chosen + 1])
    fit = Fit(_divided(layer, temperature, prior), L2_PATH[chosen])
    return fit, np.asarray(prior + (scores[chosen] - prior) / temperature)


def _path(train: Labeled, exclusive: bool, l2s: Sequence[float] = L2_PATH) -> Iterator[tuple[float, Layer]]:
    """Each penalty and the layer that it gives, with an empty text added."""
    features = np.r_[train.features, np.zeros_like(train.features[:1])]
    gold = np.r_[train.gold, shares(train)[None]]
    known = None if train.known is None else np.r_[train.known, np.ones_like(train.known[:1])]
    return zip(l2s, fit_path(features, gold, l2s, known=known, exclusive=exclusive))


def _rows(data: Labeled, rows: NDArray[np.int64]) -> Labeled:
    return Labeled(data.features[rows], data.gold[rows], None if data.known is None else data.known[rows])


def _tempered(scores: Floats, gold: Labeled, prior: Floats, exclusive: bool) -> tuple[float, Floats]:
    """The best temperature of the scores [n, labels], and the losses [n] at it."""
    temperature = fit_temperature(scores, gold.gold, known=gold.known, center=prior, exclusive=exclusive)
    return temperature, losses_of(prior + (scores - prior) / temperature, gold, exclusive)


def _divided(layer: Layer, temperature: float, prior: Floats) -> Layer:
    """The layer whose scores are nearer to the prior's by the temperature."""
    bias = prior + (layer.bias - prior) / temperature
    return Layer(layer.weight / np.float32(temperature), bias.astype(np.float32))


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

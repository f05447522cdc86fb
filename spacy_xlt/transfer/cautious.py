"""How closely a head fits the texts it learned from: no closer than dev texts ask for.

What a head learns of its texts beyond that, such as how film reviews are written, harms it on texts of other languages
and of other kinds, which dev texts of the source do not show.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from spacy_xlt.data.records import Record
from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.serving.head import Layer
from spacy_xlt.transfer.heads import get_layer, gold_matrix, head_labels, is_exclusive, make_features, set_layer
from spacy_xlt.transfer.output_layer import Floats, fit_output_layer, log_probabilities, zero_layer
from spacy_xlt.transfer.temperature import fit_temperature

# Of the pull of the weights towards zero, the most cautious first.
STRENGTHS = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)


def most_cautious(losses: Floats) -> int:
    """The first candidate whose loss is within a standard error of the best one's (Breiman et al. 1984, the 1-SE rule).

    losses: [candidates, n], the most cautious candidate first; the error is that of the paired differences.
    """
    behind = losses - losses[losses.sum(axis=1).argmin()]
    error = behind.std(axis=1) * np.sqrt(behind.shape[1])
    return int(np.flatnonzero(behind.sum(axis=1) <= error)[0])


def choose_strength(features: Floats2d, gold: Floats, dev_features: Floats2d, dev_gold: Floats) -> float:
    """The strength of `STRENGTHS` to fit an output layer with, the most cautious whose answers on dev are as good.

    features: [n, d]. gold: [n, labels], one label a text. Answers are compared, not probabilities: those are too small
    where the pull is strong, and can be set right afterwards.
    """
    start, expected = zero_layer(gold.shape[1], features.shape[1]), dev_gold.argmax(axis=1)
    layers = (fit_output_layer(features, gold, towards=start, strength=strength) for strength in STRENGTHS)
    errors = np.array([layer(dev_features).argmax(axis=1) != expected for layer in layers], dtype=np.float64)
    return STRENGTHS[most_cautious(errors)]


def refit_cautiously(nlp: Language, records: Sequence[Record], dev: Sequence[Record]) -> float:
    """Learn the output layer anew from the labelled texts, in place; return the strength that was chosen on dev.

    Its probabilities are as sure as those of the old layer were. For heads that give exactly one label.
    """
    labels = head_labels(nlp)
    assert is_exclusive(nlp)
    features, dev_features = make_features(nlp, records), make_features(nlp, dev)
    gold = gold_matrix(records, labels)
    strength = choose_strength(features, gold, dev_features, gold_matrix(dev, labels))
    new = fit_output_layer(features, gold, towards=zero_layer(*get_layer(nlp).weight.shape), strength=strength)
    set_layer(nlp, as_sure_as(new, get_layer(nlp), dev_features))
    return strength


def as_sure_as(layer: Layer, old: Layer, features: NDArray[np.float32]) -> Layer:
    """The layer, its scores divided by the temperature that makes its probabilities fit those of the old one."""
    _, probabilities = log_probabilities(old(features).astype(np.float64), exclusive=True)
    size = np.float32(fit_temperature(layer(features).astype(np.float64), probabilities))
    return Layer(layer.weight / size, layer.bias / size)

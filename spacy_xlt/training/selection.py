"""How closely a model fits the texts it learned from: no closer than dev texts ask for.

What it learns of its texts beyond that, such as how film reviews are written, harms it on texts of other languages and
of other kinds, which dev texts of the source do not show.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from spacy.language import Language

from spacy_xlt.data.records import Record
from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.heads.fitting import Labeled, fit_head, one_standard_error_rule
from spacy_xlt.heads.layer import Layer, probabilities_of
from spacy_xlt.heads.losses import Floats, log_probabilities
from spacy_xlt.heads.temperature import fit_temperature, tempered_losses
from spacy_xlt.heads.thresholds import choose_thresholds
from spacy_xlt.training.examples import gold_matrix
from spacy_xlt.training.model_state import (
    head_labels,
    is_exclusive,
    make_features,
    interpolate_weights,
    set_layer,
    set_model,
    take_snapshot,
)
from spacy_xlt.heads.output_layer import fit_output_layer, zero_layer
from spacy_xlt.training.layers import copy_model

# Of the pull of the weights towards zero, the most cautious first.
STRENGTHS = (1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)
# Of the way back to the weights that fine-tuning started from.
HALF = 0.5


def fit_most_regularized(
    features: Floats2d, gold: Floats, dev_features: Floats2d, dev_gold: Floats
) -> tuple[Layer, float, Floats]:
    """The layer with the most cautious of `STRENGTHS` by its losses on dev; (layer, strength, where it is wrong [n]).

    Not by its answers: on a few hundred texts they do not show yet what a strong pull costs, losses do.
    """
    start = zero_layer(gold.shape[1], features.shape[1])
    layers = [fit_output_layer(features, gold, towards=start, strength=strength) for strength in STRENGTHS]
    scores = [layer(dev_features).astype(np.float64) for layer in layers]
    chosen = one_standard_error_rule(np.array([tempered_losses(of_layer, dev_gold) for of_layer in scores]))
    wrong = scores[chosen].argmax(axis=1) != dev_gold.argmax(axis=1)
    return layers[chosen], STRENGTHS[chosen], wrong.astype(np.float64)


def fit_multilabel(
    features: Floats2d, gold: Floats, dev_features: Floats2d, dev_gold: Floats
) -> tuple[Layer, float, Floats]:
    """The layer of labels that do not exclude each other: (layer, strength, the share of wrong answers [n])."""
    fit = fit_head(Labeled(features, gold), Labeled(dev_features, dev_gold), exclusive=False)
    found = probabilities_of(fit.layer(dev_features), exclusive=False)
    answers = found >= choose_thresholds(found, dev_gold)
    return fit.layer, fit.l2, np.asarray((answers != (dev_gold > 0)).mean(axis=1))


def regularize(nlp: Language, records: Sequence[Record], dev: Sequence[Record], *, pretrained: Any) -> dict[str, float]:
    """Let a fine-tuned encoder go half of the way back to where it came from, in place, if dev allows.

    Returns what it chose. The middle is often as good at home and better elsewhere (WiSE-FT, Wortsman et al. 2022,
    equation 1). At either place the output layer is learned anew from the labelled texts, see `fit_most_regularized`; half of
    the way back is chosen where no more answers are wrong than a standard error. If each text has one label, the
    layer gets the temperature at which it fits the old one's probabilities; otherwise dev sets it, see `fit_head`.

    pretrained: the Hugging Face model that fine-tuning started from.
    """
    tuned, exclusive = take_snapshot(nlp), is_exclusive(nlp)
    here = _learn_anew(nlp, records, dev)
    expected = probabilities(tuned.layer, here.features)
    # Half of the way last: where it stands, the encoder still holds the vectors of all texts.
    half = copy_model(tuned.model)
    interpolate_weights(half, pretrained, HALF)
    set_model(nlp, half)
    there = _learn_anew(nlp, records, dev)
    back = one_standard_error_rule(np.array([there.wrong, here.wrong])) == 0
    chosen = there if back else here
    if not back:
        set_model(nlp, tuned.model)
    set_layer(nlp, match_confidence(expected, chosen.layer, chosen.features) if exclusive else chosen.layer)
    return {"back": HALF if back else 0.0, "strength": chosen.strength}


class _Learned(NamedTuple):
    """An output layer, its penalty, the dev texts [n, width] that chose it and how wrong it is on each of them [n]."""

    layer: Layer
    strength: float
    features: Floats2d
    wrong: Floats


def _learn_anew(nlp: Language, records: Sequence[Record], dev: Sequence[Record]) -> _Learned:
    labels = head_labels(nlp)
    features = make_features(nlp, dev)
    fit = fit_most_regularized if is_exclusive(nlp) else fit_multilabel
    layer, strength, wrong = fit(
        make_features(nlp, records), gold_matrix(records, labels), features, gold_matrix(dev, labels)
    )
    return _Learned(layer, strength, features, wrong)


def probabilities(layer: Layer, features: Floats2d) -> Floats:
    """Those of labels that exclude each other: [n, labels]."""
    return log_probabilities(layer(features).astype(np.float64), exclusive=True)[1]


def match_confidence(expected: Floats, layer: Layer, features: Floats2d) -> Layer:
    """The layer, its scores divided by the temperature at which its probabilities fit the expected ones [n, labels]."""
    size = np.float32(fit_temperature(layer(features).astype(np.float64), expected))
    return Layer(layer.weight / size, layer.bias / size)

"""Features of pairs of texts, and the probabilities of their labels."""

from collections.abc import Sequence
from typing import Any, Literal, Optional

import numpy as np

from spacy_xlt.cache import TextCache
from spacy_xlt.encoders.base import Floats1d, Floats2d
from spacy_xlt.encoders.pieces import PairWindow
from spacy_xlt.heads.layer import probabilities_of
from spacy_xlt.tasks.model import PARTS, TaskModel
from spacy_xlt.text import replace_surrogates
from spacy_xlt.vectors import unit_rows

Mode = Literal["cross", "bi"]
# A pair of texts. A text without a second one has no pair, and gets the shares of the labels in training.
Pair = tuple[str, Optional[str]]
MODE, MAX_LENGTH, PRIOR = "mode", "max_length", "prior"
# The features of a pair are u, v, |u - v| and u * v.
FEATURE_PARTS = 4


def settings_of(mode: Mode, max_length: int, prior: Sequence[float]) -> dict[str, Any]:
    """Return the settings of a model of pairs.

    Args:
        mode: `cross` reads both texts together, `bi` reads each text alone.
        max_length: The largest number of word pieces of a pair that `cross` reads.
        prior: The share of each label in training.
    """
    return {MODE: mode, MAX_LENGTH: max_length, PRIOR: [float(each) for each in prior], PARTS: FEATURE_PARTS}


def pair_features(first: Floats2d, second: Floats2d) -> Floats2d:
    """Return the features of pairs of vectors: u, v, |u - v| and u * v.

    The products are multiplied by the root of the width, so that they are as large as the other features.

    Args:
        first: The vectors u of the first texts, of unit length, [n, d].
        second: The vectors v of the second texts, [n, d].

    Returns:
        The features, [n, 4 d].

    References:
        Conneau et al. (2017), "Supervised learning of universal sentence representations", section 3.1.
    """
    size = np.float32(np.sqrt(first.shape[1]))
    return np.concatenate([first, second, np.abs(first - second), first * second * size], axis=1)


def pair_windows(model: TaskModel, pairs: Sequence[tuple[str, str]], max_length: int) -> list[PairWindow]:
    """Return the word pieces of pairs of texts, at most `max_length` in each."""
    pieces = model.tokenizer.pieces([text for pair in pairs for text in pair])
    return [model.tokenizer.pair(first, second, length=max_length) for first, second in zip(pieces[::2], pieces[1::2])]


def cross_features(model: TaskModel, windows: Sequence[PairWindow]) -> Floats2d:
    """Return the features [n, 4 d] of pairs that are encoded together: u and v are the means of their word pieces."""
    states = model.encoder.encode_states([window.ids for window in windows])
    sides = []
    for places in ([window.first for window in windows], [window.second for window in windows]):
        means = [_mean(rows[place]) for rows, place in zip(states, places)]
        sides.append(unit_rows(np.array(means, np.float32).reshape(len(windows), model.encoder.width)))
    return pair_features(*sides)


def bi_features(
    model: TaskModel, pairs: Sequence[tuple[str, str]], cache: Optional[TextCache[Floats1d]] = None
) -> Floats2d:
    """Return the features [n, 4 d] of pairs whose texts are encoded one by one, each text once."""
    texts = list(dict.fromkeys(replace_surrogates(text) for pair in pairs for text in pair))
    if cache is None:
        vectors = model.encoder.encode(texts)
    else:
        # The cache gets copies of the rows. A view of a row would keep the whole matrix in memory.
        found = cache.compute(texts, lambda missing: [row.copy() for row in model.encoder.encode(missing)])
        vectors = np.array(found, np.float32).reshape(len(texts), model.encoder.width)
    row = {text: number for number, text in enumerate(texts)}
    first, second = ([row[replace_surrogates(pair[side])] for pair in pairs] for side in (0, 1))
    return pair_features(vectors[first], vectors[second])


def pair_probabilities(
    model: TaskModel, pairs: Sequence[Pair], cache: Optional[TextCache[Floats1d]] = None
) -> Floats2d:
    """Return the probabilities [n, labels] of pairs. A text without a pair gets the shares of the labels in training.

    Args:
        model: A trained model of pairs.
        pairs: The pairs.
        cache: The vectors of texts, for a model that reads each text alone.

    Raises:
        XltError: The model is not trained.
    """
    full = {row: (first, second) for row, (first, second) in enumerate(pairs) if second is not None}
    scores = pair_scores(model, list(full.values()), cache)
    result = np.tile(np.array(model.settings[PRIOR], np.float32), (len(pairs), 1))
    if full:
        result[list(full)] = probabilities_of(scores, exclusive=True)
    return result


def pair_scores(
    model: TaskModel, pairs: Sequence[tuple[str, str]], cache: Optional[TextCache[Floats1d]] = None
) -> Floats2d:
    """Return the scores [n, labels] of pairs, before softmax. See `pair_probabilities`."""
    layer = model.trained_layer
    if model.settings[MODE] == "cross":
        return layer(cross_features(model, pair_windows(model, pairs, model.settings[MAX_LENGTH])))
    return layer(bi_features(model, pairs, cache))


def _mean(states: Floats2d) -> Floats1d:
    """Return the mean of word pieces, zeros if there are none."""
    return states.mean(axis=0) if len(states) else np.zeros(states.shape[1], np.float32)

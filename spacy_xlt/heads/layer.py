"""A linear layer in NumPy, and the probabilities of its scores."""

from dataclasses import dataclass

import numpy as np

from spacy_xlt.encoders.base import Floats1d, Floats2d


@dataclass(frozen=True)
class Layer:
    """A linear layer: y = x weight.T + bias, with weight [out, in] and bias [out]."""

    weight: Floats2d
    bias: Floats1d

    def __call__(self, rows: Floats2d) -> Floats2d:
        result: Floats2d = rows @ self.weight.T + self.bias
        return result


def probabilities_of(scores: Floats2d, exclusive: bool) -> Floats2d:
    """Softmax of each row where labels exclude each other, else the sigmoid of each score."""
    if not exclusive:
        return np.asarray(1.0 / (1.0 + np.exp(-scores.clip(-20.0, 20.0))), dtype=np.float32)
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), dtype=np.float32)

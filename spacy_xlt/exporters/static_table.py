"""Fit the table of a static student: a text is a weighted sum of word vectors.

The table starts from the teacher's vectors of words, weighted and compressed as in model2vec (Tulkens & van Dongen
2024, "Model2Vec: fast state-of-the-art static embeddings"), and is then trained on the teacher's vectors and
probabilities of texts. Its entries are words and not word pieces, because a teacher's vectors of single word pieces
mean little.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.base import Floats1d, Floats2d
from spacy_xlt.heads.layer import probabilities_of

# The constant a of the SIF weights.
SIF = 1e-3
# The weight of the cosine to the teacher's vectors in the loss; that of the cross-entropy is 1.
COSINE_WEIGHT = 5.0
MAP_STEPS, TABLE_STEPS = 30, 30
MAP_LEARNING_RATE, TABLE_LEARNING_RATE = 0.005, 0.1


@dataclass(frozen=True)
class Table:
    """The vector of a text is sum_i w_i rows_i / |w| + bias at unit length, over the words i of the text.

    Attributes:
        rows: [words, d].
        weights: w, [words].
        bias: [d].
    """

    rows: Floats2d
    weights: Floats1d
    bias: Floats1d


def sif_weights(probabilities: NDArray[np.float64], a: float = SIF) -> Floats1d:
    """Return smooth inverse frequency weights, which are lower for frequent words.

    Args:
        probabilities: p, of the words, [words].
        a: The constant of a / (a + p).

    References:
        Arora, Liang & Ma (2017), "A simple but tough-to-beat baseline for sentence embeddings", section 3.
    """
    return np.asarray(a / (a + probabilities), dtype=np.float32)


def text_matrix(texts: Sequence[Any], weights: Floats1d) -> Any:
    """Return the texts as a sparse matrix of weights, [texts, words].

    The weights of a text are divided by the length of the vector of its words' weights. The row of a text without words
    is zero.

    Args:
        texts: The words of each text, as row numbers.
        weights: [words].
    """
    from scipy.sparse import csr_matrix, diags

    ids = np.fromiter((word for text in texts for word in text), dtype=np.int64)
    counts = np.array([len(text) for text in texts], dtype=np.int64)
    matrix = csr_matrix((weights[ids], ids, np.cumsum([0, *counts])), shape=(len(texts), len(weights)))
    owners = np.repeat(np.arange(len(texts)), counts)
    lengths = np.sqrt(np.bincount(owners, weights=np.square(weights[ids]), minlength=len(texts)))
    return diags((1 / np.maximum(lengths, 1e-9)).astype(np.float32)) @ matrix


def fit_table(
    texts: Sequence[Any],
    vectors: Floats2d,
    word_vectors: Floats2d,
    weights: Floats1d,
    *,
    head: Optional[tuple[Floats2d, Floats1d, bool]] = None,
    progress: Callable[[range], Any] = iter,
) -> Table:
    """Fit a table to a teacher.

    A linear map of the word vectors is fitted first, then each vector of the words in the texts. The optimizer is Adam
    with linear decay.

    Args:
        texts: The words of each text, as row numbers.
        vectors: The teacher's vectors of the texts, of unit length, [n, d].
        word_vectors: The teacher's vectors of the words, [words, d].
        weights: The weights of the words, see `sif_weights`, [words].
        head: The weight [labels, d] and bias [labels] of the teacher's head, and whether its labels exclude each other.
            With it, the student also learns the teacher's probabilities, and all labels count equally.
        progress: Wraps the range of steps.
    """
    matrix = text_matrix(texts, weights)
    used = np.unique(matrix.indices)
    start = word_vectors - word_vectors.mean(axis=0)
    # Features of about unit length, so that the learning rate is right for every teacher.
    start /= max(float(np.sqrt(np.square(matrix @ start).sum(axis=1).mean())), 1e-9)
    loss = _Loss(vectors, head)
    features = matrix @ start
    square, bias = _ridge(features, vectors)
    adam_square, adam_bias = _Adam(square.shape), _Adam(bias.shape)
    for step in progress(range(MAP_STEPS)):
        learning_rate = MAP_LEARNING_RATE * (1 - step / MAP_STEPS)
        gradient = loss.gradient(features @ square + bias)
        square -= adam_square.step(features.T @ gradient, learning_rate)
        bias -= adam_bias.step(gradient.sum(axis=0), learning_rate)
    # Words that are in no text are only mapped.
    rows = start @ square
    seen, columns = rows[used], matrix[:, used].tocsr()
    transposed, size = columns.T.tocsr(), float(seen.std())
    adam_rows, adam_bias = _Adam(seen.shape), _Adam(bias.shape)
    for step in progress(range(TABLE_STEPS)):
        decay = 1 - step / TABLE_STEPS
        gradient = loss.gradient(columns @ seen + bias)
        seen -= adam_rows.step(transposed @ gradient, TABLE_LEARNING_RATE * size * decay)
        bias -= adam_bias.step(gradient.sum(axis=0), 0.2 * MAP_LEARNING_RATE * decay)
    rows[used] = seen
    return Table(np.asarray(rows, dtype=np.float32), weights, np.asarray(bias, dtype=np.float32))


def compress(table: Table, width: int, used: NDArray[np.int64]) -> tuple[Floats2d, Floats2d]:
    """Compress a table to a smaller width by a principal component analysis without centering.

    Args:
        table: The table.
        width: The number of components.
        used: The rows of the words from which the components are computed.

    Returns:
        Weighted rows [words, width] and components [width, d]. Their product approximates the table's weighted rows.
    """
    weighted = table.rows * table.weights[:, None]
    _, _, directions = np.linalg.svd(weighted[used].T @ weighted[used])
    components = np.ascontiguousarray(directions[:width], dtype=np.float32)
    return weighted @ components.T, components


class _Loss:
    """The cosine to the teacher's vectors, and the cross-entropy to its probabilities."""

    def __init__(self, vectors: Floats2d, head: Optional[tuple[Floats2d, Floats1d, bool]]) -> None:
        self.vectors = vectors
        self.head = head
        self.sample_weight = np.ones((len(vectors), 1), dtype=np.float32)
        if head is not None:
            self.targets = self._probabilities(vectors)
            balanced = (self.targets / np.maximum(self.targets.sum(axis=0), 1e-9)).sum(axis=1, keepdims=True)
            self.sample_weight = np.asarray(balanced / balanced.mean(), dtype=np.float32)

    def _probabilities(self, units: Floats2d) -> Floats2d:
        assert self.head is not None
        weight, bias, exclusive = self.head
        return probabilities_of(units @ weight.T + bias, exclusive)

    def gradient(self, raw: Floats2d) -> Floats2d:
        """Return the gradient with respect to vectors before they are scaled to unit length, [n, d]."""
        lengths = np.linalg.norm(raw, axis=1, keepdims=True) + np.float32(1e-9)
        units = raw / lengths
        gradient = -COSINE_WEIGHT * self.vectors
        if self.head is not None:
            gradient = gradient + (self._probabilities(units) - self.targets) @ self.head[0]
        gradient *= self.sample_weight
        # Only the component orthogonal to the vector counts, because the length is divided out.
        gradient -= (gradient * units).sum(axis=1, keepdims=True) * units
        return np.asarray(gradient / lengths / len(raw), dtype=np.float32)


class _Adam:
    """Adam with beta 0.9 and 0.99 (Kingma & Ba 2015, algorithm 1)."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.mean, self.square, self.steps = np.zeros(shape, np.float32), np.zeros(shape, np.float32), 0

    def step(self, gradient: NDArray[Any], learning_rate: float) -> NDArray[np.float32]:
        self.steps += 1
        self.mean += np.float32(0.1) * (gradient - self.mean)
        self.square += np.float32(0.01) * (np.square(gradient) - self.square)
        mean, square = self.mean / (1 - 0.9**self.steps), self.square / (1 - 0.99**self.steps)
        return np.asarray(learning_rate * mean / (np.sqrt(square) + 1e-12), dtype=np.float32)


def _ridge(features: Floats2d, vectors: Floats2d) -> tuple[Floats2d, Floats1d]:
    """Fit a map [d, d] and a bias [d] by ridge regression. The penalty is a thousandth of the number of texts."""
    extended = np.c_[features, np.ones(len(features))].astype(np.float64)
    gram = extended.T @ extended
    penalty = np.full(len(gram), 1e-3 * len(features))
    penalty[-1] = 1e-6
    gram[np.diag_indices_from(gram)] += penalty
    solution = np.linalg.solve(gram, extended.T @ vectors)
    return solution[:-1].astype(np.float32), solution[-1].astype(np.float32)

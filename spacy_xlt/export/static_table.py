"""Learning the table of a static student: weighted sums of word vectors that classify as the teacher does.

After model2vec (MinishLab 2024: every entry encoded by the teacher, SIF weights, PCA), with words in place of word
pieces, of which a teacher makes little when they stand alone; then the table is tuned to the teacher's answers. SIF
weights: Arora, Liang & Ma 2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.base import Floats1d, Floats2d
from spacy_xlt.heads.layer import probabilities_of
from spacy_xlt.vectors import unit_rows

# a of the SIF weights a / (a + p), for the probabilities of words.
SIF = 1e-3
# Of the loss: how much the cosine to the teacher's vector counts beside the teacher's labels.
COSINE_SHARE = 5.0
MAP_STEPS, TABLE_STEPS = 30, 30
MAP_RATE, TABLE_RATE = 0.005, 0.1


@dataclass(frozen=True)
class Table:
    """rows [words, d], weights [words], bias [d]: a text is unit(sum of w_i rows_i / |w| + bias)."""

    rows: Floats2d
    weights: Floats1d
    bias: Floats1d


def sif_weights(probabilities: NDArray[np.float64], a: float = SIF) -> Floats1d:
    """The weights a / (a + p) [words] of words by their probabilities: frequent words count less."""
    return np.asarray(a / (a + probabilities), dtype=np.float32)


def text_matrix(texts: Sequence[Any], weights: Floats1d) -> Any:
    """The texts as a sparse matrix [texts, words]: the weights of a text's words over the length of them as a vector,
    in which a word that comes twice stands twice. Rows of nothing are zeros."""
    from scipy.sparse import csr_matrix, diags

    ids = np.fromiter((word for text in texts for word in text), dtype=np.int64)
    counts = np.array([len(text) for text in texts], dtype=np.int64)
    matrix = csr_matrix((weights[ids], ids, np.cumsum([0, *counts])), shape=(len(texts), len(weights)))
    owners = np.repeat(np.arange(len(texts)), counts)
    lengths = np.sqrt(np.bincount(owners, weights=np.square(weights[ids]), minlength=len(texts)))
    return diags((1 / np.maximum(lengths, 1e-9)).astype(np.float32)) @ matrix


def distill(
    texts: Sequence[Any],
    vectors: Floats2d,
    word_vectors: Floats2d,
    weights: Floats1d,
    *,
    head: Optional[tuple[Floats2d, Floats1d, bool]] = None,
    progress: Callable[[range], Any] = iter,
) -> Table:
    """Learn the table from texts [n] (as rows of words) and the teacher's vectors of them [n, d], of unit length.

    word_vectors: the teacher's own of each word [words, d], the start. weights: see `sif_weights`.
    head: weight [labels, d], bias [labels] and whether the labels exclude each other: then the student learns the
    teacher's probabilities too, and each label counts the same however often the texts have it.
    progress: wraps the range of steps.
    """
    matrix = text_matrix(texts, weights)
    used = np.unique(matrix.indices)
    start = word_vectors - word_vectors.mean(axis=0)
    # Features of about unit length, so that one rate of learning fits all.
    start /= max(float(np.sqrt(np.square(matrix @ start).sum(axis=1).mean())), 1e-9)
    loss = _Loss(vectors, head)
    features = matrix @ start
    square, bias = _ridge(features, vectors)
    adam_square, adam_bias = _Adam(square.shape), _Adam(bias.shape)
    for step in progress(range(MAP_STEPS)):
        rate = MAP_RATE * (1 - step / MAP_STEPS)
        gradient = loss.gradient(features @ square + bias)
        square -= adam_square.step(features.T @ gradient, rate)
        bias -= adam_bias.step(gradient.sum(axis=0), rate)
    # Words that no text has keep what the map makes of them.
    rows = start @ square
    seen, columns = rows[used], matrix[:, used].tocsr()
    transposed, size = columns.T.tocsr(), float(seen.std())
    adam_rows, adam_bias = _Adam(seen.shape), _Adam(bias.shape)
    for step in progress(range(TABLE_STEPS)):
        share = 1 - step / TABLE_STEPS
        gradient = loss.gradient(columns @ seen + bias)
        seen -= adam_rows.step(transposed @ gradient, TABLE_RATE * size * share)
        bias -= adam_bias.step(gradient.sum(axis=0), 0.2 * MAP_RATE * share)
    rows[used] = seen
    return Table(np.asarray(rows, dtype=np.float32), weights, np.asarray(bias, dtype=np.float32))


def compress(table: Table, width: int, used: NDArray[np.int64]) -> tuple[Floats2d, Floats2d]:
    """Return rows [words, width], weights included, and components [width, d] whose product is the table's.

    The components are the principal ones of the used words' weighted rows (not centred).
    """
    weighted = table.rows * table.weights[:, None]
    _, _, directions = np.linalg.svd(weighted[used].T @ weighted[used])
    components = np.ascontiguousarray(directions[:width], dtype=np.float32)
    return weighted @ components.T, components


class _Loss:
    """Cosine to the teacher's vectors and cross entropy to its probabilities."""

    def __init__(self, vectors: Floats2d, head: Optional[tuple[Floats2d, Floats1d, bool]]) -> None:
        self.vectors = vectors
        self.head = head
        self.importance = np.ones((len(vectors), 1), dtype=np.float32)
        if head is not None:
            self.targets = self._probabilities(vectors)
            balanced = (self.targets / np.maximum(self.targets.sum(axis=0), 1e-9)).sum(axis=1, keepdims=True)
            self.importance = np.asarray(balanced / balanced.mean(), dtype=np.float32)

    def _probabilities(self, units: Floats2d) -> Floats2d:
        assert self.head is not None
        weight, bias, exclusive = self.head
        return probabilities_of(units @ weight.T + bias, exclusive)

    def gradient(self, raw: Floats2d) -> Floats2d:
        """With respect to vectors [n, d] that do not have unit length yet."""
        lengths = np.linalg.norm(raw, axis=1, keepdims=True) + np.float32(1e-9)
        units = raw / lengths
        gradient = -COSINE_SHARE * self.vectors
        if self.head is not None:
            gradient = gradient + (self._probabilities(units) - self.targets) @ self.head[0]
        gradient *= self.importance
        # Only what turns the vector counts: its length is divided out.
        gradient -= (gradient * units).sum(axis=1, keepdims=True) * units
        return np.asarray(gradient / lengths / len(raw), dtype=np.float32)


class _Adam:
    """Kingma & Ba 2015, with beta 0.9 and 0.99."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.mean, self.square, self.steps = np.zeros(shape, np.float32), np.zeros(shape, np.float32), 0

    def step(self, gradient: NDArray[Any], rate: float) -> NDArray[np.float32]:
        self.steps += 1
        self.mean += np.float32(0.1) * (gradient - self.mean)
        self.square += np.float32(0.01) * (np.square(gradient) - self.square)
        mean, square = self.mean / (1 - 0.9**self.steps), self.square / (1 - 0.99**self.steps)
        return np.asarray(rate * mean / (np.sqrt(square) + 1e-12), dtype=np.float32)


def _ridge(features: Floats2d, vectors: Floats2d) -> tuple[Floats2d, Floats1d]:
    """The map [d, d] and bias [d] of least squares, with a penalty of a thousandth of the texts."""
    extended = np.c_[features, np.ones(len(features))].astype(np.float64)
    gram = extended.T @ extended
    penalty = np.full(len(gram), 1e-3 * len(features))
    penalty[-1] = 1e-6
    gram[np.diag_indices_from(gram)] += penalty
    solution = np.linalg.solve(gram, extended.T @ vectors)
    return solution[:-1].astype(np.float32), solution[-1].astype(np.float32)


def unit_vectors(table: Table, texts: Sequence[Any]) -> Floats2d:
    """What the table makes of texts: [texts, d], unit length."""
    return unit_rows(np.asarray(text_matrix(texts, table.weights) @ table.rows + table.bias, dtype=np.float32))

"""Learning the table of a static student."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")

from spacy_xlt.exporters import static_table as module
from spacy_xlt.exporters.static_table import Table, _Loss, compress, fit_table, sif_weights, text_matrix
from spacy_xlt.vectors import unit_rows

WORDS, WIDTH, LABELS = 60, 8, 3


def bags(n: int, seed: int = 0) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, WORDS, rng.integers(3, 12)).tolist() for _ in range(n)]


@pytest.fixture
def truth() -> Table:
    """A table that the teacher's vectors are made with."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(WORDS, WIDTH)).astype(np.float32)
    return Table(rows, sif_weights(rng.random(WORDS) * 0.01), rng.normal(size=WIDTH).astype(np.float32) * 0.1)


def unit_vectors(table: Table, texts: list[list[int]]) -> Any:
    """Return the vectors of texts, of unit length."""
    return unit_rows(np.asarray(text_matrix(texts, table.weights) @ table.rows + table.bias, dtype=np.float32))


def head() -> tuple[Any, Any, bool]:
    rng = np.random.default_rng(2)
    return 5 * rng.normal(size=(LABELS, WIDTH)).astype(np.float32), np.zeros(LABELS, np.float32), True


def test_frequent_words_count_less() -> None:
    weights = sif_weights(np.array([0.0, 0.001, 0.05]))
    assert weights.tolist() == pytest.approx([1.0, 0.5, 1 / 51])


def test_the_matrix_of_texts_has_unit_rows_and_empty_ones() -> None:
    weights = np.array([1.0, 0.5, 2.0], dtype=np.float32)
    matrix = text_matrix([[0, 1], [], [2, 2]], weights).toarray()
    np.testing.assert_allclose(matrix, [[1 / 1.25**0.5, 0.5 / 1.25**0.5, 0], [0, 0, 0], [0, 0, 4 / 8**0.5]], rtol=1e-6)


@pytest.mark.parametrize("with_head", [False, True])
def test_a_student_of_noisy_word_vectors_comes_near_its_teacher_on_new_texts(truth: Table, with_head: bool) -> None:
    noise = np.random.default_rng(3).normal(size=truth.rows.shape).astype(np.float32)
    seen, new = bags(800), bags(200, seed=9)
    table = fit_table(
        seen, unit_vectors(truth, seen), truth.rows + noise, truth.weights, head=head() if with_head else None
    )
    before = unit_vectors(Table(truth.rows + noise, truth.weights, truth.bias), new)
    expected = unit_vectors(truth, new)
    cosines = [float((each * expected).sum(axis=1).mean()) for each in (before, unit_vectors(table, new))]
    assert cosines[0] < 0.8 and cosines[1] > 0.95


def test_tuning_the_table_helps_beyond_the_map(truth: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = 2 * np.random.default_rng(3).normal(size=truth.rows.shape).astype(np.float32)
    seen, new = bags(800), bags(200, seed=9)
    cosines = []
    for steps in (0, 30):
        monkeypatch.setattr(module, "TABLE_STEPS", steps)
        table = fit_table(seen, unit_vectors(truth, seen), truth.rows + noise, truth.weights)
        cosines.append(float((unit_vectors(table, new) * unit_vectors(truth, new)).sum(axis=1).mean()))
    assert cosines[1] > cosines[0] + 0.05


def test_the_gradient_is_that_of_the_loss() -> None:
    rng = np.random.default_rng(4)
    raw = rng.normal(size=(5, WIDTH)).astype(np.float32)
    vectors = unit_rows(rng.normal(size=(5, WIDTH)).astype(np.float32))
    loss = _Loss(vectors, head())

    def value(raw: Any) -> float:
        units = raw / np.linalg.norm(raw, axis=1, keepdims=True)
        entropy = -(loss.targets * np.log(loss._probabilities(units))).sum(axis=1)
        cosine = -module.COSINE_WEIGHT * (units * vectors).sum(axis=1)
        return float(((entropy + cosine) * loss.sample_weight[:, 0]).mean())

    gradient = loss.gradient(raw)
    for place in np.ndindex(*raw.shape):
        step = np.zeros_like(raw)
        step[place] = 1e-2
        assert (value(raw + step) - value(raw - step)) / 2e-2 == pytest.approx(gradient[place], abs=2e-3)


def test_compression_to_the_full_width_changes_nothing_and_to_less_keeps_the_most(truth: Table) -> None:
    used = np.arange(WORDS)
    weighted = truth.rows * truth.weights[:, None]
    rows, components = compress(truth, WIDTH, used)
    np.testing.assert_allclose(rows @ components, weighted, atol=1e-5)
    errors = []
    for width in (2, 5):
        rows, components = compress(truth, width, used)
        assert rows.shape == (WORDS, width) and components.shape == (width, WIDTH)
        errors.append(float(np.square(rows @ components - weighted).sum()))
    assert errors[0] > errors[1]
    singular = np.linalg.svd(weighted, compute_uv=False)
    assert errors[0] == pytest.approx(float((singular[2:] ** 2).sum()), rel=1e-4)

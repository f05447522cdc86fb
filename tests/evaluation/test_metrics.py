from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.document import Metrics
from spacy_xlt.evaluation.figures import by_language
from spacy_xlt.evaluation.metrics import accuracy, confusion, label_figures, macro_f1

from .documents import document

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=60)
# From two labels on: scikit-learn reads a single column as a binary task.
ROWS = st.integers(2, 5).flatmap(
    lambda width: st.lists(
        st.lists(st.tuples(st.booleans(), st.booleans()), min_size=width, max_size=width), min_size=1
    )
)
LABELS = ["a", "b", "c"]


def sample(rows: int, labels: int, right: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, labels, rows)
    return gold, np.where(rng.random(rows) < right, gold, rng.integers(0, labels, rows))


@settings(deadline=None)
@given(PAIRS)
def test_single_label_agrees_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    gold, predicted = np.array(pairs).T
    assert macro_f1(gold, predicted) == pytest.approx(metrics.f1_score(gold, predicted, average="macro"), abs=1e-9)
    assert accuracy(gold, predicted) == pytest.approx(metrics.accuracy_score(gold, predicted), abs=1e-9)


@settings(deadline=None)
@given(ROWS)
def test_multilabel_agrees_with_scikit_learn_on_the_labels_that_occur(rows: Any) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    gold, predicted = np.moveaxis(np.array(rows, dtype=bool), -1, 0)
    occurring = np.flatnonzero((gold | predicted).any(axis=0))
    expected = 0.0
    if len(occurring):
        expected = metrics.f1_score(gold, predicted, average="macro", labels=occurring, zero_division=0)
    assert macro_f1(gold, predicted) == pytest.approx(expected, abs=1e-9)
    assert accuracy(gold, predicted) == pytest.approx(metrics.accuracy_score(gold, predicted), abs=1e-9)


def test_macro_f1_ignores_labels_that_occur_nowhere() -> None:
    one_column = np.array([[True], [False]])
    with_empty_column = np.array([[True, False], [False, False]])
    assert macro_f1(one_column, one_column) == macro_f1(with_empty_column, with_empty_column) == 1.0


@settings(deadline=None, max_examples=30)
@given(PAIRS)
def test_figures_of_labels_and_the_confusion_matrix_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    gold, predicted = np.array(pairs).T
    names = [f"label {number}" for number in range(7)]
    found, _ = label_figures(gold, predicted, names, resamples=20)
    occurring = np.union1d(gold, predicted)
    expected = metrics.precision_recall_fscore_support(gold, predicted, labels=occurring, zero_division=0)
    assert list(found) == [names[label] for label in occurring]
    ours = [[each.precision, each.recall, each.f1, each.n] for each in found.values()]
    assert np.allclose(np.array(ours).T, expected, atol=1e-9)
    matrix = metrics.confusion_matrix(gold, predicted, labels=range(7))
    sparse = confusion(gold, predicted, names)
    assert [[sparse.get(a, {}).get(b, 0) for b in names] for a in names] == matrix.tolist()


def test_figures_of_labels_where_a_text_can_have_several() -> None:
    gold = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]], dtype=bool)
    predicted = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0]], dtype=bool)
    found, _ = label_figures(gold, predicted, LABELS)
    assert {label: (each.n, each.predicted, each.precision, each.recall) for label, each in found.items()} == {
        "a": (2, 1, 1.0, 0.5),
        "b": (1, 2, 0.5, 1.0),
    }


@settings(max_examples=30, deadline=None)
@given(PAIRS)
def test_intervals_contain_the_figure_and_do_not_depend_on_the_order(pairs: list[tuple[int, int]]) -> None:
    gold, predicted = np.array(pairs).T
    names = [f"label {number}" for number in range(7)]
    found, (low, high) = label_figures(gold, predicted, names, resamples=50)
    assert (found, (low, high)) == label_figures(gold[::-1], predicted[::-1], names, resamples=50)
    assert 0.0 <= low <= macro_f1(gold, predicted) + 1e-9 and macro_f1(gold, predicted) <= high + 1e-9 <= 1.0 + 2e-9
    for each in found.values():
        assert 0.0 <= each.f1_ci95[0] <= each.f1 + 1e-9 and each.f1 <= each.f1_ci95[1] + 1e-9


def test_the_interval_of_a_larger_sample_is_narrower() -> None:
    (small, large) = (label_figures(*sample(rows, 3, 0.8), LABELS)[1] for rows in (100, 3000))
    assert large[1] - large[0] < (small[1] - small[0]) / 3


def test_by_language_gives_figures_gaps_and_the_mean_of_the_targets() -> None:
    result = by_language(
        [0, 1, 2, 0, 1, 2, 0, 1],
        [0, 1, 2, 0, 1, 0, 0, 0],
        ["en", "en", "sw", "sw", "de", "de", "de", "de"],
        ["en", "en", "sw", "xx", "de", "de", "de", "nl"],
        labels=LABELS,
        source="en",
    )
    assert list(result.languages) == ["en", "de", "sw"]
    german = result.languages["de"]
    assert (german.n, german.accuracy, german.gap, german.langid_accuracy) == (4, 0.5, 0.5, 0.75)
    assert german.macro_f1 == pytest.approx((0.5 + 2 / 3) / 3)
    assert german.ci95[0] <= 0.5 <= german.ci95[1]
    assert result.mean.model_dump() == {
        "languages": 2,
        "accuracy": 0.75,
        "macro_f1": pytest.approx(((0.5 + 2 / 3) / 3 + 1) / 2),
        "gap": 0.25,
        "langid_accuracy": 0.625,
    }


def test_by_language_makes_a_valid_document() -> None:
    gold, predicted = sample(60, 3, 0.8)
    figures = by_language(gold, predicted, ["en", "de", "fr"] * 20, None, labels=LABELS, source="en")
    Metrics.parse({**document(), **figures.model_dump(mode="json")}, "test")


def test_gaps_have_intervals_except_that_of_the_source() -> None:
    gold = np.zeros(200, dtype=int)
    predicted = np.r_[np.zeros(90, dtype=int), np.ones(10, dtype=int), np.zeros(60, dtype=int), np.ones(40, dtype=int)]
    result = by_language(gold, predicted, ["en"] * 100 + ["de"] * 100, None, labels=LABELS, source="en")
    assert result.languages["en"].gap_ci95 is None
    # Computed with the formula of Newcombe's method 10 by hand.
    assert result.languages["de"].gap_ci95 == pytest.approx((0.1829, 0.4087), abs=1e-3)


def test_without_the_source_there_is_no_gap() -> None:
    result = by_language([0, 1], [0, 1], ["de", "fr"], None, labels=LABELS, source="en")
    assert [figures.gap for figures in result.languages.values()] == [None, None]
    assert result.mean.gap is None
    assert result.mean.langid_accuracy is None


def test_without_targets_the_mean_is_empty() -> None:
    result = by_language([0, 1], [0, 1], ["en", "en"], ["en", "en"], labels=LABELS, source="en")
    nothing = dict.fromkeys(("accuracy", "macro_f1", "gap", "langid_accuracy"))
    assert result.mean.model_dump() == {"languages": 0, **nothing}
    assert result.languages["en"].gap == 0.0


def test_multilabel_by_language() -> None:
    gold = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1]], dtype=bool)
    predicted = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 1]], dtype=bool)
    result = by_language(gold, predicted, ["en", "en", "de", "de"], None, labels=LABELS, source="en")
    assert result.languages["en"].accuracy == 0.5
    assert result.languages["en"].macro_f1 == 0.5
    assert result.languages["de"].accuracy == 1.0


def test_another_language_changes_no_figure() -> None:
    gold, predicted = sample(200, 3, 0.7)
    languages = ["en", "de"] * 100
    alone = by_language(gold, predicted, languages, None, labels=LABELS, source="en")
    more_gold, more_predicted = np.append(gold, [0, 1]), np.append(predicted, [2, 1])
    more = by_language(more_gold, more_predicted, [*languages, "am", "am"], None, labels=LABELS, source="en")
    assert {code: more.languages[code] for code in ("en", "de")} == alone.languages


@pytest.mark.parametrize(
    ("gold", "predicted", "languages", "detected", "message"),
    [
        ([], [], [], None, "empty"),
        ([0, 1], [0], ["en", "en"], None, "shape"),
        ([0, 3], [0, 0], ["en", "en"], None, r"gold\[1\].* 3"),
        ([0, 0], [0, -1], ["en", "en"], None, r"predicted\[1\].* -1"),
        ([0.5], [0.5], ["en"], None, "integer"),
        ([0, 1], [0, 1], ["en"], None, "languages has 1 entries"),
        ([0, 1], [0, 1], ["en", ""], None, r"languages\[1\]"),
        ([0, 1], [0, 1], ["en", "en"], ["en", None], r"detected\[1\]"),
        (np.ones((2, 2), bool), np.ones((2, 2), bool), ["en", "en"], None, "2 columns"),
        (np.ones((2, 3), int), np.ones((2, 3), int), ["en", "en"], None, "boolean"),
        (np.ones(2, bool), np.ones(2, bool), ["en", "en"], None, "integer"),
    ],
)
def test_wrong_input_is_named(gold: Any, predicted: Any, languages: Any, detected: Any, message: str) -> None:
    with pytest.raises(XltError, match=message):
        by_language(gold, predicted, languages, detected, labels=LABELS, source="en")


def test_no_labels_is_named() -> None:
    with pytest.raises(XltError, match="labels is empty"):
        by_language([0], [0], ["en"], None, labels=[], source="en")

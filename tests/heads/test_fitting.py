"""The penalty chosen on development texts, and heads that learned nothing."""

import numpy as np
import pytest

pytest.importorskip("scipy")

from spacy_xlt.errors import XltError
from spacy_xlt.heads.fitting import Labeled, cross_validate, fit_head
from spacy_xlt.heads.layer import probabilities_of
from spacy_xlt.heads.logistic import L2_PATH, fit_path
from tests.heads.test_logistic import make_task


def halves(rows: np.ndarray, gold: np.ndarray) -> tuple[Labeled, Labeled]:
    middle = len(rows) // 2
    return Labeled(rows[:middle], gold[:middle]), Labeled(rows[middle:], gold[middle:])


@pytest.mark.parametrize("exclusive", [True, False])
def test_learns_what_there_is_and_chooses_a_penalty(exclusive: bool) -> None:
    train, dev = halves(*make_task(303, 3))
    fit = fit_head(train, dev, exclusive=exclusive)
    assert fit.l2 in L2_PATH
    right = (fit.layer(dev.features).argmax(axis=1) == dev.gold.argmax(axis=1)).mean()
    best = max(
        (layer(dev.features).argmax(axis=1) == dev.gold.argmax(axis=1)).mean()
        for layer in fit_path(train.features, train.gold, exclusive=exclusive)
    )
    assert right >= best - 0.03


@pytest.mark.parametrize("exclusive", [True, False])
def test_an_empty_text_gets_about_the_shares_of_the_labels(exclusive: bool) -> None:
    rows, gold = make_task(300, 3)
    kept = np.flatnonzero(gold[:, 0] + (np.arange(300) % 4 == 0))
    fit = fit_head(*halves(rows[kept], gold[kept]), exclusive=exclusive)
    found = probabilities_of(fit.layer(np.zeros((1, rows.shape[1]), dtype=np.float32)), exclusive)[0]
    np.testing.assert_allclose(found, gold[kept].mean(axis=0), atol=0.2)


@pytest.mark.parametrize("exclusive", [True, False])
def test_labels_by_chance_are_an_error(exclusive: bool) -> None:
    rows, gold = make_task(200, 2)
    train, dev = halves(rows, gold)
    # On the development texts the labels are the other way round: whatever is learned is wrong there.
    with pytest.raises(XltError, match="learned nothing: on 100 development texts"):
        fit_head(train, Labeled(dev.features, dev.gold[:, ::-1]), exclusive=exclusive)


def test_vectors_that_are_all_equal_are_an_error() -> None:
    _, gold = make_task(200, 2)
    with pytest.raises(XltError, match="learned nothing"):
        fit_head(*halves(np.ones((200, 4), dtype=np.float32), gold), exclusive=True)


# Cross-validation


def folds_of(n: int, number: int = 5) -> list[np.ndarray]:
    return [np.arange(n)[fold::number] for fold in range(number)]


@pytest.mark.parametrize("exclusive", [True, False])
def test_cross_validation_learns_from_all_texts(exclusive: bool) -> None:
    rows, gold = make_task(120, 3)
    fit, scores = cross_validate(Labeled(rows, gold), folds_of(120), exclusive=exclusive)
    assert fit.l2 in L2_PATH
    unseen = (scores.argmax(axis=1) == gold.argmax(axis=1)).mean()
    seen = (fit.layer(rows).argmax(axis=1) == gold.argmax(axis=1)).mean()
    assert 0.5 < unseen < seen


def test_a_text_does_not_change_its_own_score_in_cross_validation() -> None:
    rows, gold = make_task(60, 2)
    folds = folds_of(60)
    _, before = cross_validate(Labeled(rows, gold), folds, exclusive=True)
    changed = gold.copy()
    changed[7] = changed[7, ::-1]
    _, after = cross_validate(Labeled(rows, changed), folds, exclusive=True)
    # The order of the labels stays; the penalty and the temperature may change.
    assert before[7].argmax() == after[7].argmax()


@pytest.mark.parametrize("exclusive", [True, False])
def test_cross_validation_of_labels_by_chance_is_an_error(exclusive: bool) -> None:
    rows, _ = make_task(100, 2)
    gold = np.eye(2)[np.random.default_rng(0).integers(0, 2, 100)]
    with pytest.raises(XltError, match="learned nothing"):
        cross_validate(Labeled(rows, gold), folds_of(100), exclusive=exclusive)

"""How sure a classifier is."""

import numpy as np
import pytest

from spacy_xlt.heads.losses import log_probabilities
from spacy_xlt.heads.temperature import fit_temperature, temper, tempered_losses


def draw(true: float, exclusive: bool) -> tuple[np.ndarray, np.ndarray]:
    """Scores [n, 3] and labels drawn from what they say when divided by `true`."""
    chance = np.random.default_rng(0)
    scores = chance.normal(scale=3.0, size=(4000, 3))
    probabilities = log_probabilities(scores / true, exclusive)[1]
    if exclusive:
        return scores, np.eye(3)[[chance.choice(3, p=row) for row in probabilities]]
    return scores, (chance.random(scores.shape) < probabilities).astype(float)


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_the_temperature_is_found(true: float, exclusive: bool) -> None:
    scores, gold = draw(true, exclusive)
    assert fit_temperature(scores, gold, exclusive=exclusive) == pytest.approx(true, rel=0.1)


def test_texts_count_by_their_importance() -> None:
    (sure, sure_gold), (unsure, unsure_gold) = draw(0.5, True), draw(3.0, True)
    scores, gold = np.concatenate([sure, unsure]), np.concatenate([sure_gold, unsure_gold])
    importance = np.repeat([1.0, 0.0], [len(sure), len(unsure)])
    assert fit_temperature(scores, gold, importance=importance) == pytest.approx(0.5, rel=0.1)


def test_without_a_text_nothing_changes() -> None:
    assert fit_temperature(np.zeros((0, 3)), np.zeros((0, 3))) == 1.0


def test_tempering_divides_the_scores() -> None:
    scores = np.array([[2.0, 0.0, -1.0], [0.0, 20.0, 0.0]])
    before, after = (log_probabilities(scores / one, True)[1] for one in (1.0, 2.0))
    np.testing.assert_allclose(temper(before, 2.0), after, rtol=1e-6)
    assert (temper(np.array([[1.0, 0.0]]), 0.1) > 0).all()


def test_losses_tell_right_from_wrong_not_sure_from_unsure() -> None:
    scores, gold = draw(1.0, True)
    losses = tempered_losses(scores, gold)
    np.testing.assert_allclose(tempered_losses(5.0 * scores, gold), losses, rtol=1e-2, atol=1e-2)
    assert tempered_losses(scores[:, ::-1], gold).mean() > losses.mean() + 0.1
    halves = np.full(len(scores), 0.5)
    np.testing.assert_allclose(tempered_losses(scores, gold, importance=halves), 0.5 * losses, rtol=1e-3)

"""Paired tests, the correction for several tests, and texts that are translations of each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.evaluation.significance import holm, paired_test, parallel_rows

SIGNS = st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=60)


@settings(deadline=None, max_examples=15)
@given(SIGNS)
def test_the_p_value_is_that_of_the_exact_sign_test(signs: list[int]) -> None:
    """With gains of one size, approximate randomization is McNemar's exact test."""
    stats = pytest.importorskip("scipy.stats")
    discordant = sum(map(abs, signs))
    exact = stats.binomtest(signs.count(1), discordant).pvalue if discordant else 1.0
    assert paired_test(np.array(signs) / len(signs)).p == pytest.approx(exact, abs=0.015)


def test_gains_of_several_sizes_are_those_of_signs_drawn_text_by_text() -> None:
    rng = np.random.default_rng(0)
    gains = rng.choice([-0.02, -0.01, 0.0, 0.01, 0.03], 60)
    drawn = rng.choice([-1, 1], size=(20_000, 60)) @ gains
    expected = (np.abs(drawn) >= abs(gains.sum()) - 1e-9).mean()
    found = paired_test(gains)
    assert found.p == pytest.approx(expected, abs=0.015)
    rows = rng.integers(0, 60, size=(10_000, 60))
    assert found.interval == pytest.approx(tuple(np.percentile(gains[rows].sum(axis=1), [2.5, 97.5])), abs=0.02)


def test_the_same_seed_gives_the_same_result() -> None:
    gains = np.random.default_rng(0).choice([-0.01, 0.0, 0.01], 100)
    assert paired_test(gains, seed=3) == paired_test(gains, seed=3)


def test_models_without_a_difference() -> None:
    assert paired_test(np.zeros(5)) == (0.0, (0.0, 0.0), 1.0)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_languages_with_the_same_labels_in_the_same_order_are_parallel() -> None:
    languages = ["en", "en", "de", "de", "sw", "sw"]
    labels = [["a"], ["b"], ["a"], ["b"], ["b"], ["a"]]
    assert parallel_rows(languages, labels) == [0, 1, 0, 1, 2, 3]
    mixed = parallel_rows(["en", "de", "en", "de"], [["a"], ["a"], ["b"], ["b"]])
    assert mixed == [0, 0, 1, 1]

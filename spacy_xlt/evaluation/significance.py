"""Whether one model is better than another on the same texts."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from spacy_xlt.evaluation.intervals import Interval

RESAMPLES = 10_000
# Differences are sums of a few fractions. Without rounding, equal ones would differ in the last bits.
DIGITS = 12

Floats = npt.NDArray[np.float64]


class PairedTest(NamedTuple):
    """The comparison of two models on the same texts.

    Attributes:
        difference: The accuracy of the second model minus that of the first.
        interval: Its 95% confidence interval.
        p: The p-value of the two-sided test that the models are equally accurate.
    """

    difference: float
    interval: Interval
    p: float


def paired_test(gains: npt.ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> PairedTest:
    """Test whether the sum of paired gains differs from 0, by approximate randomization.

    If both models were equally good, each gain could as well have had the other sign. The p-value is the share of
    random signs that give a sum at least as far from 0. The interval is that of the paired bootstrap.

    Args:
        gains: What each text adds to the difference of the two models, [n]. For an accuracy, 1/n if only the second
            model is correct, -1/n if only the first one is, otherwise 0.
        resamples: The number of random draws.
        seed: The seed of the random numbers.

    References:
        Noreen (1989), "Computer-intensive methods for testing hypotheses", chapter 2 (approximate randomization; the
        observed sum counts as one of the draws). Yeh (2000), "More accurate tests for the statistical significance of
        result differences". Koehn (2004), "Statistical significance tests for machine translation evaluation", section
        4 (paired bootstrap).
    """
    values = np.round(np.asarray(gains, dtype=np.float64), DIGITS)
    chance = np.random.default_rng(seed)
    difference = float(values.sum())
    # Only the number of texts with each gain matters. So the draws are numbers of texts, not texts.
    sizes, counts = np.unique(np.abs(values[values != 0]), return_counts=True)
    signs = 2.0 * chance.binomial(counts, 0.5, size=(resamples, len(counts))) - counts
    as_far = np.abs(signs @ sizes) >= abs(difference) - 10.0**-DIGITS * len(values)
    distinct, counts = np.unique(values, return_counts=True)
    drawn = chance.multinomial(len(values), counts / len(values), size=resamples).astype(np.float64) @ distinct
    low, high = np.percentile(drawn, [2.5, 97.5])
    return PairedTest(difference, (float(low), float(high)), float((1 + as_far.sum()) / (1 + resamples)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values that are corrected for the number of tests, in the same order.

    If each corrected value is compared with 0.05, the probability of one or more false alarms is at most 5%.

    Args:
        p_values: The p-value of each test.

    References:
        Holm (1979), "A simple sequentially rejective multiple test procedure".
    """
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def parallel_rows(languages: Sequence[str], gold: Sequence[Sequence[str]]) -> list[int]:
    """Return which texts are translations of each other, as a number for each text.

    Benchmarks such as SIB-200 have the same texts in the same order in each language. Two models differ in similar
    ways on the translations of a text, so these must not count as independent texts. Languages whose texts have the
    same labels in the same order are taken to be parallel.

    Args:
        languages: The language of each text.
        gold: The labels of each text.

    Returns:
        A number for each text; translations of each other have the same number.
    """
    labels_of: dict[str, list[tuple[str, ...]]] = {}
    places = []
    for language, labels in zip(languages, gold, strict=True):
        of_language = labels_of.setdefault(language, [])
        places.append(len(of_language))
        of_language.append(tuple(sorted(labels)))
    first: dict[tuple[tuple[str, ...], ...], str] = {}
    like = {language: first.setdefault(tuple(of_language), language) for language, of_language in labels_of.items()}
    numbers: dict[tuple[str, int], int] = {}
    return [numbers.setdefault((like[language], place), len(numbers)) for language, place in zip(languages, places)]

"""95% confidence intervals of shares, of F1 scores and of differences."""

import numpy as np
import numpy.typing as npt

# The quantile of the standard normal distribution for 95%.
Z95 = 1.959963984540054

Interval = tuple[float, float]


def wilson(share: float, n: float) -> Interval:
    """Return the 95% confidence interval of a share of n texts.

    Unlike the normal approximation, it stays within 0 and 1, and it is not empty if all texts are correct.

    Args:
        share: The share, from 0 to 1.
        n: The number of texts, or an effective number; above 0.

    References:
        Wilson (1927), "Probable inference, the law of succession, and statistical inference". Brown, Cai and DasGupta
        (2001), "Interval estimation for a binomial proportion", equation 4.
    """
    squared = Z95 * Z95
    center = (share + squared / (2 * n)) / (1 + squared / n)
    half = Z95 * np.sqrt(share * (1 - share) / n + squared / (4 * n * n)) / (1 + squared / n)
    return float(max(0.0, center - half)), float(min(1.0, center + half))


def wilson_of_resamples(value: float, resampled: npt.NDArray[np.floating], n: float) -> Interval:
    """Return the 95% confidence interval of a figure whose variance the bootstrap estimates, such as an F1 score.

    It is the Wilson interval for the number of texts at which a share would have that variance. For few texts it
    covers the true F1 score more often than the percentiles of the resamples do: see benchmarks/reference.py.

    Args:
        value: The figure, from 0 to 1.
        resampled: The figure of each bootstrap resample, [resamples].
        n: The number of texts, for a figure that is the same in all resamples.

    References:
        Korn and Graubard (1998), "Confidence intervals for proportions with small expected number of positive counts
        estimated from survey data" (effective sample size). Efron and Tibshirani (1993), "An introduction to the
        bootstrap", chapter 6 (variance).
    """
    variance = float(np.var(resampled))
    spread = value * (1 - value)
    return wilson(value, spread / variance if variance > 1e-12 and spread > 1e-12 else n)


def difference_interval(first: float, first_interval: Interval, second: float, second_interval: Interval) -> Interval:
    """Return the 95% confidence interval of `first - second`, two figures of different texts.

    If the texts are translations of each other, the interval is wider than necessary.

    Args:
        first: The first figure.
        first_interval: Its interval.
        second: The second figure.
        second_interval: Its interval.

    References:
        Newcombe (1998), "Interval estimation for the difference between independent proportions", method 10.
    """
    difference = first - second
    below = np.hypot(first - first_interval[0], second_interval[1] - second)
    above = np.hypot(first_interval[1] - first, second - second_interval[0])
    return float(max(-1.0, difference - below)), float(min(1.0, difference + above))

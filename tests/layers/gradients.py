"""Gradients by finite differences, to hold those of backprop against."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEP = 1e-2  # the layers compute in float32: a smaller step would drown in rounding


def numeric_gradient(loss: Callable[[], float], values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The gradient of `loss`, which reads `values`, in every entry of `values` (left as they were)."""
    gradient = np.zeros(values.shape)
    for index in np.ndindex(*values.shape):
        before = values[index]
        values[index] = before + STEP
        above = loss()
        values[index] = before - STEP
        below = loss()
        values[index] = before
        gradient[index] = (above - below) / (2 * STEP)
    return gradient


def assert_same_gradient(found: Any, expected: NDArray[np.float64]) -> None:
    """Within what float32 and the step allow; and there is a gradient to speak of."""
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(np.asarray(found), expected, atol=2e-3 * np.abs(expected).max() + 1e-4)

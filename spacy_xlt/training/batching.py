"""Batches of examples of similar length, which need little padding."""

from collections.abc import Sequence

import numpy as np

# The rows of this many batches are drawn at random and sorted by length together.
POOL = 16


def epoch_batches(lengths: Sequence[int], batch_size: int, *, seed: int, epoch: int) -> list[list[int]]:
    """Return the batches of an epoch. Each is a list of rows, the longest text first.

    The order depends on `seed` and `epoch` only, so a resumed run reads the same batches.

    Args:
        lengths: The length of each row in word pieces.
        batch_size: The number of rows in a batch. The last batch can be smaller.
    """
    chance = np.random.default_rng([seed, epoch])
    order = chance.permutation(len(lengths)).tolist()
    batches: list[list[int]] = []
    for start in range(0, len(order), POOL * batch_size):
        pool = sorted(order[start : start + POOL * batch_size], key=lambda row: -lengths[row])
        of_pool = [pool[first : first + batch_size] for first in range(0, len(pool), batch_size)]
        batches += [of_pool[number] for number in chance.permutation(len(of_pool))]
    return batches

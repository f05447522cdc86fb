"""The order in which examples are read: in batches of like length, so that little is padding."""

from collections.abc import Sequence

import numpy as np

# Batches of this many are drawn at random together and sorted by length.
POOL = 16


def epoch_batches(lengths: Sequence[int], batch_size: int, *, seed: int, epoch: int) -> list[list[int]]:
    """Return the batches of an epoch: rows, the longest of a batch first.

    The order depends on `seed` and `epoch` alone, so a run that resumes reads what it would have read.

    Args:
        lengths: Of each row, in word pieces.
        batch_size: Rows in a batch; the last one can be smaller.
    """
    chance = np.random.default_rng([seed, epoch])
    order = chance.permutation(len(lengths)).tolist()
    batches: list[list[int]] = []
    for start in range(0, len(order), POOL * batch_size):
        pool = sorted(order[start : start + POOL * batch_size], key=lambda row: -lengths[row])
        of_pool = [pool[first : first + batch_size] for first in range(0, len(pool), batch_size)]
        batches += [of_pool[number] for number in chance.permutation(len(of_pool))]
    return batches

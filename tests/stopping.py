"""Trainings that are stopped in the middle."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from spacy_xlt.training.checkpoints import Checkpoints


@contextmanager
def stopped_after(epoch: int) -> Iterator[None]:
    """Stop the training in the block when its state after an epoch has been saved, as Ctrl-C does."""
    save = Checkpoints.save

    def save_and_stop(self: Checkpoints, done: int) -> None:
        save(self, done)
        if done == epoch:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpoints, "save", save_and_stop)
        yield

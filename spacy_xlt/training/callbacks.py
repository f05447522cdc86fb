"""Callbacks that the training loop calls at the end of each epoch."""

from collections.abc import Callable
from typing import Optional

from spacy_xlt.training.loop import EpochEnd


class LogLoss:
    """Report the mean loss of each epoch.

    Args:
        say: A function that takes a sentence, such as `print`.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    def __call__(self, end: EpochEnd) -> None:
        self.say(f"Epoch {end.epoch} of {end.epochs}: loss {end.loss:.4f}")


class EarlyStopping:
    """Stop training when a score on development data has not risen for several epochs (Prechelt 1998).

    Args:
        score: A function that returns the current score of the model. Higher is better.
        patience: The number of epochs without a new best score after which training stops.
    """

    def __init__(self, score: Callable[[], float], patience: int = 1) -> None:
        self.score, self.patience = score, patience
        self.best: Optional[float] = None
        self.waited = 0

    def __call__(self, end: EpochEnd) -> bool:
        score = self.score()
        if self.best is None or score > self.best:
            self.best, self.waited = score, 0
        else:
            self.waited += 1
        return self.waited >= self.patience

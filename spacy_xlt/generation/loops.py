"""Finding outputs that repeat themselves without end."""

from collections.abc import Hashable, Sequence
from typing import Optional

# An output loops if it ends in the same word pieces, of which there are at most PERIOD, at least REPEATS times, and the
# repetitions have at least PIECES word pieces together. So neither "1,000,000" nor "no, no, no" is a loop.
PERIOD, REPEATS, PIECES = 20, 4, 16


class LoopDetector:
    """Watches an output grow, word piece by word piece.

    Example:
        >>> detector = LoopDetector()
        >>> any(detector.add(piece) for piece in "to be or not to be that is the question".split())
        False
        >>> any(detector.add(piece) for piece in "it is " * 8)
        True
    """

    def __init__(self) -> None:
        self._pieces: list[Hashable] = []
        # For each period: how many of the last word pieces are equal to those one period before.
        self._equal = [0] * (PERIOD + 1)
        self.kept: Optional[int] = None

    def add(self, piece: Hashable) -> bool:
        """Add a word piece, and return whether the output loops. `kept` is then the number of word pieces to keep."""
        pieces, equal = self._pieces, self._equal
        for period in range(1, min(PERIOD, len(pieces)) + 1):
            equal[period] = equal[period] + 1 if pieces[-period] == piece else 0
        pieces.append(piece)
        if self.kept is None:
            for period in range(1, PERIOD + 1):
                if equal[period] + period >= max(PIECES, REPEATS * period) and equal[period]:
                    self.kept = len(pieces) - equal[period]
                    break
        return self.kept is not None


def find_loop(pieces: Sequence[Hashable]) -> Optional[int]:
    """Return how many word pieces to keep of an output that loops: up to the first repetition. None: it does not loop.

    A loop is found where `LoopDetector` first reports it, so an output that was stopped there is cut in the same way as
    one that was not.
    """
    detector = LoopDetector()
    for piece in pieces:
        if detector.add(piece):
            break
    return detector.kept

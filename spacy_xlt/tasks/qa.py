"""Extractive question answering on arrays: from scores of word pieces to answers, and how sure they are."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.encoders.pieces import Pieces, PieceTokenizer, PieceWindow
from spacy_xlt.extras import require
from spacy_xlt.tasks.model import TaskModel

# The outputs of the layer: whether an answer starts at a word piece, and whether it ends there.
LABELS = ("start", "end")
# The special word piece at the start of a window. Its scores are those of "the window has no answer".
NO_ANSWER = 0
# Windows whose states are in memory at once: about 100 MB.
CHUNK = 256
# An answer with at least this F1 counts as correct in the calibration.
CORRECT = 0.5


@dataclass(frozen=True)
class AnswerSpan:
    """The best answer that a text has to a question.

    Attributes:
        start: The first character.
        end: The character after the last one.
        margin: The score of the answer minus that of no answer. Both are sums of a start and an end.
    """

    start: int
    end: int
    margin: float


@dataclass(frozen=True)
class Reading:
    """The settings with which a reader finds answers. They are saved with the model.

    Attributes:
        window: The longest window in word pieces, with the question and special ones.
        overlap: The number of word pieces that neighboring windows share.
        longest: The largest number of word pieces of an answer.
        scale: The slope of the calibration.
        offset: Its intercept. The score of an answer is sigmoid(scale * margin + offset).
        min_score: The lowest score of an answer that is given.
    """

    window: int = 256
    overlap: int = 96
    longest: int = 30
    scale: float = 1.0
    offset: float = 0.0
    min_score: float = 0.5

    def score(self, margin: float) -> float:
        """Return the score of an answer: the calibrated probability that it is correct (Platt 1999)."""
        return float(1 / (1 + np.exp(-np.clip(self.scale * margin + self.offset, -30, 30))))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON types."""
        return asdict(self)


def gold_places(window: PieceWindow, start: int, end: int) -> Optional[tuple[int, int]]:
    """Return the places of the first and the last word piece of an answer among the ids of a window.

    Args:
        window: The window.
        start: The first character of the answer in the text.
        end: The character after the last one.

    Returns:
        The places; None if the window does not have the whole answer.
    """
    inside = [place for place, (first, last) in enumerate(window.spans, window.first) if first < end and last > start]
    if not inside:
        return None
    filled = [(first, last) for first, last in window.spans if first < last]
    if filled[0][0] > start or filled[-1][1] < end:
        return None
    return inside[0], inside[-1]


def touches(window: PieceWindow, start: int, end: int) -> bool:
    """Return whether a window has a word piece of an answer."""
    return any(first < end and last > start for first, last in window.spans)


def best_span(starts: NDArray[np.floating], ends: NDArray[np.floating], longest: int) -> tuple[int, int, float]:
    """Return the span with the highest sum of start and end.

    Args:
        starts: The score of each place as a start, [n].
        ends: The score of each place as an end, [n].
        longest: The largest number of places in a span.

    Returns:
        The first place, the last place and the sum. It is minus infinity if every place is excluded by such scores.
    """
    longest = min(longest, len(starts))
    padded = np.concatenate([ends, np.full(longest - 1, -np.inf, dtype=ends.dtype)])
    sums = starts[:, None] + np.lib.stride_tricks.sliding_window_view(padded, longest)
    first, more = np.unravel_index(int(sums.argmax()), sums.shape)
    return int(first), int(first + more), float(sums[first, more])


def answer_of_window(scores: Floats2d, window: PieceWindow, longest: int) -> Optional[AnswerSpan]:
    """Return the best answer in a window.

    Args:
        scores: The scores of its word pieces, [len(window.ids), 2].
        window: The window.
        longest: The largest number of word pieces of an answer.

    Returns:
        The answer; None if the window has only space.
    """
    of_text = scores[window.text_places].astype(np.float64)
    of_text[[first >= last for first, last in window.spans]] = -np.inf
    first, last, total = best_span(of_text[:, 0], of_text[:, 1], longest)
    if not np.isfinite(total):
        return None
    return AnswerSpan(window.spans[first][0], window.spans[last][1], total - float(scores[NO_ANSWER].sum()))


def find_answers(model: TaskModel, pairs: Sequence[tuple[str, str]], reading: Reading) -> list[Optional[AnswerSpan]]:
    """Return the best answer of each pair of a question and a text.

    The scores of a window are relative to its own score of no answer, so that windows can be compared.

    Args:
        model: The trained model.
        pairs: Questions with their texts. They may be in different languages.
        reading: See `Reading`.

    Returns:
        The answers; None where the question or the text is blank.
    """
    found: list[Optional[AnswerSpan]] = [None] * len(pairs)
    windows = list(_windows(model.tokenizer, pairs, reading))
    for start in range(0, len(windows), CHUNK):
        part = windows[start : start + CHUNK]
        for (row, window), scores in zip(part, model.scores([window.ids for _, window in part])):
            best, answer = found[row], answer_of_window(scores, window, reading.longest)
            if answer is not None and (best is None or answer.margin > best.margin):
                found[row] = answer
    return found


def _windows(
    tokenizer: PieceTokenizer, pairs: Sequence[tuple[str, str]], reading: Reading
) -> list[tuple[int, PieceWindow]]:
    """Return the windows of all pairs, each with the number of its pair. Each text is split only once."""
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    pieces: dict[str, Pieces] = dict(zip(texts, tokenizer.pieces(texts)))
    result = []
    for row, (question, text) in enumerate(pairs):
        if question.strip():
            windows = tokenizer.windows_after(
                pieces[question], pieces[text], length=reading.window, overlap=reading.overlap
            )
            result += [(row, window) for window in windows]
    return result


def calibrate(margins: Sequence[float], f1: Sequence[float], answerable: Sequence[bool]) -> tuple[float, float, float]:
    """Fit the probability that an answer is correct, and the lowest score of an answer that is given.

    Args:
        margins: The margin of each answer, [n].
        f1: The F1 of each answer, [n]; 0 for questions that the text does not answer.
        answerable: Whether the text answers the question, [n].

    Returns:
        The slope and the intercept of a logistic regression on the margins (Platt 1999), and the score from which on an
        answer is given, so that the mean F1 is highest. No answer has the F1 1 for a question that the text does not
        answer, and 0 for others, as in SQuAD 2 (Rajpurkar et al. 2018).
    """
    require("train", "sklearn")
    from sklearn.linear_model import LogisticRegression

    x, gains = np.asarray(margins, dtype=np.float64), np.asarray(f1, dtype=np.float64)
    correct = gains >= CORRECT
    default = Reading()
    if correct.all() or not correct.any():
        return default.scale, default.offset, default.min_score
    fit = LogisticRegression().fit(x[:, None], correct)
    scale, offset = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    if scale <= 0:
        return default.scale, default.offset, default.min_score
    return scale, offset, _threshold(scale * x + offset, gains, ~np.asarray(answerable))


def _threshold(scores: NDArray[np.float64], gains: NDArray[np.float64], refused: NDArray[np.bool_]) -> float:
    """Return the probability from which on answers are given, for the highest mean of gains.

    Args:
        scores: The log-odds of each answer, [n].
        gains: What giving it gains, [n].
        refused: Whether giving none gains 1, [n]. Else it gains 0.
    """
    order = np.argsort(-scores)
    # The gain if the best k answers are given, for each k.
    given = np.concatenate([[0.0], np.cumsum(gains[order])])
    withheld = refused.sum() - np.concatenate([[0], np.cumsum(refused[order])])
    ordered = scores[order]
    # Answers with the same score are given together.
    splits = np.concatenate([[True], ordered[:-1] > ordered[1:], [True]])
    k = int(np.where(splits, given + withheld, -np.inf).argmax())
    cut = ordered[-1] - 1 if k == len(ordered) else ordered[0] + 1 if k == 0 else (ordered[k - 1] + ordered[k]) / 2
    return float(1 / (1 + np.exp(-np.clip(cut, -30, 30))))

"""From scores of word pieces to answers, and the calibration."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_xlt.encoders.pieces import PieceWindow
from spacy_xlt.tasks.qa import Reading, answer_of_window, best_span, calibrate, gold_places, touches

SCORES = arrays(np.float32, st.integers(1, 12), elements=st.floats(-10, 10, width=32))


@settings(deadline=None)
@given(st.data(), SCORES, st.integers(1, 15))
def test_the_best_span_is_that_of_a_search_through_all(data: st.DataObject, starts: np.ndarray, longest: int) -> None:
    ends = data.draw(arrays(np.float32, len(starts), elements=st.floats(-10, 10, width=32)))
    first, last, total = best_span(starts, ends, longest)
    n = len(starts)
    sums = [starts[a] + ends[b] for a in range(n) for b in range(a, min(n, a + longest))]
    assert first <= last < min(n, first + longest)
    assert total == pytest.approx(max(sums)) == pytest.approx(starts[first] + ends[last])


# "<s> Q </s> ab _ cd e </s>": the text is "ab cde", and the third word piece is a space.
WINDOW = PieceWindow([0, 9, 2, 5, 6, 7, 8, 2], 3, [(0, 2), (3, 3), (3, 5), (5, 6)])


def test_an_answer_in_characters() -> None:
    scores = np.zeros((8, 2), dtype=np.float32)
    scores[0] = (0.5, 0.25)
    scores[1] = 9  # in the question
    scores[4] = 9  # the space
    scores[5, 0] = scores[6, 1] = 2
    answer = answer_of_window(scores, WINDOW, 30)
    assert answer is not None
    assert (answer.start, answer.end, answer.margin) == (3, 6, pytest.approx(4 - 0.75))
    shorter = answer_of_window(scores, WINDOW, 1)
    assert shorter is not None and (shorter.start, shorter.end) in {(3, 5), (5, 6)}
    assert answer_of_window(scores, PieceWindow([0, 9, 2, 5, 2], 3, [(3, 3)]), 30) is None


@pytest.mark.parametrize(
    ("start", "end", "places", "touched"),
    [
        (0, 2, (3, 3), True),
        (1, 4, (3, 5), True),
        (3, 6, (5, 6), True),
        (2, 3, None, False),
        (5, 9, None, True),
        (7, 9, None, False),
    ],
)
def test_the_places_of_an_answer(start: int, end: int, places: tuple[int, int] | None, touched: bool) -> None:
    assert gold_places(WINDOW, start, end) == places
    assert touches(WINDOW, start, end) is touched


def test_the_calibration_gives_the_answers_that_gain() -> None:
    pytest.importorskip("sklearn")
    margins = [5.0, 4.0, 3.0, 2.0, 1.0, 0.0, -1.0]
    f1 = [1.0, 0.8, 1.0, 0.0, 0.1, 0.0, 0.0]
    answerable = [True, True, True, False, True, False, False]
    scale, offset, min_score = calibrate(margins, f1, answerable)
    reading = Reading(scale=scale, offset=offset, min_score=min_score)
    assert [reading.score(margin) >= min_score for margin in margins] == [True, True, True, *[False] * 4]
    assert all(0 <= reading.score(margin) <= 1 for margin in (-1e9, 0.0, 1e9))


def test_a_calibration_without_two_kinds_of_answers_is_the_default() -> None:
    pytest.importorskip("sklearn")
    for f1 in ([1.0, 1.0], [0.0, 0.2]):
        assert calibrate([1.0, 2.0], f1, [True, True]) == (1.0, 0.0, 0.5)
    # Worse answers have higher margins.
    assert calibrate([1.0, 2.0], [1.0, 0.0], [True, True]) == (1.0, 0.0, 0.5)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(-20, 20), st.booleans(), st.floats(0, 1)), min_size=1, max_size=20))
def test_no_other_threshold_gains_more(rows: list[tuple[float, bool, float]]) -> None:
    pytest.importorskip("sklearn")
    margins = [margin for margin, _, _ in rows]
    answerable = [is_answerable for _, is_answerable, _ in rows]
    f1 = [gain if is_answerable else 0.0 for _, is_answerable, gain in rows]
    scale, offset, min_score = calibrate(margins, f1, answerable)
    if (scale, offset) == (1.0, 0.0):
        return
    reading = Reading(scale=scale, offset=offset)
    scores = [reading.score(margin) for margin in margins]

    def gain(threshold: float) -> float:
        pairs = zip(scores, f1, answerable)
        return sum(value if score >= threshold else float(not possible) for score, value, possible in pairs)

    assert gain(min_score) >= max(gain(threshold) for threshold in [0.0, *scores, 1.1]) - 1e-6

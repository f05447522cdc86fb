"""Outputs that repeat themselves without end."""

from hypothesis import given
from hypothesis import strategies as st

from spacy_xlt.generation.loops import PERIOD, PIECES, REPEATS, LoopDetector, find_loop


@given(st.lists(st.integers(0, 3), max_size=30), st.lists(st.integers(4, 40), min_size=1, max_size=PERIOD, unique=True))
def test_a_loop_is_cut_after_its_first_round(before: list[int], repeated: list[int]) -> None:
    if find_loop(before) is not None:
        return
    kept = find_loop([*before, *repeated * max(REPEATS, PIECES)])
    assert kept == len(before) + len(repeated)


@given(st.lists(st.integers(0, 2), max_size=60), st.lists(st.integers(0, 2), max_size=10))
def test_what_follows_the_detection_does_not_matter(pieces: list[int], more: list[int]) -> None:
    kept = find_loop(pieces)
    if kept is not None:
        assert find_loop([*pieces, *more]) == kept


def test_numbers_and_lists_are_no_loops() -> None:
    for text in ("1 0 0 0 0 0 0 0 0 0", "no no no", "a b c a b c a b c d"):
        assert find_loop(text.split()) is None


def test_a_detector_reports_a_loop_as_soon_as_it_is_one() -> None:
    detector = LoopDetector()
    found = [detector.add("x") for _ in range(PIECES + 3)]
    assert found.index(True) == PIECES - 1 and all(found[PIECES - 1 :])

"""Evaluation of an FAQ on conversations, turn by turn."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.data.dataset import Data
from spacy_xlt.errors import XltError
from spacy_xlt.search.answers import ANSWER_ID_FIELD, FOLLOW_UP, KIND_FIELD, OUT_OF_SCOPE, QUESTION, SMALL_TALK
from spacy_xlt.search.entries import Entry, read_entries
from spacy_xlt.search.faq import FAQ, Reply

Figures = dict[str, Any]


@dataclass(frozen=True)
class Turn:
    """A turn of a conversation and what the FAQ makes of it.

    Attributes:
        entry: The turn, as it is in the data.
        kind: The kind of the turn.
        gold: The id of the right answer; None if there is none.
        reply: The reply.
        scores: The scores of all answers, `[answers]`.
        best: The id of the answer with the highest score, whether it is given or not.
    """

    entry: Entry
    kind: str
    gold: Optional[str]
    reply: Reply
    scores: Floats
    best: str


def run_conversations(faq: FAQ, data: Data, *, context: bool = True) -> list[Turn]:
    """Ask all turns of conversations, each conversation in order.

    Args:
        faq: The FAQ.
        data: Records with the fields `text`, `answer_id`, and optionally `kind`, `dialogue` and `turn`.
        context: Whether the FAQ gets the replies before each turn.

    Returns:
        The turns, in the order of the data.
    """
    entries, _ = read_entries(data)
    conversations: dict[str, list[int]] = defaultdict(list)
    for number, entry in enumerate(entries):
        conversations[str(entry.fields.get("dialogue", f"#{number}"))].append(number)
    turns: dict[int, Turn] = {}
    for numbers in conversations.values():
        history: list[Reply] = []
        for number in sorted(numbers, key=lambda number: int(entries[number].fields.get("turn", 1))):
            turn = _ask(faq, entries[number], history if context else [])
            history.append(turn.reply)
            turns[number] = turn
    return [turns[number] for number in sorted(turns)]


def _ask(faq: FAQ, entry: Entry, history: Sequence[Reply]) -> Turn:
    gold = entry.fields.get(ANSWER_ID_FIELD) or None
    kind = str(entry.fields.get(KIND_FIELD) or (QUESTION if gold else OUT_OF_SCOPE))
    scores = faq.scores(entry.text, history)
    return Turn(entry, kind, gold, faq.ask(entry.text, history), scores, faq.answers.ids[int(scores.argmax())])


def evaluate_faq(faq: FAQ, data: Data) -> Figures:
    """Measure an FAQ on conversations, turn by turn.

    Args:
        faq: The FAQ.
        data: Records with the fields `text`, `lang`, `answer_id` (empty without an answer in the base), and optionally
            `kind` (question, follow_up, out_of_scope, small_talk), `dialogue` and `turn`.

    Returns:
        {"languages": {code: figures}, "all": figures}. The figures are: "questions", their number, and "accuracy", the
        share whose best answer is right; "answered" and "correct", the shares of the questions that get an answer and
        the right one; "follow_ups" and "accuracy_follow_ups", with the context, and "..._without_context";
        "out_of_scope", the number of questions without an answer in the base, "refused", the share that gets none, and
        "auroc", the area under the ROC curve of the confidence for questions in and out of scope; "small_talk".

    Raises:
        XltError: There are no questions.
    """
    turns = run_conversations(faq, data)
    if not any(turn.kind == QUESTION for turn in turns):
        raise XltError("There are no questions to evaluate the FAQ on. Give some with an answer in the base.")
    alone = run_conversations(faq, data, context=False)
    codes = sorted({turn.entry.language for turn in turns})
    return {
        "languages": {code: _figures(*(_of_language(each, code) for each in (turns, alone))) for code in codes},
        "all": _figures(turns, alone),
    }


def _of_language(turns: Sequence[Turn], code: str) -> list[Turn]:
    return [turn for turn in turns if turn.entry.language == code]


def _figures(turns: Sequence[Turn], alone: Sequence[Turn]) -> Figures:
    questions = list(_of_kind(turns, QUESTION))
    outside = list(_of_kind(turns, OUT_OF_SCOPE))
    talk = list(_of_kind(turns, SMALL_TALK))
    return {
        "questions": len(questions),
        "accuracy": _share(turn.best == turn.gold for turn in questions),
        "accuracy_without_context": _share(turn.best == turn.gold for turn in _of_kind(alone, QUESTION)),
        "answered": _share(turn.reply.kind != "unknown" for turn in questions),
        "correct": _share(turn.reply.answer_id == turn.gold for turn in questions),
        "follow_ups": sum(turn.kind == FOLLOW_UP for turn in turns),
        "accuracy_follow_ups": _share(turn.best == turn.gold for turn in _of_kind(turns, FOLLOW_UP)),
        "accuracy_follow_ups_without_context": _share(turn.best == turn.gold for turn in _of_kind(alone, FOLLOW_UP)),
        "out_of_scope": len(outside),
        "refused": _share(turn.reply.kind == "unknown" for turn in outside),
        "auroc": _auroc([turn.reply.confidence for turn in questions], [turn.reply.confidence for turn in outside]),
        "small_talk": len(talk),
        "accuracy_small_talk": _share(turn.reply.kind == "small_talk" for turn in talk),
    }


def _of_kind(turns: Sequence[Turn], kind: str) -> Iterator[Turn]:
    return (turn for turn in turns if turn.kind == kind)


def _share(values: Iterator[bool]) -> Optional[float]:
    """The share of true values; None without values."""
    found = list(values)
    return sum(found) / len(found) if found else None


def _auroc(inside: Sequence[float], outside: Sequence[float]) -> Optional[float]:
    """The probability that a question in scope has a higher confidence than one out of scope; a tie counts half."""
    if not inside or not outside:
        return None
    difference = np.array(inside)[:, None] - np.array(outside)[None]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())

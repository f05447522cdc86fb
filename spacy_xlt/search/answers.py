"""The answers of an FAQ: which texts of an index belong to each, and the score of each answer for a question."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.alignment.base import Integers
from spacy_xlt.errors import XltError
from spacy_xlt.search.index import Hit

# The fields of a base. A row without an answer is another wording of the question with the same `answer_id`.
ANSWER_FIELD, ANSWER_ID_FIELD, TOPIC_FIELD, KIND_FIELD = "answer", "answer_id", "topic", "kind"
# The kinds of turns in conversations. A question has an answer in the base and is understood alone; a follow-up is
# understood only with the turn before it.
QUESTION, FOLLOW_UP, OUT_OF_SCOPE, SMALL_TALK = "question", "follow_up", "out_of_scope", "small_talk"
# The kind of the entries whose text is an answer, not a question.
ANSWER_KIND = "answer"
# The weight of the cosine of the answer's own text beside that of its nearest question. See benchmarks/faq.py.
ANSWER_WEIGHT = 0.5
# What `features` returns.
FEATURES = 3


@dataclass(frozen=True)
class Answers:
    """The answers of a base and the rows of their texts.

    Attributes:
        ids: The id of each answer.
        texts: For each answer, its text in each language: {language: text}.
        small_talk: Whether each answer is small talk, `[answers]`.
        question_of: The answer that each entry of the index is a question for, `[n]`; -1 if its text is an answer.
        answer_of: The answer whose text each entry of the index has, `[n]`; -1 if it is a question.
    """

    ids: list[str]
    texts: list[dict[str, str]]
    small_talk: Integers
    question_of: Integers
    answer_of: Integers

    @classmethod
    def of(cls, entries: Iterable[Hit]) -> "Answers":
        """Read the answers from the entries of an index.

        Raises:
            XltError: There is no answer, or a question has none.
        """
        texts: dict[str, dict[str, str]] = {}
        talk: set[str] = set()
        rows: list[tuple[str, bool]] = []
        for entry in entries:
            id = str(entry.fields.get(ANSWER_ID_FIELD) or entry.id)
            is_answer = entry.fields.get(KIND_FIELD) == ANSWER_KIND
            rows.append((id, is_answer))
            known = texts.setdefault(id, {})
            answer = entry.text if is_answer else entry.fields.get(ANSWER_FIELD)
            if isinstance(answer, str) and answer.strip():
                known.setdefault(entry.language, answer)
            if entry.fields.get(TOPIC_FIELD) == SMALL_TALK:
                talk.add(id)
        without = next((id for id, known in texts.items() if not known), None)
        if without is not None:
            raise XltError(
                f"The question '{without}' has no answer. Add a field '{ANSWER_FIELD}', or the '{ANSWER_ID_FIELD}' of "
                "a question that has one."
            )
        if not texts:
            raise XltError("The base has no answers. Give at least one question with its answer.")
        number = {id: place for place, id in enumerate(texts)}
        return cls(
            list(texts),
            list(texts.values()),
            np.array([id in talk for id in texts]),
            np.array([-1 if is_answer else number[id] for id, is_answer in rows]),
            np.array([number[id] if is_answer else -1 for id, is_answer in rows]),
        )

    def scores(self, cosines: Floats) -> Floats:
        """Return the score of each answer, `[q, answers]`.

        It is the cosine of the nearest question, and ANSWER_WEIGHT times the cosine of the answer's text, of which the
        mean over all answers is subtracted. Small talk has no text in the index, so its score is that of the question.

        Args:
            cosines: The cosine of each question with each entry of the index, `[q, n]`.
        """
        questions = _highest(cosines, self.question_of, len(self.ids))
        texts = _highest(cosines, self.answer_of, len(self.ids))
        there = np.isfinite(texts)
        means = np.where(there, texts, 0).sum(axis=1, keepdims=True) / np.maximum(there.sum(axis=1, keepdims=True), 1)
        return np.asarray(questions + ANSWER_WEIGHT * np.where(there, texts - means, 0), dtype=np.float32)


def _highest(cosines: Floats, groups: Integers, n: int) -> Floats:
    """The highest cosine `[q, n]` of each group; minus infinity for a group without entries."""
    found = np.full((n, len(cosines)), -np.inf, dtype=np.float32)
    members = np.flatnonzero(groups >= 0)
    np.maximum.at(found, groups[members], cosines.T[members])
    return found.T


def features(scores: Floats) -> Floats:
    """Return what tells whether the best answer is right, `[q, 3]`: its score, and its lead on the next and the mean.

    Args:
        scores: The scores of the answers, `[q, answers]`; minus infinity for answers that are excluded.
    """
    if scores.shape[1] < 2:
        best = scores[:, 0]
        return np.stack([best, np.zeros_like(best), np.zeros_like(best)], axis=1)
    top = -np.partition(-scores, 1, axis=1)[:, :2]
    finite = np.isfinite(scores)
    mean = np.where(finite, scores, 0.0).sum(axis=1) / np.maximum(finite.sum(axis=1), 1)
    second = np.where(np.isfinite(top[:, 1]), top[:, 1], top[:, 0])
    return np.stack([top[:, 0], top[:, 0] - second, top[:, 0] - mean], axis=1)

"""`FAQ`: answer questions in any language from a base of questions with answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Optional, Union

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.data.dataset import Data
from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN
from spacy_xlt.search.answers import (
    ANSWER_ID_FIELD,
    ANSWER_KIND,
    FOLLOW_UP,
    KIND_FIELD,
    SMALL_TALK,
    Answers,
    features,
)
from spacy_xlt.search.confidence import Confidence, fit_confidence
from spacy_xlt.search.embedding import embed
from spacy_xlt.search.entries import ID_FIELD, LANGUAGE_FIELD, TEXT_FIELD, read_entries
from spacy_xlt.search.index import Index

SETTING = "faq"
# The weight of the question together with the one before it, beside the question alone. See benchmarks/faq.py.
CONTEXT_WEIGHT = 0.7
SUGGESTIONS = 3
UNKNOWN_REPLY = "I do not know the answer to that. Please ask in other words."


@dataclass(frozen=True)
class Reply:
    """The reply to a question.

    Attributes:
        kind: `answer`; `small_talk`; or `unknown` if the confidence is too low.
        answer: The text of the answer; empty for `unknown`.
        answer_id: The id of the answer; None for `unknown`.
        language: The base code of the language of the answer.
        confidence: The probability that the base has an answer to the question.
        question: The question.
        question_language: The base code of its language.
        suggestions: The ids of the best answers, the best first.
    """

    kind: Literal["answer", "small_talk", "unknown"]
    answer: str
    answer_id: Optional[str]
    language: str
    confidence: float
    question: str
    question_language: str
    suggestions: list[str] = field(default_factory=list)

    def shown(self) -> str:
        """Return the text to show: the answer, or that there is none."""
        return self.answer or UNKNOWN_REPLY


class FAQ:
    """Find the answer to a question in any language.

    Each text of the index is a question with the field `answer`. Several questions with the same `answer_id` have the
    same answer; one of them must hold it. An answer can be there in several languages. Questions whose `topic` is
    `small_talk`, such as greetings, get their answer as small talk.

    Args:
        index: The index of the questions. Make it with `FAQ.build`, which indexes the answers, too.

    Attributes:
        index: The index.
        confidence: The calibration that decides whether an answer is given. `calibrate` replaces it.

    Raises:
        XltError: There is no answer, or a question has none.

    Example:
        faq = xlt.FAQ.build("answers.jsonl", "model")
        reply = faq.ask("Was kostet der Versand?")
        faq.ask("Und in die Schweiz?", [reply]).answer
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self.answers = Answers.of(index)
        saved = index.settings.get(SETTING)
        self.confidence = Confidence.default() if saved is None else Confidence.from_dict(saved)

    @classmethod
    def build(cls, data: Data, nlp: Union[Language, str, Path, None] = None, *, progress: bool = True) -> "FAQ":
        """Index a base of questions with answers.

        Args:
            data: Records with the fields `text` (a question), `answer`, and optionally `id`, `answer_id`, `lang` and
                `topic`: whatever `load_dataset` takes.
            nlp: A pipeline with `xlt_encoder`, or a model folder. None: the default encoder, without a projection.
            progress: Show a progress bar.

        Raises:
            XltError: The data cannot be read, or a question has no answer.
        """
        index = Index(nlp)
        index.add(data, progress=progress)
        return cls.of(index, progress=progress)

    @classmethod
    def of(cls, index: Index, *, progress: bool = True) -> "FAQ":
        """Add the texts of the answers to an index of questions. See `build`."""
        answers = Answers.of(index)
        # The text of an answer is indexed in one language only: where a few answers are translated, questions in that
        # language would find these, whatever they ask.
        rows = [
            {
                ID_FIELD: f"{id}.answer",
                TEXT_FIELD: answer,
                LANGUAGE_FIELD: language,
                ANSWER_ID_FIELD: id,
                KIND_FIELD: ANSWER_KIND,
            }
            for id, texts, is_talk in zip(answers.ids, answers.texts, answers.small_talk)
            for language, answer in list(texts.items())[:1]
            if not is_talk
        ]
        if rows:
            index.add(rows, progress=progress)
        return cls(index)

    @classmethod
    def load(cls, folder: Union[str, Path], nlp: Union[Language, str, Path, None] = None) -> "FAQ":
        """Load an FAQ that `save` has written. See `Index.load`."""
        return cls(Index.load(folder, nlp))

    def save(self, folder: Union[str, Path]) -> None:
        """Save the index and the calibration. See `Index.save`."""
        self.index.save(folder)

    def ask(self, question: str, history: Sequence[Reply] = (), *, language: Optional[str] = None) -> Reply:
        """Answer a question.

        If there is a history, the question is also read together with the one before it, and the answer that was given
        to that one is not given again. So "And to Switzerland?" is understood.

        Args:
            question: The question.
            history: The replies so far in this conversation, in order.
            language: The language of the question, a code or an English name; None: it is detected.

        Returns:
            The reply, in the language of the question if the base has the answer in it.
        """
        scores, found = self._scores(question, history, language)
        return self._reply(question, scores, found)

    def calibrate(self, data: Data, *, false_alarms: float = 0.05) -> None:
        """Learn from questions how likely it is that the base has an answer, and when none should be given.

        Args:
            data: Records with the fields `text` and `answer_id`, which is empty for a question without an answer in the
                base: whatever `load_dataset` takes. At least 20, in the languages of your users. Records whose `kind`
                is `follow_up` or `small_talk` are left out.
            false_alarms: The share of the questions with an answer in the base that may get none.

        Raises:
            XltError: There are too few questions, or an answer is not in the base.
        """
        read, _ = read_entries(data)
        entries = [entry for entry in read if entry.fields.get(KIND_FIELD) not in (FOLLOW_UP, SMALL_TALK)]
        answered = [entry.fields.get(ANSWER_ID_FIELD) for entry in entries]
        unknown = next((id for id in answered if id and id not in self.answers.ids), None)
        if unknown is not None:
            raise XltError(f"The base has no answer '{unknown}', which a question of the calibration names.")
        rows = [self._scores(entry.text, (), _given(entry.language))[0] for entry in entries]
        scores = np.concatenate(rows) if rows else np.empty((0, len(self.answers.ids)), dtype=np.float32)
        self.fit_confidence(scores, np.array(list(map(bool, answered))), false_alarms=false_alarms)

    def fit_confidence(self, scores: Floats, in_scope: NDArray[np.bool_], *, false_alarms: float = 0.05) -> None:
        """Calibrate with the scores of the answers `[q, answers]`, and whether the base has an answer `[q]`."""
        self.confidence = fit_confidence(features(scores), in_scope, false_alarms=false_alarms)
        self.index.settings[SETTING] = self.confidence.to_dict()

    def scores(self, question: str, history: Sequence[Reply] = (), *, language: Optional[str] = None) -> Floats:
        """Return the score of each answer for a question, `[answers]`, in the order of `answers.ids`. See `ask`."""
        return self._scores(question, history, language)[0][0]

    def _scores(self, question: str, history: Sequence[Reply], language: Optional[str]) -> tuple[Floats, str]:
        """The scores of the answers, `[1, answers]`, and the language of the question."""
        last = history[-1] if history else None
        if last is None or not last.question.strip() or last.question.strip() == question.strip():
            embedded = embed(self.index.nlp, [question], [language or ""])
            return self.answers.scores(self.index.cosines(embedded.vectors)), embedded.languages[0]
        # The language of two questions together is detected more reliably than that of a short one.
        together = embed(self.index.nlp, [f"{last.question} {question}"], [language or ""])
        alone = embed(self.index.nlp, [question], together.languages)
        scores = self.answers.scores(self.index.cosines(np.concatenate([alone.vectors, together.vectors])))
        mixed = (1 - CONTEXT_WEIGHT) * scores[:1] + CONTEXT_WEIGHT * scores[1:]
        mixed[:, self.answers.small_talk] = scores[:1, self.answers.small_talk]
        if last.kind == "answer" and last.answer_id in self.answers.ids and len(self.answers.ids) > 1:
            mixed[:, self.answers.ids.index(last.answer_id)] = -np.inf
        return mixed, together.languages[0]

    def _reply(self, question: str, scores: Floats, language: str) -> Reply:
        confidence = float(self.confidence(features(scores))[0])
        order = np.argsort(-scores[0], kind="stable")
        suggestions = [self.answers.ids[number] for number in order[:SUGGESTIONS] if np.isfinite(scores[0, number])]
        if not question.strip() or confidence < self.confidence.threshold:
            return Reply("unknown", "", None, language, confidence, question, language, suggestions)
        best = int(order[0])
        texts = self.answers.texts[best]
        own = language if language in texts else next(iter(texts))
        kind: Literal["answer", "small_talk"] = "small_talk" if self.answers.small_talk[best] else "answer"
        return Reply(kind, texts[own], self.answers.ids[best], own, confidence, question, language, suggestions)


def _given(language: str) -> Optional[str]:
    return None if language == UNKNOWN else language

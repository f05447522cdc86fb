"""`xlt_qa`: the component that answers questions with spans of a text."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Optional, Union

from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.encoders.base import TextEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.extensions import claim_extensions, set_extensions
from spacy_xlt.pipeline.encoder import DEFAULT_CONFIG as ENCODER_CONFIG
from spacy_xlt.pipeline.requirements import require_extra
from spacy_xlt.pipeline.task import TaskPipe
from spacy_xlt.tasks.qa import AnswerSpan, Reading, find_answers

DEFAULT_CONFIG: dict[str, Any] = {"encoder": ENCODER_CONFIG["encoder"]}
EXTENSIONS = ("xlt_question", "xlt_answer")


@Language.factory("xlt_qa", default_config=DEFAULT_CONFIG, assigns=["doc._.xlt_answer"])
def make_qa(nlp: Language, name: str, *, encoder: TextEncoder) -> "QuestionAnswerer":
    """Make the component for `nlp.add_pipe`. See `QuestionAnswerer`."""
    require_extra(nlp, encoder)
    return QuestionAnswerer(name, encoder=encoder)


@dataclass(frozen=True)
class Answer:
    """An answer to a question. It is false if the text does not answer the question.

    Attributes:
        text: The answer, as it is written in the text; empty if the text does not answer the question.
        start: The first character of the answer.
        end: The character after the last one.
        score: The probability that the answer is correct. For an empty answer, that of the best one, which is too low.
        doc: The Doc that was read; None if a string was read.
    """

    text: str
    start: int
    end: int
    score: float
    doc: Optional[Doc] = field(default=None, repr=False, compare=False)

    def __bool__(self) -> bool:
        return bool(self.text)

    @property
    def span(self) -> Optional[Span]:
        """The tokens that the answer has a part of; None if the answer is empty, or a string was read."""
        if self.doc is None or not self:
            return None
        return self.doc.char_span(self.start, self.end, alignment_mode="expand")

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON types, without the Doc."""
        return {"text": self.text, "start": self.start, "end": self.end, "score": self.score}


NOTHING = AnswerSpan(0, 0, float("-inf"))


class QuestionAnswerer(TaskPipe):
    """Answer questions with the words of a text. The question and the text may be in different languages.

    In a pipeline, the component answers `doc._.xlt_question`, and writes `doc._.xlt_answer`: a dictionary with `text`,
    `start`, `end` (characters) and `score`. The text is empty if the Doc does not answer the question. Docs without a
    question are left as they are.

    Args:
        name: The name of the component.
        encoder: A back end from the registry `xlt_encoders`.

    Example:
        reader = nlp.get_pipe("xlt_qa")
        answer = reader.answer(nlp.make_doc("Der Kaiser starb 1888 in Berlin."), "Where did the emperor die?")
        answer.span
    """

    def __init__(self, name: str = "xlt_qa", *, encoder: TextEncoder) -> None:
        super().__init__(name, encoder=encoder)
        claim_extensions(*EXTENSIONS)

    @property
    def reading(self) -> Reading:
        """The settings with which answers are found. They were chosen in training."""
        return Reading(**self.trained_model.settings)

    @property
    def min_score(self) -> float:
        """The lowest score of an answer that is given. Training has calibrated it; 0 always gives an answer."""
        return self.reading.min_score

    @min_score.setter
    def min_score(self, value: float) -> None:
        if not 0 <= value <= 1:
            raise XltError(f"min_score is between 0 and 1, not {value}.")
        model = self.trained_model
        model.settings = {**model.settings, "min_score": float(value)}

    def answer(self, text: Union[Doc, str], question: str, *, min_score: Optional[float] = None) -> Answer:
        """Answer a question with a span of a text.

        Args:
            text: A Doc or a string.
            question: The question, in any language.
            min_score: The lowest score of an answer that is given. None: the calibrated one. 0: always the best answer.

        Returns:
            The answer. It is empty if the text does not answer the question, or if one of both is blank.

        Raises:
            XltError: The component is not trained, or the question is not a string.
        """
        return self.answer_batch([(text, question)], min_score=min_score)[0]

    def answer_batch(
        self, pairs: Sequence[tuple[Union[Doc, str], str]], *, min_score: Optional[float] = None
    ) -> list[Answer]:
        """Answer several questions at once, which is faster. See `answer`.

        Args:
            pairs: Texts with their questions.
            min_score: See `answer`.

        Returns:
            The answers, in the order of the pairs.
        """
        for text, question in pairs:
            if not isinstance(text, (Doc, str)) or not isinstance(question, str):
                kinds = f"{type(text).__name__} and {type(question).__name__}"
                raise XltError(f"{self.name} takes pairs of a text and a question, not {kinds}.")
        reading = self.reading
        lowest = reading.min_score if min_score is None else min_score
        asked = [(question, text if isinstance(text, str) else text.text) for text, question in pairs]
        spans = find_answers(self.trained_model, asked, reading)
        answers = []
        for (source, _), (_, text), span in zip(pairs, asked, spans):
            best = span or NOTHING
            score = reading.score(best.margin) if span else 0.0
            start, end = (best.start, best.end) if span and score >= lowest else (0, 0)
            answers.append(Answer(text[start:end], start, end, score, source if isinstance(source, Doc) else None))
        return answers

    def _annotate(self, docs: list[Doc]) -> None:
        set_extensions(*EXTENSIONS)
        asked = [doc for doc in docs if doc._.xlt_question is not None]
        for doc, answer in zip(asked, self.answer_batch([(doc, doc._.xlt_question) for doc in asked]) if asked else []):
            doc._.xlt_answer = answer.to_dict()

"""Answer questions from many texts: find texts with an index, and read them with `xlt_qa`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

from spacy.language import Language

from spacy_xlt.errors import XltError
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.qa import Answer, QuestionAnswerer
from spacy_xlt.search.index import Hit, Index
from spacy_xlt.search.lines import Wanted


@dataclass(frozen=True)
class FoundAnswer:
    """An answer, and the text of an index that it was found in.

    Attributes:
        answer: The answer. Its characters are those of `hit.text`.
        hit: The text.
    """

    answer: Answer
    hit: Hit


def answer_from(
    index: Index,
    nlp: Language,
    question: str,
    *,
    k: int = 10,
    where: Optional[Mapping[str, Wanted]] = None,
    min_score: Optional[float] = None,
) -> list[FoundAnswer]:
    """Answer a question from the texts of an index (Chen et al. 2017, retrieve-then-read).

    Args:
        index: The index. Its texts may be in other languages than the question.
        nlp: A trained pipeline with `xlt_qa`.
        question: The question.
        k: The number of texts to read.
        where: Filters on the fields of the texts: see `Index.search`.
        min_score: The lowest score of an answer that is given. None: the calibrated one. 0: the best answer of each
            text.

    Returns:
        The answers, the one with the highest score first. It is empty if no text answers the question.

    Raises:
        XltError: The index is empty, or the pipeline has no trained `xlt_qa`.
    """
    return answer_all_from(index, nlp, [question], k=k, where=where, min_score=min_score)[0]


def answer_all_from(
    index: Index,
    nlp: Language,
    questions: Sequence[str],
    *,
    k: int = 10,
    where: Optional[Mapping[str, Wanted]] = None,
    min_score: Optional[float] = None,
) -> list[list[FoundAnswer]]:
    """Answer several questions at once. See `answer_from`."""
    if isinstance(questions, str):
        raise XltError("answer_all_from takes a list of questions, not a single one. Put the question into a list.")
    reader = find_pipe(nlp, QuestionAnswerer)
    hits = index.search_all(questions, k, where=where)
    pairs = [(hit.text, question) for question, of_question in zip(questions, hits) for hit in of_question]
    answers = iter(reader.answer_batch(pairs, min_score=min_score))
    found = [[FoundAnswer(next(answers), hit) for hit in of_question] for of_question in hits]
    return [sorted((each for each in row if each.answer), key=lambda each: -each.answer.score) for row in found]

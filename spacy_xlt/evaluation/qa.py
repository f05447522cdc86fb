"""Evaluation of question answering: exact match and F1 in each language."""

import os
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import Optional, Union

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from spacy_xlt.data.questions import Question, QuestionData, load_questions
from spacy_xlt.evaluation.task_report import TaskFigures, TaskReport, bootstrap_interval, language_groups
from spacy_xlt.extensions import language_of
from spacy_xlt.languages import UNKNOWN, find_language
from spacy_xlt.model_facts import TRAINING
from spacy_xlt.models import load_model
from spacy_xlt.pipeline.find import find_pipe, has_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.qa import QuestionAnswerer
from spacy_xlt.progress import progress_bar
from spacy_xlt.tasks.answer_scores import answer_f1, exact_match

# Questions that are answered at once.
CHUNK = 64


def evaluate_qa(
    nlp: Union[Language, str, os.PathLike[str]],
    data: QuestionData,
    *,
    source: Optional[str] = None,
    progress: bool = True,
) -> TaskReport:
    """Measure F1 and exact match of answers for each language of the texts.

    If each question has an answer, the best answer is always given, as is usual for SQuAD 1, XQuAD and MLQA. If some
    have none, an answer is given if its score is at least the `min_score` of the component, as in SQuAD 2. Answers are
    normalized as in MLQA.

    Args:
        nlp: A pipeline with `xlt_qa`, or its model folder.
        data: Questions: see `load_questions`. A text without a language counts towards its detected language.
        source: The language of the training data. None: that of the model, or English.
        progress: Show a progress bar on a terminal or in a notebook.

    Returns:
        The report. The intervals resample the texts, because the questions about one text depend on each other. If some
        questions have no answer, `details` has the share of both kinds that was treated correctly.

    Raises:
        XltError: The model folder or the data cannot be read, or the pipeline has no `xlt_qa`.
    """
    if not isinstance(nlp, Language):
        nlp = load_model(os.fspath(nlp))
    reader = find_pipe(nlp, QuestionAnswerer)
    questions = _in_detected_languages(nlp, load_questions(data))
    min_score = 0.0 if all(question.answers for question in questions) else None
    start, answers = perf_counter(), []
    with progress_bar(title="Answering", unit="question", total=len(questions), show=progress) as bar:
        for first in range(0, len(questions), CHUNK):
            part = questions[first : first + CHUNK]
            pairs = [(question.context, question.question) for question in part]
            answers += [answer.text for answer in reader.answer_batch(pairs, min_score=min_score)]
            bar.update(len(part))
    seconds = max(perf_counter() - start, 1e-9)
    return TaskReport(
        "qa",
        str(nlp.path or f"{nlp.lang}_{nlp.meta['name']}"),
        find_language(source or str(nlp.meta.get(TRAINING, {}).get("source", "en"))),
        "f1",
        answer_figures(questions, answers),
        len(questions) / seconds,
    )


def _in_detected_languages(nlp: Language, questions: Sequence[Question]) -> list[Question]:
    """Return the questions, with the language of a text detected if the data do not name it."""
    texts = list(dict.fromkeys(each.context for each in questions if each.language == UNKNOWN))
    if not texts or not has_pipe(nlp, LanguageDetector):
        return list(questions)
    docs = find_pipe(nlp, LanguageDetector).pipe(nlp.make_doc(text) for text in texts)
    found = {doc.text: language_of(doc) for doc in docs}
    return [replace(each, language=found.get(each.context, each.language)) for each in questions]


def answer_figures(questions: Sequence[Question], answers: Sequence[str]) -> dict[str, TaskFigures]:
    """Return F1 and exact match for each language.

    Args:
        questions: The questions.
        answers: The answer to each question; empty for none.

    Returns:
        The figures by language, with 95% confidence intervals.
    """
    return {
        language: _figures([questions[row] for row in rows], [answers[row] for row in rows])
        for language, rows in language_groups([question.language for question in questions]).items()
    }


def _figures(questions: Sequence[Question], answers: Sequence[str]) -> TaskFigures:
    f1 = np.array([answer_f1(a, q.answers, q.language) for q, a in zip(questions, answers)])
    exact = np.array([exact_match(a, q.answers, q.language) for q, a in zip(questions, answers)])
    # Questions about one text depend on each other, so texts are resampled, not questions.
    rows = np.zeros((len({question.context for question in questions}), 3))
    numbers: dict[str, int] = {}
    for question, *values in zip(questions, f1, exact):
        rows[numbers.setdefault(question.context, len(numbers))] += [*values, 1]
    intervals = {
        "f1": bootstrap_interval(rows, lambda sums: sums[:, 0] / sums[:, 2]),
        "exact_match": bootstrap_interval(rows, lambda sums: sums[:, 1] / sums[:, 2]),
    }
    answerable = np.array([bool(question.answers) for question in questions])
    scores = {"f1": float(f1.mean()), "exact_match": float(exact.mean())}
    return TaskFigures(len(questions), scores, intervals, _details(f1, answerable, answers))


def _details(
    f1: NDArray[np.float64], answerable: NDArray[np.bool_], answers: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return the figures of questions with and without an answer, if there are both."""
    if answerable.all() or not answerable.any():
        return {}
    given = np.array([bool(answer) for answer in answers])
    return {
        "with an answer": {"f1": float(f1[answerable].mean()), "given": float(given[answerable].mean())},
        "without an answer": {"f1": float(f1[~answerable].mean()), "given": float(given[~answerable].mean())},
    }

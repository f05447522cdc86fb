"""Questions about texts with their answers, from SQuAD, MLQA and XQuAD files, tables and Python objects."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional, Union

from spacy_xlt.data.dataset import Dataset, warn_of_bad
from spacy_xlt.data.items import is_table, items_of
from spacy_xlt.data.paths import Input, Paths, find_inputs, paths_of, unpacked_name
from spacy_xlt.data.reading import open_rows, told_as_damaged
from spacy_xlt.data.records import language_or_unknown
from spacy_xlt.data.rows import BadRecord, Row, printable, printable_row, text_of
from spacy_xlt.data.spacy_rows import TEXT
from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, as_base_code, by_base_code
from spacy_xlt.text import replace_surrogates

# Whatever `load_questions` reads: see its documentation.
QuestionData = Union[Paths, Mapping[str, Any], Iterable[Any]]
LANGUAGE_FIELDS = ("lang", "language")
# The language of the texts in the names of MLQA's files.
CONTEXT_NAME = re.compile(r"context-(\w+)-question")
# The languages in the names of XQuAD's and MLQA's files: xquad.de.json, dev-de.json.
LAST_PART = re.compile(r"[.\-_]([a-z]{2})$")


@dataclass(frozen=True)
class Question:
    """A question about a text.

    Attributes:
        question: The question.
        context: The text.
        answers: The correct answers, as they are written in the text; empty if the text does not answer the question.
        starts: The start of each answer, in characters of the text.
        language: The base code of the language of the text; `xx` if it is unknown.
        location: Where the question comes from, such as `dev.json: article 3, paragraph 1, question 2`.
        id: Its id; empty if it has none.
        article: The title of the article; empty if it has none.
    """

    question: str
    context: str
    answers: tuple[str, ...]
    starts: tuple[int, ...]
    language: str
    location: str
    id: str = ""
    article: str = ""


def load_questions(
    data: QuestionData, *, language: Optional[str] = None, encoding: Optional[str] = None
) -> list[Question]:
    """Read questions of any kind, and warn once if some records cannot be used.

    Args:
        data: One of:

            - a path, a folder, a pattern or a list of them: JSON files of SQuAD 1 and 2, MLQA and XQuAD; or JSONL, CSV,
              TSV and Parquet files with the fields `context`, `question`, `answer` and `answer_start`, and if you like
              `id`, `title` and `lang`. Without `answer_start`, the first place of the answer is taken. A question
              without an answer is one that the text does not answer;
            - a DataFrame, a Hugging Face `Dataset` such as SQuAD, or an iterable of dicts with these fields;
            - an iterable of `Question`;
            - a mapping {language: any of these}.
        language: The language of the texts, a code or an English name. None: that of each record, or that in the name
            of the file, as in `xquad.de.json` and `dev-context-de-question-en.json`.
        encoding: The encoding of files without a byte-order mark; None: UTF-8.

    Returns:
        The questions, in the order of the data.

    Raises:
        XltError: A path does not exist, a file is damaged, a language is unknown, or no record can be used.

    Example:
        >>> text = "The parcel arrived on Monday."
        >>> [found] = load_questions([{"context": text, "question": "When did it arrive?", "answer": "Monday"}])
        >>> found.starts
        (22,)
    """
    questions, bad = read_questions(data, language=language, encoding=encoding)
    warn_of_bad(Dataset(bad=bad))
    return questions


def read_questions(
    data: QuestionData, *, language: Optional[str] = None, encoding: Optional[str] = None
) -> tuple[list[Question], list[BadRecord]]:
    """Return the questions, and the records that cannot be used. See `load_questions`."""
    questions: list[Question] = []
    bad: list[BadRecord] = []
    for found in _found(data, None if language is None else as_base_code(language), encoding):
        if isinstance(found, Question):
            questions.append(found)
        else:
            bad.append(found)
    if not questions:
        first = f" ({bad[0].location}: {bad[0].reason})" if bad else ""
        raise XltError(f"There is no usable question in the data{first}.")
    return questions, bad


def read_texts(
    paths: Paths, *, text: str = "text", encoding: Optional[str] = None
) -> tuple[list[tuple[str, str]], list[BadRecord]]:
    """Read the texts of files, to ask questions about them.

    Args:
        paths: Files, folders or patterns. A .txt file is one text; other files have one text per record.
        text: The name of the field with the text.
        encoding: The encoding of files without a byte-order mark; None: UTF-8.

    Returns:
        The texts, each with its location, and the records that cannot be used.

    Raises:
        XltError: A path does not exist, a file is damaged, or no record can be used.
    """
    texts: list[tuple[str, str]] = []
    bad: list[BadRecord] = []
    for each in find_inputs(paths, encoding=encoding, documents=True):
        source = replace(each, kind="file") if each.kind == "line" else each
        field = TEXT if each.kind == "spacy" else text
        with told_as_damaged(each.path), open_rows(source, say=lambda note: None, field=field) as (_, rows):
            for location, row in rows:
                if isinstance(row, BadRecord):
                    bad.append(row)
                    continue
                try:
                    texts.append((location, text_of(row, field)))
                except XltError as error:
                    bad.append(BadRecord(location, str(error), printable_row(row)))
    if not texts:
        first = f" ({bad[0].location}: {bad[0].reason})" if bad else ""
        raise XltError(f"There is no usable text in the files{first}.")
    return texts, bad


def _found(data: Any, language: Optional[str], encoding: Optional[str]) -> Iterator[Union[Question, BadRecord]]:
    if isinstance(data, Mapping):
        for code, part in by_base_code(data, as_base_code).items():
            yield from _found(part, code, encoding)
        return
    if not is_table(data) and not isinstance(data, (str, bytes, list, tuple)) and isinstance(data, Iterable):
        data = list(data)
    paths = paths_of(data, texts=False)
    if paths:
        for each in find_inputs(paths, encoding=encoding):
            yield from _of_file(each, language)
        return
    for number, item in enumerate(items_of(data), start=1):
        if isinstance(item, Question):
            yield item if language is None else replace(item, language=language)
        elif isinstance(item, Mapping):
            yield from _of_row(f"item:{number}", dict(item), language, UNKNOWN)
        else:
            reason = f"not a question or a dict but {type(item).__name__}"
            yield BadRecord(f"item:{number}", reason, printable(repr(item)))


def _of_file(source: Input, language: Optional[str]) -> Iterator[Union[Question, BadRecord]]:
    named = _language_in_name(source.path)
    with told_as_damaged(source.path), open_rows(source, say=lambda note: None) as (_, rows):
        for location, row in rows:
            is_squad = isinstance(row, dict) and isinstance(row.get("data"), list)
            yield from _of_row(source.path if is_squad else location, row, language, named)


def _language_in_name(path: str) -> str:
    """Return the language in the name of a file; `xx` if there is none."""
    stem = Path(unpacked_name(path)).stem
    found = CONTEXT_NAME.search(stem) or LAST_PART.search(stem)
    return language_or_unknown(found[1]) if found else UNKNOWN


def _of_row(location: str, row: Row, language: Optional[str], otherwise: str) -> Iterator[Union[Question, BadRecord]]:
    """Yield the questions of a row: a file of SQuAD, one of its articles, or one question."""
    if isinstance(row, BadRecord):
        yield row
        return
    of_row = next((row[name] for name in LANGUAGE_FIELDS if row.get(name)), None)
    try:
        code = language or (otherwise if of_row is None else as_base_code(str(of_row)))
    except XltError as error:
        yield BadRecord(location, str(error), printable_row(row))
        return
    if isinstance(row.get("data"), list):
        for number, article in enumerate(row["data"], start=1):
            yield from _of_article(f"{location}: article {number}", article, code)
    elif "paragraphs" in row:
        yield from _of_article(location, row, code)
    else:
        yield _question(location, row, row, code, str(row.get("title") or ""))


def _of_article(location: str, article: Any, language: str) -> Iterator[Union[Question, BadRecord]]:
    """Yield the questions of an article of SQuAD."""
    if not isinstance(article, dict) or not isinstance(article.get("paragraphs"), list):
        yield BadRecord(location, "an article without paragraphs", printable(repr(article)))
        return
    title = str(article.get("title") or location)
    for number, paragraph in enumerate(article["paragraphs"], start=1):
        place = f"{location}, paragraph {number}"
        if not isinstance(paragraph, dict) or not isinstance(paragraph.get("qas"), list):
            yield BadRecord(place, "a paragraph without questions (qas)", printable(repr(paragraph)))
            continue
        for count, row in enumerate(paragraph["qas"], start=1):
            its_place = f"{place}, question {count}"
            if isinstance(row, dict):
                yield _question(its_place, row, paragraph, language, title)
            else:
                yield BadRecord(its_place, "not a JSON object", printable(repr(row)))


def _question(
    location: str, row: Mapping[str, Any], text: Mapping[str, Any], language: str, title: str
) -> Union[Question, BadRecord]:
    """Make a question from its row, and from the row with its text."""
    try:
        context, question = text_of(text, "context"), text_of(row, "question")
        if not question.strip():
            raise XltError("'question' is empty")
        found = [_located(context, *each) for each in _raw_answers(row)]
    except XltError as error:
        return BadRecord(location, str(error), printable_row(row))
    distinct = list(dict.fromkeys(found))
    answers, starts = tuple(each for each, _ in distinct), tuple(start for _, start in distinct)
    return Question(question, context, answers, starts, language, location, str(row.get("id") or ""), title)


def _raw_answers(row: Mapping[str, Any]) -> list[tuple[str, Optional[int]]]:
    """Return the answers of a row and their starts, in any of the layouts. Empty ones are left out."""
    answers: Any = row.get("answers")
    if answers is None:
        pairs = [(row.get("answer"), row.get("answer_start"))]
    elif isinstance(answers, Mapping):  # as in Hugging Face datasets
        texts = list(answers.get("text", []))
        pairs = list(zip(texts, list(answers.get("answer_start", [])) or [None] * len(texts)))
    elif isinstance(answers, Sequence) and not isinstance(answers, str):
        if not all(isinstance(each, Mapping) for each in answers):
            raise XltError("'answers' has something else than {text, answer_start}")
        pairs = [(each.get("text"), each.get("answer_start")) for each in answers]
    else:
        raise XltError(f"'answers' is not a list but {type(answers).__name__}")
    if row.get("is_impossible") is True:
        return []
    for answer, _ in pairs:
        if answer is not None and not isinstance(answer, str):
            raise XltError(f"the answer is not a text but {type(answer).__name__}")
    return [(answer, _start(start)) for answer, start in pairs if answer and answer.strip()]


def _start(value: Any) -> Optional[int]:
    """Return the start of an answer; None if there is none."""
    if value is None or value == "" or value == -1:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if number < 0 or not number.is_integer():
        raise XltError(f"'{value}' in 'answer_start' is not the number of a character")
    return int(number)


def _located(context: str, answer: str, start: Optional[int]) -> tuple[str, int]:
    """Return an answer without space around it, and its start. A wrong start is replaced by the nearest right one."""
    answer = replace_surrogates(answer)
    wanted = (start or 0) + len(answer) - len(answer.lstrip())
    answer = answer.strip()
    if context.startswith(answer, wanted) and start is not None:
        return answer, wanted
    places = [found.start() for found in re.finditer(re.escape(answer), context)]
    if not places:
        raise XltError(f"the answer '{printable(answer)}' is not in the text")
    return answer, min(places, key=lambda place: abs(place - wanted))

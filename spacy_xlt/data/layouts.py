"""The layouts of some benchmarks: text and labels in two files, and sentences with one token per line."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Optional, TextIO, Union

from spacy_xlt.data.rows import BadRecord, Rows, decoded_lines
from spacy_xlt.errors import XltError

TEXT_ENDING, LABELS_ENDING = "text.txt", "labels.txt"
# In the first column of CoNLL-U, `3-4` is a word of two tokens and `3.1` is a token that is not in the text.
RANGE_MARKS = ("-", ".")


def labels_beside(path: str) -> Optional[str]:
    """Return the file with the labels of a text file: `test_labels.txt` for `test_text.txt`; None if there is none.

    This is the layout of UMSAB and TweetEval: line i of both files belongs to text i.
    """
    if not path.endswith(TEXT_ENDING):
        return None
    labels = path.removesuffix(TEXT_ENDING) + LABELS_ENDING
    return labels if os.path.isfile(labels) else None


def labeled_lines(text: TextIO, labels: TextIO, name: str, *, text_field: str, label_field: str) -> Rows:
    """Yield the lines of a text file with the lines of its label file, each with its location.

    Args:
        text: The open text file.
        labels: The open label file.
        name: The name of the text file.
        text_field: The name of the field of the text.
        label_field: The name of the field of the label.

    Raises:
        XltError: The files do not have the same number of lines.
    """
    for one, other in zip_longest(decoded_lines(text, name), decoded_lines(labels, name)):
        if one is None or other is None:
            raise XltError(
                f"{name} and its file of labels, {Path(labels.name).name}, do not have the same number of lines. Copy "
                "them again."
            )
        location = f"{name}:{one[0]}"
        bad = next((line for _, line in (one, other) if isinstance(line, BadRecord)), None)
        yield location, bad or {text_field: one[1], label_field: other[1]}


@dataclass(frozen=True)
class ConllSentence:
    """A sentence of a file with one token per line.

    Attributes:
        location: Where it begins, such as `news.iob2:17`.
        text: The text of the comment `# text = ...`; empty if there is none.
        comments: Other comments, such as `# lang = de`.
        tokens: The tokens as they are in the text.
        rows: The columns of each token.
    """

    location: str
    text: str
    comments: dict[str, str]
    tokens: list[str]
    rows: list[list[str]]


def conll_rows(file: TextIO, name: str, *, field: str) -> Rows:
    """Yield the sentences of a CoNLL-U, IOB2 or CoNLL-2003 file, each with its location.

    The text is that of the comment `# text = ...`, or the tokens with spaces between them. Other comments such as
    `# lang = de` or `# label = sports` are fields of their own. The tags of the tokens are not read.

    Args:
        file: The open file.
        name: The name of the file.
        field: The name of the field of the text.
    """
    for sentence in conll_sentences(file, name):
        if isinstance(sentence, BadRecord):
            yield sentence.location, sentence
            continue
        text = sentence.text or " ".join(sentence.tokens)
        if text:
            yield sentence.location, {field: text, **sentence.comments}


def conll_sentences(file: TextIO, name: str) -> Iterator[Union[ConllSentence, BadRecord]]:
    """Yield the sentences of a CoNLL-U, IOB2 or CoNLL-2003 file.

    Args:
        file: The open file.
        name: The name of the file.
    """
    for number, lines in _sentences(file, name):
        location = f"{name}:{number}"
        bad = next((line for line in lines if isinstance(line, BadRecord)), None)
        if bad is not None:
            yield BadRecord(location, bad.reason, bad.content)
            continue
        texts = [line for line in lines if isinstance(line, str)]
        comments = {
            key.strip(): value.strip()
            for key, mark, value in (line[2:].partition("=") for line in texts if line.startswith("# "))
            if mark
        }
        rows = [line.split("\t") if "\t" in line else line.split() for line in texts if not line.startswith("# ")]
        found = [(token, row) for row in rows if (token := _token(row))]
        yield ConllSentence(
            location, comments.pop("text", ""), comments, [token for token, _ in found], [row for _, row in found]
        )


def _sentences(file: TextIO, name: str) -> Iterator[tuple[int, list[object]]]:
    """Yield the lines between blank lines, with the number of the first one."""
    lines: list[object] = []
    first = 1
    for number, line in decoded_lines(file, name):
        if isinstance(line, str) and not line.strip():
            if lines:
                yield first, lines
            lines = []
        else:
            first = first if lines else number
            lines.append(line)
    if lines:
        yield first, lines


def _token(columns: Sequence[str]) -> str:
    """Return the token of a line; empty for the lines of CoNLL-U that stand for several tokens or for none."""
    if columns[0].isdigit() and len(columns) > 1:
        return columns[1]
    is_range = len(columns) > 1 and any(
        all(part.isdigit() for part in columns[0].split(mark)) and mark in columns[0] for mark in RANGE_MARKS
    )
    return "" if is_range or columns[0] == "-DOCSTART-" else columns[0]

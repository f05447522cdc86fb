"""Word vectors as text: a line is a word and its numbers; a first line with their counts is not needed."""

import gzip
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Optional, cast

import numpy as np

from spacy_xlt.data.skipped import Skipped
from spacy_xlt.data.vector_chunks import CHUNK, Chunk, Floats2d, Opened, find_problems
from spacy_xlt.errors import XltError

# From these the width is read where there is no header.
FIRST_LINES = 100
BOM = b"\xef\xbb\xbf"
# No line of vectors is longer; a binary file may have no line at all.
LONGEST_LINE = 1 << 20


@contextmanager
def open_text(path: Path, skipped: Skipped) -> Iterator[Opened]:
    """Open fastText .vec, word2vec text or GloVe, or .gz of them. See `stream_vectors`."""
    try:
        with cast(BinaryIO, gzip.open(path) if path.suffix == ".gz" else path.open("rb")) as file:
            start = _first_lines(file)
            if b"\0" in start[-1]:
                raise XltError(
                    f"{path} is a binary file. Give the vectors as text (fastText's .vec, not its .bin), "
                    "as .gz of text, or as a spaCy pipeline folder."
                )
            fields = start[0].split()
            if len(fields) == 2 and all(field.isdigit() for field in fields):
                total, width = int(fields[0]), int(fields[1])
                yield total, _chunks(path, chain(start[1:], file), 2, width, total, skipped)
            else:  # GloVe has no counts
                yield None, _chunks(path, chain(start, file), 1, _width(start), None, skipped)
    except (OSError, EOFError, zlib.error) as error:
        raise XltError(f"{path} cannot be read ({error}): it is damaged or not complete. Copy it again.") from error


def _first_lines(file: BinaryIO) -> list[bytes]:
    """One line at least, perhaps an empty one; up to FIRST_LINES, and none after one that is no text."""
    lines = [file.readline(LONGEST_LINE).removeprefix(BOM)]
    while len(lines) < FIRST_LINES and b"\0" not in lines[-1] and (line := file.readline(LONGEST_LINE)):
        lines.append(line)
    return lines


def _width(lines: Sequence[bytes]) -> int:
    """How many numbers most of the lines have behind their word; the fewest, where as many lines have more.

    Not how many the first has: its word can hold spaces.
    """
    counts = Counter(len(line.split()) - 1 for line in lines if line.strip())
    return min(counts, key=lambda count: (-counts[count], count), default=0)


def _chunks(
    path: Path, lines: Iterator[bytes], number: int, width: int, total: Optional[int], skipped: Skipped
) -> Iterator[Chunk]:
    """number: of the first line. total: the words that the header promises."""
    seen: set[str] = set()
    count = 0
    while batch := list(islice(lines, CHUNK)):
        places = [f"{path}:{number + i}" for i in range(len(batch))]
        number += len(batch)
        count += sum(not line.isspace() for line in batch if line)
        words, rows = _parse(batch, places, width, seen, skipped)
        if words:
            yield words, rows
    if total is not None and count < total:
        detail = f"the header says {total} words, but {count} lines follow"
        skipped.add(f"{path}:1", "fewer lines than the header says", detail)


def _parse(
    lines: Sequence[bytes], places: Sequence[str], width: int, seen: set[str], skipped: Skipped
) -> tuple[list[str], Floats2d]:
    """The words and numbers of the good lines; `seen` grows by the words."""
    at: list[int] = []
    words: list[str] = []
    numbers: list[bytes] = []
    problems: dict[int, tuple[str, str]] = {}
    for i, line in enumerate(lines):
        fields = line.split(None, 1)
        if not fields:
            continue
        rest = fields[1] if len(fields) == 2 else b""
        if len(rest.split()) != width:
            problems[i] = _wrong_fields(line.split(), width)
            continue
        try:
            words.append(fields[0].decode())
        except UnicodeDecodeError:
            problems[i] = ("not UTF-8", "")
            continue
        at.append(i)
        numbers.append(rest)
    rows, no_numbers = _to_floats(numbers, width)
    found = find_problems(words, rows, seen)
    for place in no_numbers:
        found[place] = ("not a number", f"something that is no number in the vector of '{words[place]}'")
    problems.update((at[place], problem) for place, problem in found.items())
    for i in sorted(problems):
        skipped.add(places[i], *problems[i])
    if found:
        good = [place for place in range(len(words)) if place not in found]
        words, rows = [words[place] for place in good], rows[good]
    return words, rows


def _wrong_fields(fields: Sequence[bytes], width: int) -> tuple[str, str]:
    """Why a line has not as many numbers as it should."""
    n = len(fields) - 1
    if n > width > 0 and not _to_floats([b" ".join(fields[-width:])], width)[1]:
        return "white space in the word", ""
    return "wrong number of fields", f"{n} numbers where {width} belong"


def _to_floats(texts: Sequence[bytes], width: int) -> tuple[Floats2d, list[int]]:
    """Texts of `width` fields each as rows of numbers, and the texts that hold something else."""
    try:
        with warnings.catch_warnings():
            # Text in which NumPy gets stuck is an error in new versions, a warning in old ones.
            warnings.simplefilter("error")
            return np.fromstring(b" ".join(texts), dtype=np.float32, sep=" ").reshape(len(texts), width), []  # type: ignore[call-overload]
    except (ValueError, Warning):
        pass
    rows = np.full((len(texts), width), np.nan, dtype=np.float32)
    wrong = []
    for i, text in enumerate(texts):
        try:
            rows[i] = [float(number) for number in text.split()]
        except ValueError:
            wrong.append(i)
    return rows, wrong

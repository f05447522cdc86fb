"""The word vectors of a spaCy pipeline folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
from spacy.vocab import Vocab

from spacy_xlt.data.skipped import Skipped
from spacy_xlt.data.vector_chunks import CHUNK, Floats2d, Opened, find_problems
from spacy_xlt.errors import XltError


@contextmanager
def open_folder(path: Path, skipped: Skipped) -> Iterator[Opened]:
    """Open a pipeline folder, or the folder `vocab` in it. See `stream_vectors`."""
    vocab = _load(path)
    table = np.asarray(vocab.vectors.data, dtype=np.float32)
    yield len(vocab.vectors.key2row), ((words, table[rows]) for words, rows in _words(path, vocab, table, skipped))


def read_folder(path: Path, limit: int, skipped: Skipped) -> tuple[dict[str, int], Floats2d]:
    """The words with their rows, and the rows [n, d]: the first `limit` that have a usable word.

    In the tables of spaCy's own pipelines (`_md`) rare words share the vector of the nearest frequent one, so there
    are many more words than rows.
    """
    vocab = _load(path)
    table = np.asarray(vocab.vectors.data, dtype=np.float32)
    row_of: dict[str, int] = {}
    number: dict[int, int] = {}
    for words, rows in _words(path, vocab, table, skipped):
        for word, row in zip(words, rows):
            if row in number or len(number) < limit:
                row_of[word] = number.setdefault(row, len(number))
    return row_of, table[list(number)]


def _load(path: Path) -> Vocab:
    folder = path / "vocab" if (path / "vocab").is_dir() else path
    if not (folder / "vectors").is_file():
        raise XltError(f"{path} has no word vectors: give a file of vectors, or a spaCy pipeline folder with some.")
    try:
        vocab = Vocab().from_disk(folder, exclude=["lookups"])
    except Exception as error:  # whatever a damaged file makes of itself
        raise XltError(f"{path} cannot be read ({type(error).__name__}): it is damaged. Copy it again.") from error
    if vocab.vectors.mode != "default":
        raise XltError(f"{path} has {vocab.vectors.mode} vectors, of parts of words: give one with a table of words.")
    return vocab


def _words(path: Path, vocab: Vocab, table: Floats2d, skipped: Skipped) -> Iterator[tuple[list[str], list[int]]]:
    """Usable words with their rows, in the order of the rows: a table is sorted by frequency."""
    keys = iter(sorted(vocab.vectors.key2row.items(), key=lambda item: item[1]))
    seen: set[str] = set()
    while batch := list(islice(keys, CHUNK)):
        # A word that is not among the strings is empty here, and then left out as such. (A StringStore has no `get`.)
        words = [vocab.strings[key] if key in vocab.strings else "" for key, _ in batch]  # noqa: SIM401
        rows = [row for _, row in batch]
        problems = find_problems(words, table[rows], seen)
        for i, (reason, detail) in problems.items():
            location = f"{path}: row {rows[i]}"
            if words[i]:
                skipped.add(location, reason, detail)
            else:
                skipped.add(location, "a key without its word in strings.json")
        good = [i for i in range(len(batch)) if i not in problems]
        if good:
            yield [words[i] for i in good], [rows[i] for i in good]

"""Word vectors: fastText .vec, word2vec and GloVe text, plain or .gz, and spaCy folders, read and written as a stream.

A chunk is (words, rows): n words and their vectors [n, d], float32. Nothing holds a whole file unless asked to.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

import numpy as np

from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.skipped import Skipped
from spacy_xlt.data.vector_chunks import Chunk, Floats2d
from spacy_xlt.data.vector_folder import open_folder, read_folder
from spacy_xlt.data.vector_text import open_text
from spacy_xlt.errors import XltError
from spacy_xlt.files import whole_file
from spacy_xlt.progress import progress_bar


@dataclass
class WordVectors:
    """The words of a file, each with its row, in the file's order; the rows [n, d]; and what was left out.

    Words share rows only in spaCy's tables.
    """

    row_of: dict[str, int]
    rows: Floats2d
    skipped: Skipped = field(default_factory=Skipped)

    def __post_init__(self) -> None:
        self._folded: dict[str, int] = {}
        for word, row in self.row_of.items():
            self._folded.setdefault(word.casefold(), row)

    def find(self, word: str) -> Optional[int]:
        """The row of a word; else of the first word that differs only in case (dictionaries are often lower case)."""
        return self.row_of.get(word, self._folded.get(word.casefold()))


def read_vectors(path: PathLike, limit: int, *, progress: bool = False) -> WordVectors:
    """Read the first `limit` vectors into one array. Raises XltError as `stream_vectors` says."""
    path, skipped = Path(path), Skipped()
    if path.is_dir():
        row_of, rows = read_folder(path, limit, skipped)
        if not row_of:
            raise _nothing_usable(path, skipped)
        return WordVectors(row_of, rows, skipped)
    row_of, rows = {}, np.empty((0, 0), dtype=np.float32)
    for words, chunk in stream_vectors(path, skipped, limit=limit, progress=progress):
        start = len(row_of)
        if not start:
            # Memory that is never written to is never taken: a small file does not cost `limit` rows.
            rows = np.empty((limit, chunk.shape[1]), dtype=np.float32)
        rows[start : start + len(chunk)] = chunk
        row_of.update(zip(words, range(start, start + len(chunk))))
    return WordVectors(row_of, rows[: len(row_of)], skipped)


def stream_vectors(
    path: PathLike, skipped: Skipped, *, limit: Optional[int] = None, desc: str = "Reading", progress: bool = False
) -> Iterator[Chunk]:
    """Yield the words and vectors of a text file or of a spaCy folder, chunk by chunk, at most `limit` words.

    Left out, and counted in `skipped`: lines with a wrong number of fields, with something that is no number, NaN or
    infinity, with zeros only (they have no direction), with white space in the word, not in UTF-8, and words seen
    before. Raises XltError for a missing, binary or damaged file, and where nothing can be used.
    """
    path = Path(path)
    if not path.exists():
        raise XltError(f"{path} does not exist.")
    found = 0
    with (open_folder if path.is_dir() else open_text)(path, skipped) as (total, chunks):
        if limit is not None and (total is None or limit < total):
            total = limit
        with progress_bar(title=f"{desc} {path.name}", unit="word", total=total, show=progress) as bar:
            for words, rows in chunks:
                if limit is not None:
                    words, rows = words[: limit - found], rows[: limit - found]
                found += len(words)
                bar.update(len(words))
                yield words, rows
                if found == limit:
                    return
    if not found:
        raise _nothing_usable(path, skipped)


def _nothing_usable(path: Path, skipped: Skipped) -> XltError:
    return XltError(f"{path} has no usable word vector (first: {skipped.first or 'it is empty'}).")


def write_vectors(path: Path, chunks: Iterable[Chunk], width: int) -> int:
    """Write word2vec text, which `spacy init vectors` reads, and return the number of words.

    The file appears whole or not at all. Raises XltError if it cannot be written.
    """
    # Six digits: float32 has no more.
    template = " ".join(["%.6g"] * width)
    count = 0
    with whole_file(path) as scratch, scratch.open("wb") as file:
        file.write(_header_line(0, width))
        for words, rows in chunks:
            file.write("".join(f"{word} {template % tuple(row)}\n" for word, row in zip(words, rows.tolist())).encode())
            count += len(words)
        file.seek(0)
        file.write(_header_line(count, width))
    return count


def _header_line(count: int, width: int) -> bytes:
    """Of one length for every count: the number of words is put in when all are written."""
    return f"{count:<12} {width}\n".encode()

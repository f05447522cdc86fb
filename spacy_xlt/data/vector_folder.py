"""The word vectors of a spaCy pipeline folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
from spacy.vocab import Vocab

from spacy_xlt.data.skipped import Skipped
from spacy_xlt.data.vector_chunks import CHUNK, Chunk, Opened, find_problems
from spacy_xlt.errors import XltError


@contextmanager
def open_folder(path: Path, skipped: Skipped) -> Iterator[Opened]:
    """Open a pipeline folder, or the folder `vocab` in it. See `stream_vectors`."""
    folder = path / "vocab" if (path / "vocab").is_dir() else path
    if not (folder / "vectors").is_file():
        raise XltError(f"{path} has no word vectors: give a file of vectors, or a spaCy pipeline folder with some.")
    try:
        vocab = Vocab().from_disk(folder, exclude=["lookups"])
    except Exception as error:  # whatever a damaged file makes of itself
        raise XltError(f"{path} cannot be read ({type(error).__name__}): it is damaged. Copy it again.") from error
    if vocab.vectors.mode != "default":
        raise XltError(f"{path} has {vocab.vectors.mode} vectors, of parts of words: give one with a table of words.")
    yield len(vocab.vectors.key2row), _chunks(path, vocab, skipped)


def _chunks(path: Path, vocab: Vocab, skipped: Skipped) -> Iterator[Chunk]:
    # In the order of the rows: tables are sorted by frequency.
    keys = iter(sorted(vocab.vectors.key2row.items(), key=lambda item: item[1]))
    seen: set[str] = set()
    while batch := list(islice(keys, CHUNK)):
        # A word that is not among the strings is empty here, and then left out as such. (A StringStore has no `get`.)
        words = [vocab.strings[key] if key in vocab.strings else "" for key, _ in batch]  # noqa: SIM401
        rows = np.asarray(vocab.vectors.data[[row for _, row in batch]], dtype=np.float32)
        problems = find_problems(words, rows, seen)
        for i, (reason, detail) in problems.items():
            place = f"{path}: row {batch[i][1]}"
            if words[i]:
                skipped.add(place, reason, detail)
            else:
                skipped.add(place, "a key without its word in strings.json")
        good = [i for i in range(len(batch)) if i not in problems]
        if good:
            yield [words[i] for i in good], rows[good]

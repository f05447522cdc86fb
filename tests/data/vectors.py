"""Tiny files of word vectors."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import spacy
from spacy.vectors import Vectors

Table = Mapping[str, Sequence[float]]


def write_text(path: Path, table: Table, header: bool = True) -> Path:
    """fastText's .vec: counts first, and a space at the end of each line; without header as GloVe."""
    lines = [f"{word} {' '.join(map(str, row))}{' ' if header else ''}" for word, row in table.items()]
    if header:
        lines.insert(0, f"{len(table)} {len(next(iter(table.values())))}")
    content = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_pipeline(path: Path, table: Table, language: str = "de") -> Path:
    """A spaCy pipeline folder with nothing but vectors."""
    nlp = spacy.blank(language)
    for word in table:
        nlp.vocab.strings.add(word)
    rows = np.array(list(table.values()), dtype=np.float32)
    nlp.vocab.vectors = Vectors(strings=nlp.vocab.strings, data=rows, keys=list(table))
    nlp.to_disk(path)
    return path

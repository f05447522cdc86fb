"""What the readers of word vectors share: the chunk, and what is wrong with its words."""

from collections.abc import Iterator, Sequence
from typing import Optional

import numpy as np
from numpy.typing import NDArray

Floats2d = NDArray[np.float32]
Chunk = tuple[list[str], Floats2d]
# How many words a reader will yield, if it knows that, and their chunks.
Opened = tuple[Optional[int], Iterator[Chunk]]

# 2.5 MB in 300 dimensions.
CHUNK = 2048


def find_problems(words: Sequence[str], rows: Floats2d, seen: set[str]) -> dict[int, tuple[str, str]]:
    """{place in `words`: (reason, detail)} of those that cannot be used; `seen` grows by the others.

    rows: their vectors [n, d]. seen: the words that were used before.
    """
    finite = np.asarray(np.isfinite(rows).all(axis=1))
    not_zero = np.asarray(rows.any(axis=1))
    problems = {}
    for i, word in enumerate(words):
        if word.split() != [word]:
            problems[i] = ("white space in the word", "")
        elif not finite[i]:
            problems[i] = ("NaN or infinity", f"NaN or infinity in the vector of '{word}'")
        elif not not_zero[i]:
            # No direction: spaCy gives the same vector to a word that it does not know.
            problems[i] = ("zeros only", f"the vector of '{word}' has zeros only")
        elif word in seen:
            problems[i] = ("a word seen before", f"'{word}' was there before")
        else:
            seen.add(word)
    return problems

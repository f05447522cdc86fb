"""What the readers of word vectors share: the chunk, and which words of it are good."""

from collections.abc import Iterator, Sequence
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.data.skipped import Skipped

Floats2d = NDArray[np.float32]
Chunk = tuple[list[str], Floats2d]
# How many words a reader will yield, if it knows that, and their chunks.
Opened = tuple[Optional[int], Iterator[Chunk]]

# 2.5 MB in 300 dimensions.
CHUNK = 2048


def keep_good(
    places: Sequence[str], words: Sequence[str], rows: Floats2d, seen: set[str], skipped: Skipped
) -> tuple[list[str], Floats2d]:
    """The words and rows [n, d] that can be used, with the others counted; `seen` grows by the words."""
    finite = np.asarray(np.isfinite(rows).all(axis=1))
    not_zero = np.asarray(rows.any(axis=1))
    good = []
    for i, (place, word) in enumerate(zip(places, words)):
        if word.split() != [word]:
            skipped.add(place, "white space in the word")
        elif not finite[i]:
            skipped.add(place, "NaN or infinity", f"NaN or infinity in the vector of '{word}'")
        elif not not_zero[i]:
            # No direction: spaCy gives the same vector to a word that it does not know.
            skipped.add(place, "zeros only", f"the vector of '{word}' has zeros only")
        elif word in seen:
            skipped.add(place, "a word seen before", f"'{word}' was there before")
        else:
            seen.add(word)
            good.append(i)
    return [words[i] for i in good], rows if len(good) == len(rows) else rows[good]

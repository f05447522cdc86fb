"""Bilingual dictionaries: pairs of a source word and its translation, and which of them are held out for evaluation."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Optional

from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.reading import read_lines
from spacy_xlt.data.rows import BadRecord
from spacy_xlt.data.skipped import Skipped
from spacy_xlt.errors import XltError

# (source word, target word)
WordPair = tuple[str, str]

HELD_OUT = 0.2


@dataclass
class Dictionary:
    """The pairs of a dictionary file, each once and in the file's order, and the lines that were left out."""

    pairs: list[WordPair]
    skipped: Skipped = field(default_factory=Skipped)


def read_dictionary(path: PathLike, *, encoding: Optional[str] = None) -> Dictionary:
    """Read a dictionary, one pair a line: `target @ source` (hunalign), or `source target` (MUSE) by tab or space.

    With ` @ ` or a tab between them the two sides may be of several words. Lines that are neither are left out and
    counted. encoding: of a file without a byte-order mark; None: UTF-8.
    Raises XltError for a missing file, and if no line is a pair.
    """
    dictionary = Dictionary([])
    pairs: dict[WordPair, None] = {}
    for number, found in read_lines(path, encoding):
        location = f"{path}:{number}"
        if isinstance(found, BadRecord):
            dictionary.skipped.add(location, found.reason)
        elif line := found.strip():
            sides = _sides(line)
            if len(sides) == 2 and all(sides):
                pairs[sides[0], sides[1]] = None
            else:
                dictionary.skipped.add(location, "not a pair of words", f"not a pair of words ({line[:60]})")
    if not pairs:
        raise XltError(
            f"{path} has no pair of words (first: {dictionary.skipped.first or 'it is empty'}). "
            "A line is 'target @ source', or 'source target' with a tab or a space between."
        )
    dictionary.pairs = list(pairs)
    return dictionary


def _sides(line: str) -> list[str]:
    """The source side and the target side; another number of parts where it is no pair."""
    if "@" in line.split():
        return [" ".join(side.split()) for side in line.split(" @ ")][::-1]
    if "\t" in line:
        return [" ".join(side.split()) for side in line.split("\t")]
    return line.split()


def is_held_out(word: str) -> bool:
    """Whether a source word is kept for evaluation: always the same fifth of all words, in every dictionary.

    By the word's hash, so that what was fitted on one dictionary, file or language can be evaluated on another, and
    no source word is ever on both sides.
    """
    digest = blake2b(word.casefold().encode("utf8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < HELD_OUT * 2**64


def split_by_source(pairs: Iterable[WordPair]) -> tuple[list[WordPair], list[WordPair]]:
    """Part pairs into (to fit on, held out for evaluation) by their source word."""
    fit: list[WordPair] = []
    held_out: list[WordPair] = []
    for pair in pairs:
        (held_out if is_held_out(pair[0]) else fit).append(pair)
    return fit, held_out

"""Bilingual dictionaries: pairs of a source word and its translation, some of which are held out for evaluation."""

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
    """The pairs of a dictionary file, each once and in order, and the lines that were left out."""

    pairs: list[WordPair]
    skipped: Skipped = field(default_factory=Skipped)


def read_dictionary(path: PathLike, *, encoding: Optional[str] = None) -> Dictionary:
    """Read a dictionary with one pair per line.

    A line is `target @ source` (hunalign), or `source target` (MUSE) with a tab or a space between them. With ` @ ` or
    a tab, each side may have several words. Other lines are left out and counted.

    Args:
        path: The file.
        encoding: The encoding if the file has no byte-order mark; None: UTF-8.

    Raises:
        XltError: The file is missing, or no line is a pair.
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
            f"{path} has no pair of words (first line: {dictionary.skipped.first or 'it is empty'}). "
            "A line must be 'target @ source', or 'source target' with a tab or a space between them."
        )
    dictionary.pairs = list(pairs)
    return dictionary


def _sides(line: str) -> list[str]:
    """The source side and the target side; another number of parts if the line is not a pair."""
    if "@" in line.split():
        return [" ".join(side.split()) for side in line.split(" @ ")][::-1]
    if "\t" in line:
        return [" ".join(side.split()) for side in line.split("\t")]
    return line.split()


def is_held_out(word: str) -> bool:
    """Whether a source word is held out for evaluation. It is the same fifth of all words in every dictionary.

    The hash of the word decides, so that a model fitted on one dictionary can be evaluated on another, and no source
    word is used for both.
    """
    digest = blake2b(word.casefold().encode("utf8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < HELD_OUT * 2**64


def split_by_source(pairs: Iterable[WordPair]) -> tuple[list[WordPair], list[WordPair]]:
    """Split pairs by their source word into those to fit on and those that are held out for evaluation."""
    fit: list[WordPair] = []
    held_out: list[WordPair] = []
    for pair in pairs:
        (held_out if is_held_out(pair[0]) else fit).append(pair)
    return fit, held_out

"""Parallel sentences: two files with a sentence per line, or one file with both sides of a pair in each line."""

from typing import Optional

from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.reading import read_lines
from spacy_xlt.data.rows import BadRecord
from spacy_xlt.errors import EncodingError, XltError


def read_parallel(source: PathLike, target: PathLike, *, encoding: Optional[str] = None) -> list[tuple[str, str]]:
    """Read the pairs of sentences of two files. Pairs with a blank side are left out.

    Args:
        source: The file with the source sentences.
        target: The file with their translations.
        encoding: The encoding of files without a byte-order mark; None: UTF-8.

    Raises:
        XltError: A file is missing or cannot be decoded, or the files have different numbers of lines.
    """
    lines = [_read_lines(path, encoding) for path in (source, target)]
    if len(lines[0]) != len(lines[1]):
        raise XltError(
            f"{source} has {len(lines[0])} lines and {target} has {len(lines[1])}. Each line needs its translation."
        )
    return [(ours, theirs) for ours, theirs in zip(*lines) if ours and theirs]


def read_pairs(path: PathLike, *, encoding: Optional[str] = None) -> list[tuple[str, str]]:
    """Read the pairs of a file with one pair per line: the source sentence, a tab, its translation.

    Blank lines and pairs with a blank side are left out.

    Args:
        path: The file.
        encoding: The encoding of a file without a byte-order mark; None: UTF-8.

    Raises:
        XltError: The file is missing or cannot be decoded, a line does not have exactly one tab, or there is no pair.
    """
    pairs = []
    for number, line in enumerate(_read_lines(path, encoding), start=1):
        sides = line.split("\t")
        if line and len(sides) != 2:
            raise XltError(
                f"{path}:{number}: the line has {len(sides) - 1} tabs. A line must be a sentence, a tab, and its "
                "translation."
            )
        if line and all(map(str.strip, sides)):
            pairs.append((sides[0].strip(), sides[1].strip()))
    if not pairs:
        raise XltError(f"{path} has no pair of sentences. A line must be a sentence, a tab, and its translation.")
    return pairs


def _read_lines(path: PathLike, encoding: Optional[str]) -> list[str]:
    lines = []
    for _, line in read_lines(path, encoding):
        if isinstance(line, BadRecord):
            raise EncodingError(f"{line.location}: {line.reason}. Convert the file, or name its encoding.")
        lines.append(line.strip())
    return lines

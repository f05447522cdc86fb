"""Which files are read, in which order and as what: from paths, folders and patterns."""

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Optional, Union, get_args

from spacy_xlt.data.decoding import PACKED
from spacy_xlt.errors import XltError

# file: a text file is one document; line: each of its lines is one.
Kind = Literal["jsonl", "json", "csv", "tsv", "parquet", "line", "file"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PathLike = Union[str, "os.PathLike[str]"]
# What functions take for data: a file, a folder or a pattern, or several of them.
Paths = Union[PathLike, Iterable[PathLike]]
STDIN = "-"
# Longer strings are no paths anywhere.
MAX_PATH = 4096
ENDINGS: dict[str, Kind] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".txt": "line",
}
READABLE = f"{', '.join(ENDINGS)}, and with {' or '.join(PACKED)} behind"


@dataclass(frozen=True)
class Input:
    """A file to read. path: `-` is stdin. encoding: if it has no byte-order mark; None: UTF-8."""

    path: str
    kind: Kind
    encoding: Optional[str] = None


def as_list(paths: Paths) -> list[str]:
    """One path or several as a list."""
    return [os.fspath(path) for path in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]


def paths_of(source: Any) -> Optional[list[str]]:
    """Tell paths from texts.

    - A single string is a path. So is a `pathlib.Path`.
    - In a list, strings are paths if each of them exists and looks like a path: it ends as a data file does (`.csv`),
      or has a `/` in it.
    - In a list, strings are texts if none of them exists and looks like a path. But if all of them exist (`data`), or
      all are single words that end as data files do (`tickets.csv`), they could be either, and are refused.
    - The items of any other iterable are texts or dicts.

    Args:
        source: What a function was given as its data.

    Returns:
        The paths; None for texts or dicts.

    Raises:
        XltError: A list could mean either, or holds both.
    """
    if isinstance(source, (str, os.PathLike)):
        return [os.fspath(source)]
    if not isinstance(source, (list, tuple)) or not source:
        return None
    are_paths = [isinstance(each, os.PathLike) for each in source]
    if all(are_paths):
        return [os.fspath(each) for each in source]
    if any(are_paths):
        other = source[are_paths.index(False)]
        raise XltError(f"There are paths and {other!r} in one list: give only paths, or only texts.")
    if not all(isinstance(each, str) for each in source):
        return None
    there = [_is_there(each) for each in source]
    like_paths = [_looks_like_path(each) for each in source]
    if all(there) and all(like_paths):
        return list(source)
    doubtful = [each for each, *both in zip(source, there, like_paths) if all(both)]
    if all(there) or all(map(_names_data, source)):
        doubtful.append(source[0])
    if doubtful:
        raise XltError(
            f"{doubtful[0]!r} in a list can be a path or a text{'' if any(there) else ' (no file has this name)'}. "
            "Give paths as pathlib.Path, and texts as {'text': ...}."
        )
    return None


def _is_there(text: str) -> bool:
    """Whether a string names a file, a folder, or by a pattern some files."""
    if len(text) > MAX_PATH or not any(map(str.isalnum, text)):  # `/` and `..` are texts
        return False
    is_pattern = glob.has_magic(text) and kind_of(text) is not None
    return os.path.lexists(text) or (is_pattern and any(glob.iglob(text, recursive=True)))


def _looks_like_path(text: str) -> bool:
    """Whether a string has what sets a path apart from a word: the ending of a file of data, or a /."""
    return kind_of(text) is not None or os.sep in text


def _names_data(text: str) -> bool:
    """Whether a string is one word with the ending of a file of data."""
    return kind_of(text) is not None and len(text.split()) == 1


def expand(path: str) -> list[str]:
    """The path, or the files that a pattern names, sorted. Raises XltError if there is nothing of the name."""
    if os.path.lexists(path):
        return [path]
    matches = sorted(file for file in glob.glob(path, recursive=True) if os.path.isfile(file))
    if not matches:
        raise XltError(f"{path} does not exist.")
    return matches


def walk(folder: str, leave_out: Optional[Path] = None) -> Iterator[str]:
    """The files of a folder and of those in it, but for hidden ones, and a folder that is left out.

    Links are followed, but not to a folder that holds them: that would never end.
    """
    yield from _walk(folder, set(), leave_out)


def _walk(folder: str, above: set[tuple[int, int]], leave_out: Optional[Path]) -> Iterator[str]:
    status = os.stat(folder)
    here = (status.st_dev, status.st_ino)
    if here in above or (leave_out is not None and leave_out.exists() and os.path.samefile(folder, leave_out)):
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                is_folder = entry.is_dir()
            except OSError:  # a link to itself
                continue
            if is_folder:
                yield from _walk(entry.path, above | {here}, leave_out)
            elif entry.is_file():
                yield entry.path


def kind_of(path: str) -> Optional[Kind]:
    """What a file is by its ending; None: not known."""
    return ENDINGS.get(Path(unpacked_name(path)).suffix.lower())


def unpacked_name(path: str) -> str:
    """The name of a file without the ending of a packed one."""
    name = Path(path).name
    for ending in PACKED:
        name = name.removesuffix(ending)
    return name

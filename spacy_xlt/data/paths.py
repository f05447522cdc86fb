"""The files that paths, folders and patterns name, their order, and their kinds."""

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Optional, Union, get_args

from spacy_xlt.data.decoding import PACKED, check_encoding
from spacy_xlt.errors import XltError

# line: each line of a text file is a text. file: the whole text file is one text. spacy: a DocBin. conll: one token per
# line.
Kind = Literal["jsonl", "json", "csv", "tsv", "parquet", "spacy", "conll", "line", "file"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PathLike = Union[str, "os.PathLike[str]"]
# A file, a folder or a pattern, or several of them.
Paths = Union[PathLike, Iterable[PathLike]]
STDIN = "-"
# No operating system has longer paths.
MAX_PATH = 4096
ENDINGS: dict[str, Kind] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".spacy": "spacy",
    ".conllu": "conll",
    ".conll": "conll",
    ".iob2": "conll",
    ".txt": "line",
}
READABLE = f"{', '.join(ENDINGS)}, also with {' or '.join(PACKED)}"
QUARANTINE_ENDING = "quarantine.jsonl"


@dataclass(frozen=True)
class Input:
    """A file to read.

    Attributes:
        path: The path; `-` is stdin.
        kind: How the file is read.
        encoding: The encoding if the file has no byte-order mark; None: UTF-8.
    """

    path: str
    kind: Kind
    encoding: Optional[str] = None


def find_inputs(
    paths: Paths,
    *,
    kind: Optional[Kind] = None,
    encoding: Optional[str] = None,
    leave_out: Optional[Path] = None,
    documents: bool = False,
) -> list[Input]:
    """List the files that paths, folders and patterns name, each once, in a fixed order.

    Quarantine files inside a folder are skipped: they hold records that were bad before.

    Args:
        paths: Files, folders, patterns such as `logs/**/*.jsonl.gz`, and `-` for stdin.
        kind: The kind of all files; None: each file's ending decides.
        encoding: The encoding of files without a byte-order mark; None: UTF-8.
        leave_out: A folder that is skipped, such as the output folder.
        documents: Read the .txt files inside a folder, each as one text. If false, they are skipped: beside data
            files they are mostly read-me files.

    Raises:
        XltError: A path does not exist, a folder has no readable file, or an ending or the encoding is unknown.
    """
    check_encoding(encoding)
    found: dict[str, Input] = {}
    for path in as_list(paths):
        if os.path.isdir(path):
            inputs = _folder_inputs(path, kind, leave_out, documents)
        elif path == STDIN:
            inputs = [(STDIN, kind or "line")]
        else:
            inputs = [(file, kind or require_kind(file)) for file in expand(path)]
        for file, file_kind in inputs:
            found.setdefault(file if file == STDIN else os.path.abspath(file), Input(file, file_kind, encoding))
    if not found:
        raise XltError("There is no input: give files, folders or patterns, or - for stdin.")
    return list(found.values())


def _folder_inputs(
    folder: str, kind: Optional[Kind], leave_out: Optional[Path], documents: bool
) -> list[tuple[str, Kind]]:
    inputs: list[tuple[str, Kind]] = []
    for file in sorted(walk(folder, leave_out)):
        file_kind = kind or kind_of(file)
        if file_kind is None or file.endswith(QUARANTINE_ENDING):
            continue
        if file_kind == "line" and documents:
            inputs.append((file, "file"))
        elif file_kind != "line" or kind is not None:
            inputs.append((file, file_kind))
    if not inputs:
        raise XltError(f"{folder} holds no file that can be read ({READABLE}).")
    return inputs


def as_list(paths: Paths) -> list[str]:
    """Return one path or several as a list."""
    return [os.fspath(path) for path in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]


def paths_of(source: Any, *, texts: bool = True) -> Optional[list[str]]:
    """Tell paths from texts.

    - A single string is a path. So is a `pathlib.Path`.
    - In a list, strings are paths if each of them exists and looks like a path: it has the ending of a data file
      (`.csv`), or has a `/` in it.
    - In a list, strings are texts if none of them exists and looks like a path. The list is refused if it could be
      either: all strings exist (`data`), or all are single words with the ending of a data file (`tickets.csv`).
    - The items of any other iterable are texts or dicts.

    Args:
        source: The data that a function was given.
        texts: Whether strings in a list can be texts. If false, they are always paths.

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
    if all(are_paths) or (not texts and all(isinstance(each, (str, os.PathLike)) for each in source)):
        return [os.fspath(each) for each in source]
    if any(are_paths):
        other = source[are_paths.index(False)]
        path = os.fspath(source[are_paths.index(True)])
        raise XltError(f"The list holds the path {path} and {other!r}. Give only paths, or only records or texts.")
    if not all(isinstance(each, str) for each in source):
        return None
    there = [_is_there(each) for each in source]
    like_paths = [_looks_like_path(each) for each in source]
    if all(there) and all(like_paths):
        return list(source)
    ambiguous = [each for each, *both in zip(source, there, like_paths) if all(both)]
    if all(there) or all(map(_names_data, source)):
        ambiguous.append(source[0])
    if ambiguous:
        raise XltError(
            f"{ambiguous[0]!r} in a list can be a path or a text{'' if any(there) else ' (no file has this name)'}. "
            "Give paths as pathlib.Path, and texts as {'text': ...}."
        )
    return None


def _is_there(text: str) -> bool:
    """Whether a string names a file or a folder, or is a pattern that matches files."""
    if len(text) > MAX_PATH or not any(map(str.isalnum, text)):  # `/` and `..` are texts
        return False
    is_pattern = glob.has_magic(text) and kind_of(text) is not None
    return os.path.lexists(text) or (is_pattern and any(glob.iglob(text, recursive=True)))


def _looks_like_path(text: str) -> bool:
    """Whether a string has the ending of a data file, or a `/`."""
    return kind_of(text) is not None or os.sep in text


def _names_data(text: str) -> bool:
    """Whether a string is one word with the ending of a data file."""
    return kind_of(text) is not None and len(text.split()) == 1


def expand(path: str) -> list[str]:
    """Return the path, or the sorted files that a pattern matches.

    Raises:
        XltError: Nothing has this name.
    """
    if os.path.lexists(path):
        return [path]
    matches = sorted(file for file in glob.glob(path, recursive=True) if os.path.isfile(file))
    if not matches:
        raise XltError(f"{path} does not exist.")
    return matches


def walk(folder: str, leave_out: Optional[Path] = None) -> Iterator[str]:
    """Yield the files of a folder and of its subfolders.

    Hidden files and folders are skipped. Links are followed, but not to a folder that contains them, which would
    never end.

    Args:
        folder: The folder.
        leave_out: A folder that is skipped.
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
    """Return the kind of a file by its ending; None if the ending is unknown."""
    return ENDINGS.get(Path(unpacked_name(path)).suffix.lower())


def require_kind(path: str) -> Kind:
    """Return the kind of a file by its ending.

    Raises:
        XltError: The ending is unknown.
    """
    kind = kind_of(path)
    if kind is None:
        raise XltError(f"{path} has an unknown ending. Files that can be read end in {READABLE}.")
    return kind


def unpacked_name(path: str) -> str:
    """Return the name of a file without the ending of its compression."""
    name = Path(path).name
    for ending in PACKED:
        name = name.removesuffix(ending)
    return name

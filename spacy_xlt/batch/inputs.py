"""Which files a batch reads, in which order and as what: from paths, folders, patterns and stdin."""

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal, Optional, get_args

from spacy_xlt.errors import XltError

# file: a text file is one document; line: each of its lines is one.
Kind = Literal["jsonl", "csv", "tsv", "parquet", "line", "file"]
KINDS: tuple[Kind, ...] = get_args(Kind)
STDIN = "-"
ENDINGS: dict[str, Kind] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".txt": "line",
}
PACKED = (".gz", ".zst")
READABLE = f"{', '.join(ENDINGS)}, and with {' or '.join(PACKED)} behind"


@dataclass(frozen=True)
class Input:
    """A file to read. path: `-` is stdin."""

    path: str
    kind: Kind


def find_inputs(paths: Iterable[str], *, kind: Optional[Kind] = None, leave_out: Optional[Path] = None) -> list[Input]:
    """The files that paths, folders and patterns (`logs/**/*.jsonl.gz`) name, in a fixed order, each once.

    kind: of all files; None: by the ending. A folder's .txt files are documents each, others a document a line.
    leave_out: a folder that is not read, such as that of the output.
    Raises XltError if a path does not exist, a pattern or a folder has no file, or an ending is not known.
    """
    found: dict[str, Input] = {}
    for path in paths:
        for each in _expand(path, kind, leave_out):
            found.setdefault(os.path.abspath(each.path) if each.path != STDIN else STDIN, each)
    if not found:
        raise XltError("There is no input: name files, folders, patterns, or - for stdin.")
    return list(found.values())


def _expand(path: str, kind: Optional[Kind], leave_out: Optional[Path]) -> Iterator[Input]:
    if path == STDIN:
        yield Input(STDIN, kind or "line")
    elif os.path.isdir(path):
        inside = sorted(_walk(path, set(), leave_out))
        known = [(file, kind or _kind_of(file)) for file in inside]
        files = [Input(file, "file" if of_file == "line" else of_file) for file, of_file in known if of_file]
        if not files:
            raise XltError(f"{path} holds no file that can be read ({READABLE}).")
        yield from files
    elif os.path.lexists(path):
        yield Input(path, kind or _require_kind(path))
    else:
        matches = sorted(glob.glob(path, recursive=True))
        if not matches:
            raise XltError(f"{path} does not exist.")
        yield from (Input(file, kind or _require_kind(file)) for file in matches if os.path.isfile(file))


def _walk(folder: str, above: set[tuple[int, int]], leave_out: Optional[Path]) -> Iterator[str]:
    """The files of a folder. Links are followed, but not to a folder that holds them: that would never end."""
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


def _kind_of(path: str) -> Optional[Kind]:
    name = Path(path).name
    for ending in PACKED:
        name = name.removesuffix(ending)
    return ENDINGS.get(Path(name).suffix.lower())


def _require_kind(path: str) -> Kind:
    kind = _kind_of(path)
    if kind is None:
        raise XltError(
            f"{path!r} has an ending that is not known ({READABLE}): say what it is with --format ({', '.join(KINDS)})."
        )
    return kind


def total_bytes(inputs: Iterable[Input]) -> Optional[int]:
    """The size of all files; None if stdin is among them. Raises XltError for a file that cannot be read."""
    total = 0
    for each in inputs:
        if each.path == STDIN:
            return None
        total += _status(each.path).st_size
    return total


def identity(inputs: Iterable[Input]) -> str:
    """A digest of the names, sizes and times of change of the files: another one, and the input has changed."""
    digest = blake2b(digest_size=16)
    for each in inputs:
        digest.update(repr((each.path, each.kind)).encode("utf8", "surrogateescape"))
        if each.path != STDIN:
            status = _status(each.path)
            digest.update(repr((status.st_size, status.st_mtime_ns)).encode())
    return digest.hexdigest()


def _status(path: str) -> os.stat_result:
    try:
        return os.stat(path)
    except OSError as error:
        raise XltError(f"{path!r} cannot be read ({error.strerror}).") from error

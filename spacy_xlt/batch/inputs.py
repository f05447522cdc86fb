"""Which files a batch reads, in which order and as what: from paths, folders, patterns and stdin."""

import os
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Optional

from spacy_xlt.data.decoding import check_encoding
from spacy_xlt.data.paths import KINDS, READABLE, STDIN, Input, Kind, expand, kind_of, walk
from spacy_xlt.errors import XltError


def find_inputs(
    paths: Iterable[str],
    *,
    kind: Optional[Kind] = None,
    encoding: Optional[str] = None,
    leave_out: Optional[Path] = None,
) -> list[Input]:
    """The files that paths, folders and patterns (`logs/**/*.jsonl.gz`) name, in a fixed order, each once.

    kind: of all files; None: by the ending. A folder's .txt files are documents each, others a document a line.
    encoding: of files without a byte-order mark; None: UTF-8.
    leave_out: a folder that is not read, such as that of the output.
    Raises XltError if a path does not exist, a pattern or a folder has no file, or an ending or encoding is not known.
    """
    check_encoding(encoding)
    found: dict[str, Input] = {}
    for path in paths:
        for file, of_file in _expand(path, kind, leave_out):
            found.setdefault(os.path.abspath(file) if file != STDIN else STDIN, Input(file, of_file, encoding))
    if not found:
        raise XltError("There is no input: name files, folders, patterns, or - for stdin.")
    return list(found.values())


def _expand(path: str, kind: Optional[Kind], leave_out: Optional[Path]) -> Iterator[tuple[str, Kind]]:
    if path == STDIN:
        yield STDIN, kind or "line"
    elif os.path.isdir(path):
        known = [(file, kind or kind_of(file)) for file in sorted(walk(path, leave_out))]
        files: list[tuple[str, Kind]] = [
            (file, "file" if of_file == "line" else of_file) for file, of_file in known if of_file
        ]
        if not files:
            raise XltError(f"{path} holds no file that can be read ({READABLE}).")
        yield from files
    else:
        yield from ((file, kind or _require_kind(file)) for file in expand(path))


def _require_kind(path: str) -> Kind:
    kind = kind_of(path)
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
        known = (each.path, each.kind) if each.encoding is None else (each.path, each.kind, each.encoding)
        digest.update(repr(known).encode("utf8", "surrogateescape"))
        if each.path != STDIN:
            status = _status(each.path)
            digest.update(repr((status.st_size, status.st_mtime_ns)).encode())
    return digest.hexdigest()


def _status(path: str) -> os.stat_result:
    try:
        return os.stat(path)
    except OSError as error:
        raise XltError(f"{path!r} cannot be read ({error.strerror}).") from error

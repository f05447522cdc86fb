"""Writing files and folders whole or not at all."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from spacy_xlt.errors import XltError

LEFTOVER_SECONDS = 3600


@contextmanager
def whole_folder(out: Path, marker: str) -> Iterator[Path]:
    """Yield a new, empty folder beside `out` that takes the place of `out` when the block ends without an exception.

    So `out` is there whole or not at all, also after Ctrl-C or a kill. A folder that is there already and holds the
    file `marker` is replaced at the end; anything else that is there is left alone and refused.
    Raises XltError when `out` cannot be written.
    """
    out = out.expanduser().resolve()
    check_replaceable(out, marker)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(out)
        part.mkdir()
        yield part
        _put_in_place(part, out)
    except OSError as error:
        raise XltError(f"{out} could not be written: {error}.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def check_replaceable(out: Path, marker: str) -> None:
    """Raise XltError if `out` holds something that this package did not make. Ask before long work, not after it."""
    if not out.exists() or (out / marker).is_file():
        return
    if not out.is_dir() or any(out.iterdir()):
        raise XltError(f"{out} exists and holds something else (no {marker}): choose another folder, or remove it.")


def _remove_leftovers(out: Path) -> None:
    """Remove what killed builds of the same folder have left; younger ones may belong to a build that still runs."""
    for ending in ("part", "old"):
        for leftover in out.parent.glob(f".{out.name}.*.{ending}"):
            if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
                shutil.rmtree(leftover, ignore_errors=True)


def _put_in_place(part: Path, out: Path) -> None:
    """Rename `part` to `out`. A folder cannot be renamed over a full one, so an old one is moved aside first."""
    if not out.exists():
        part.rename(out)
        return
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    out.rename(old)
    try:
        part.rename(out)
    except BaseException:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield the path of a file to write that takes the place of `path` when the block ends without an exception.

    Raises XltError when `path` cannot be written.
    """
    scratch = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield scratch
        os.replace(scratch, path)
    except OSError as error:
        raise XltError(f"{path} could not be written: {error.strerror or error}. Choose another place.") from error
    finally:
        if scratch.is_file():
            scratch.unlink()


def write_json(content: dict[str, Any], path: Path) -> None:
    """Write a JSON file; it appears whole or not at all."""
    with whole_file(path) as scratch:
        scratch.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf8")


def folder_megabytes(folder: Path) -> float:
    """The size of a folder with all that is in it, in MB (10^6 bytes)."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def file_digest(path: Path) -> str:
    """The SHA-256 of a file."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

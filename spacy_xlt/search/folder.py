"""The files of an index on disk. They are checked before they are read, and nothing in them is executed."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from spacy_xlt.errors import XltError
from spacy_xlt.files import file_digest

# The file by which a folder is known as an index.
MARKER = "index.json"
VERSION = 1
ENTRIES_FILE, VECTORS_FILE, KEYS_FILE = "entries.jsonl", "vectors.npy", "keys.npy"
# Only an index that is searched approximately has these.
GRAPH_FILE, AXES_FILE = "graph.usearch", "axes.npy"


def load_array(path: Path) -> Any:
    """Map an array into memory.

    Raises:
        XltError: The file is damaged, or holds a pickle.
    """
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise XltError(f"{path} is damaged ({error}). Copy or build the index again.") from error


def read_facts(folder: Path) -> dict[str, Any]:
    """Return the content of index.json, after all files have been compared with their hashes.

    Raises:
        XltError: The folder is not an index, or a file is missing, damaged, or does not belong to the index.
    """
    marker = folder / MARKER
    if not marker.is_file():
        raise XltError(f"{folder} is not an index (it has no {MARKER}). Build one first.")
    try:
        facts: dict[str, Any] = json.loads(marker.read_text(encoding="utf8"))
        hashes = dict(facts["sha256"])
        numbers = [int(facts[name]) for name in ("version", "entries", "width", "next_key")]
    except (KeyError, TypeError, ValueError) as error:
        raise XltError(f"{marker} is damaged ({error!r}). Copy or build the index again.") from error
    if numbers[0] > VERSION:
        raise XltError(f"{folder} was written by a newer version of spacy-xlt (format {numbers[0]}). Update spacy-xlt.")
    there = {file.name for file in folder.iterdir()} - {MARKER}
    for name in sorted({*hashes, *there, ENTRIES_FILE, VECTORS_FILE, KEYS_FILE}):
        if name not in there or name not in hashes:
            problem = "is missing" if name in hashes or name not in there else "does not belong to the index"
            raise XltError(f"{folder}: {name} {problem}. Copy or build the index again.")
        if file_digest(folder / name) != hashes[name]:
            raise XltError(f"{folder}: {name} is damaged (its hash is another one). Copy or build the index again.")
    return facts

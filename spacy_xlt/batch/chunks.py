"""Chunks of records that are classified together. Records with a repeated id are left out."""

import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple, Optional

from spacy_xlt.batch.fields import Fields, Item, make_item
from spacy_xlt.data.rows import BadRecord, Rows
from spacy_xlt.errors import XltError
from spacy_xlt.serving.classifier import Text
from spacy_xlt.text import replace_surrogates

INSERT = "INSERT OR IGNORE INTO seen VALUES (?)"


class Chunk(NamedTuple):
    """Records that are classified together.

    Attributes:
        number: The number of the chunk, from 0.
        items: The records to classify.
        bad: The records that cannot be classified.
        digest: A digest of all records up to the end of this chunk.
    """

    number: int
    items: list[Item]
    bad: list[BadRecord]
    digest: str

    @property
    def inputs(self) -> list[Text]:
        """What the model classifies: texts, or pairs of texts."""
        return [item.text if item.pair is None else (item.text, item.pair) for item in self.items]


class SeenIds:
    """The ids so far, in a temporary SQLite file, so that memory does not grow with their number."""

    def __init__(self) -> None:
        # An empty name means a temporary file, which is removed when the database is closed.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA cache_size = -2000")
        self._database.execute("PRAGMA journal_mode = MEMORY")
        self._database.execute("CREATE TABLE seen (id BLOB PRIMARY KEY) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def add(self, ids: Sequence[str]) -> list[bool]:
        """Add ids, and return for each whether it is new."""
        keys = [(blake2b(id.encode("utf8", "surrogatepass"), digest_size=16).digest(),) for id in ids]
        # Usually all are new, which one call shows.
        self._database.execute("SAVEPOINT chunk")
        added = self._database.executemany(INSERT, keys).rowcount
        if added == len(keys):
            self._database.execute("RELEASE chunk")
            return [True] * len(keys)
        self._database.execute("ROLLBACK TO chunk")
        return [bool(self._database.execute(INSERT, key).rowcount) for key in keys]

    def close(self) -> None:
        self._database.close()


def make_chunks(
    rows: Rows, fields: Fields, size: int, *, skip: int = 0, digest: Optional[str] = None
) -> Iterator[Chunk]:
    """Yield chunks of `size` records, bad records included.

    The last chunk has fewer records than `size`, possibly none, so there is always at least one chunk.

    Args:
        rows: The rows of the input, each with its location.
        fields: The fields with the text and the id.
        size: The number of records in a chunk.
        skip: The number of the first chunk to yield.
        digest: The digest of the chunk before `skip`.

    Raises:
        XltError: The records before `skip` have changed, or the temporary file cannot be written.
    """
    seen = SeenIds()
    running = blake2b(digest_size=16)
    try:
        for number in range(2**62):
            items: list[Item] = []
            bad: list[BadRecord] = []
            parts: list[str] = []
            for location, row in islice(rows, size):
                record = make_item(location, row, fields)
                if isinstance(record, Item):
                    parts += (str(record.id), record.text, *([] if record.pair is None else [record.pair]))
                    items.append(record)
                else:
                    parts += (location, record.reason)
                    bad.append(record)
            running.update("\0".join([*parts, ""]).encode("utf8", "surrogatepass"))
            is_last = len(items) + len(bad) < size
            if fields.id is not None:
                items = _without_repeated(items, seen, bad)
            now = running.hexdigest()
            is_other = digest is not None and number == skip - 1 and now != digest
            if is_other or (is_last and number < skip - 1):
                raise XltError(
                    "The input does not start with the records that are finished already, so it has changed. "
                    "Restore it, or choose another output folder."
                )
            if number >= skip:
                yield Chunk(number, items, bad, now)
            if is_last:
                return
    except sqlite3.Error as error:
        raise XltError(
            f"The ids could not be written to the temporary folder ({error}). Free some space there, or set TMPDIR. "
            "The finished parts are kept; run the same again."
        ) from error
    finally:
        seen.close()


def _without_repeated(items: list[Item], seen: SeenIds, bad: list[BadRecord]) -> list[Item]:
    """The items that have no id or a new one. The others are added to the bad records."""
    known = [item for item in items if item.id is not item.location]
    repeated = {id(item) for item, is_new in zip(known, seen.add([str(item.id) for item in known])) if not is_new}
    if not repeated:
        return items
    for item in known:
        if id(item) in repeated:
            reason = f"the id {item.id!r} has come before"
            bad.append(BadRecord(item.location, reason, replace_surrogates(item.text[:2000])))
    return [item for item in items if id(item) not in repeated]

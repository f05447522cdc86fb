"""From rows to chunks of records that are classified together, with the ids that come twice left out."""

import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple, Optional

from spacy_xlt.batch.fields import Fields, Item, make_item
from spacy_xlt.data.rows import BadRecord, Rows
from spacy_xlt.errors import XltError
from spacy_xlt.text import replace_surrogates

INSERT = "INSERT OR IGNORE INTO seen VALUES (?)"


class Chunk(NamedTuple):
    """number: from 0. digest: of all records up to the end of this chunk."""

    number: int
    items: list[Item]
    bad: list[BadRecord]
    digest: str


class SeenIds:
    """The ids that have come: in a temporary file of SQLite, so that memory does not grow with their number."""

    def __init__(self) -> None:
        # An empty name is a database in a file of its own that is removed when it is closed.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA cache_size = -2000")
        self._database.execute("PRAGMA journal_mode = MEMORY")
        self._database.execute("CREATE TABLE seen (id BLOB PRIMARY KEY) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def add(self, ids: Sequence[str]) -> list[bool]:
        """Note some ids; return of each whether it is new."""
        keys = [(blake2b(id.encode("utf8", "surrogatepass"), digest_size=16).digest(),) for id in ids]
        # Mostly all are new, and one call is enough to see it.
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
    """Yield chunks of `size` records, bad ones counted in, from the one with the number `skip` on.

    The last chunk has fewer records than `size`, perhaps none: so there is always one.
    digest: that of the chunk before `skip`. Raises XltError if the records before it are others.
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
                    parts += (str(record.id), record.text)
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
                    "The input does not begin with the records that are finished already: it has changed since. "
                    "Put it back as it was, or choose another --output."
                )
            if number >= skip:
                yield Chunk(number, items, bad, now)
            if is_last:
                return
    except sqlite3.Error as error:
        raise XltError(
            f"The ids could not be kept in the temporary folder ({error}): make room there, or set TMPDIR. What is "
            "finished is kept: run the same again."
        ) from error
    finally:
        seen.close()


def _without_repeated(items: list[Item], seen: SeenIds, bad: list[BadRecord]) -> list[Item]:
    """The items whose ids are new, or that have none; the others are put behind the bad ones."""
    known = [item for item in items if item.id is not item.location]
    repeated = {id(item) for item, is_new in zip(known, seen.add([str(item.id) for item in known])) if not is_new}
    if not repeated:
        return items
    for item in known:
        if id(item) in repeated:
            reason = f"the id {item.id!r} has come before"
            bad.append(BadRecord(item.location, reason, replace_surrogates(item.text[:2000])))
    return [item for item in items if id(item) not in repeated]

"""From rows to chunks of records that are classified together, with the ids that come twice left out."""

import sqlite3
from collections.abc import Iterator
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple, Optional

from spacy_xlt.batch.fields import Fields, Item, make_item
from spacy_xlt.data.records import BadRecord, Rows
from spacy_xlt.errors import XltError
from spacy_xlt.text import replace_surrogates


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
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE seen (id BLOB PRIMARY KEY) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def add(self, id: str) -> bool:
        """Note an id; return whether it is new."""
        key = blake2b(id.encode("utf8", "surrogatepass"), digest_size=16).digest()
        return bool(self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount)

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
            for place, row in islice(rows, size):
                record = make_item(place, row, fields)
                if isinstance(record, Item):
                    running.update(f"{record.id}\0{record.text}\0".encode("utf8", "surrogatepass"))
                    if fields.id is not None and record.id is not place and not seen.add(str(record.id)):
                        content = replace_surrogates(record.text[:2000])
                        record = BadRecord(place, f"the id {record.id!r} has come before", content)
                else:
                    running.update(f"{place}\0{record.reason}\0".encode("utf8", "surrogatepass"))
                if isinstance(record, Item):
                    items.append(record)
                else:
                    bad.append(record)
            now = running.hexdigest()
            is_last = len(items) + len(bad) < size
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
    finally:
        seen.close()

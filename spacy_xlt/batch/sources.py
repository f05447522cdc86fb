"""Reading the rows of any input, one at a time, each with its location; what cannot be read is a BadRecord."""

import os
import sys
from collections.abc import Iterable, Iterator
from typing import IO, Any, Union

from spacy_xlt.data.paths import STDIN, Input, kind_of
from spacy_xlt.data.reading import READ_ERRORS, TEXT_FIELD, open_rows
from spacy_xlt.data.rows import BadRecord, Row, Rows, Say


class FileRows:
    """The rows of files, one file after the other. `read_bytes`: how much of the files has been read so far.

    say: is told what was found out about a file, in sentences.
    """

    def __init__(self, inputs: Iterable[Input], say: Say = lambda sentence: None) -> None:
        self._inputs = list(inputs)
        self._say = say
        self._before = 0
        self._raw: Any = None

    @property
    def read_bytes(self) -> int:
        return self._before + (self._raw.tell() if self._raw is not None and not self._raw.closed else 0)

    def __iter__(self) -> Rows:
        for each in self._inputs:
            last = f"{each.path}:1"
            try:
                for location, row in self._rows(each):
                    last = location
                    yield location, row
            except READ_ERRORS as error:
                # Nothing stops a batch: what was read before is used, the rest is told of.
                reason = str(error).strip().splitlines() or [type(error).__name__]
                yield last, BadRecord(last, f"the file could not be read on from here: {reason[0]}")
            if each.path != STDIN:
                self._before += os.path.getsize(each.path) if os.path.exists(each.path) else 0
            self._raw = None

    def _rows(self, each: Input) -> Rows:
        if each.kind == "parquet":  # which jumps about in its file
            with open_rows(each, say=self._say) as opened:
                yield from opened.rows
            return
        raw: IO[bytes] = sys.stdin.buffer if each.path == STDIN else open(each.path, "rb")  # noqa: SIM115
        self._raw = None if each.path == STDIN else raw
        try:
            with open_rows(each, raw, say=self._say) as opened:
                yield from opened.rows
        finally:
            if each.path != STDIN:
                raw.close()


def object_rows(items: Iterable[Any]) -> Iterator[tuple[str, Row]]:
    """The rows of a Python iterable of texts or of dicts; the location of each is `item:number`."""
    for number, item in enumerate(items, start=1):
        location = f"item:{number}"
        if isinstance(item, str):
            yield location, _text_row(item, location)
        elif isinstance(item, dict):
            yield location, item
        elif isinstance(item, os.PathLike):
            yield location, BadRecord(location, "a path among texts: give files in a list", repr(item)[:2000])
        else:
            yield (
                location,
                BadRecord(location, f"neither a text nor a dict but {type(item).__name__}", repr(item)[:2000]),
            )


def _text_row(item: str, location: str) -> Union[dict[str, Any], BadRecord]:
    """A text, unless it names a file of data that is there: then it is hardly meant as one."""
    if kind_of(item) is not None and os.path.isfile(item):
        reason = "the name of a file among texts: give files in a list, or this text as {'text': ...}"
        return BadRecord(location, reason, item[:2000])
    return {TEXT_FIELD: item}

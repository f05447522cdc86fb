"""Rows of CSV, TSV and Parquet files.

The `csv` module reads everything after an unclosed quote as text, and does not report the lines of a record. So this
module groups lines into records, and `csv` only splits a record into cells.
"""

import csv
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Optional, TextIO, Union

from spacy_xlt.data.decoding import import_arrow, is_undecoded, why_undecoded
from spacy_xlt.data.rows import MAX_LINE, BadRecord, Rows, Say, find_doubled, numbered_lines, printable
from spacy_xlt.errors import EncodingError, XltError

# The first one is used if several divide the header into the same number of columns.
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# A quoted cell with more lines than this, each of which looks like a row, is reported.
SUSPICIOUS_LINES = 3
PARQUET_ROWS = 512


class Table(NamedTuple):
    """The columns and the rows of a table."""

    header: list[str]
    rows: Rows


class _Record(NamedTuple):
    """The lines of a record, and the number of the first line."""

    number: int
    lines: list[str]


class _Lines:
    """The lines of a file with their numbers. Lines can be put back."""

    def __init__(self, file: TextIO, name: str) -> None:
        self._lines = numbered_lines(file, name)
        self._back: deque[tuple[int, Union[str, BadRecord]]] = deque()

    def take(self) -> Optional[tuple[int, Union[str, BadRecord]]]:
        """Return the next line; None at the end."""
        return self._back.popleft() if self._back else next(self._lines, None)

    def put_back(self, lines: Sequence[tuple[int, Union[str, BadRecord]]]) -> None:
        self._back.extendleft(reversed(lines))


class _End(NamedTuple):
    """The state at the end of a line.

    Attributes:
        is_open: The line ends within a quoted cell.
        stray: The line starts within a quoted cell, and its first quote does not end the cell.
        delimiters: The number of delimiters outside of quotes.
    """

    is_open: bool
    stray: bool
    delimiters: int


def open_csv(file: TextIO, name: str, say: Say, *, tabs: bool = False) -> Table:
    """Read the header of a CSV file and return it with an iterator over the rows.

    The delimiter is the one of DELIMITERS that divides the header into the most columns.

    Args:
        file: The open file, as `as_text` opens it.
        name: The name of the file. The location of a row is `name:line`.
        say: Is called with a sentence if the delimiter is not a comma, and at the end if quotes look wrong.
        tabs: The file is TSV, in which quotes are ordinary characters: benchmark data has unpaired quotes.

    Raises:
        XltError: The header is not CSV, cannot be decoded, or has a name twice.
    """
    csv.field_size_limit(MAX_LINE)
    lines = _Lines(file, name)
    header, delimiter = _read_header(lines, name, tabs)
    undecoded = why_undecoded(file.encoding)
    if any(map(is_undecoded, header)):
        raise EncodingError(f"{name}: the header is {undecoded}. Name the encoding of the file.")
    if not tabs and delimiter != ",":
        say(f"{name}: the columns are separated by {DELIMITERS[delimiter]}.")
    return Table(header, _csv_rows(lines, header, delimiter, name, undecoded, say, tabs))


def _read_header(lines: _Lines, name: str, tabs: bool) -> tuple[list[str], str]:
    first = lines.take()
    while first is not None and isinstance(first[1], str) and not first[1].strip("\r\n"):
        first = lines.take()
    if first is None:
        return [], ","
    if isinstance(first[1], BadRecord):
        raise XltError(f"{first[1].location}: {first[1].reason}.")
    found: dict[str, list[str]] = {}
    for delimiter in ["\t"] if tabs else DELIMITERS:
        lines.put_back([first])
        record = _take_record(lines, name, delimiter, None, tabs)
        if isinstance(record, _Record):
            try:
                found[delimiter] = _split(record.lines, delimiter, tabs)
            except csv.Error as error:
                raise XltError(f"{name}:{first[0]}: the header is not CSV ({error}).") from None
            lines.put_back(list(enumerate(record.lines, start=record.number))[1:])
    if len(found) < len(DELIMITERS) and not tabs and all(len(cells) < 2 for cells in found.values()):
        raise XltError(f"{name}:{first[0]}: a quote opens in the header and is not closed. Close it.")
    delimiter = max(found, key=lambda each: len(found[each]))
    lines.put_back([first])
    _take_record(lines, name, delimiter, None, tabs)
    return _named(found[delimiter], f"{name}:{first[0]}"), delimiter


def _named(header: list[str], location: str) -> list[str]:
    """The columns. Several columns without a name, which spreadsheets write at the end, are named by their number."""
    if header.count("") > 1:
        header = [column or f"column {number}" for number, column in enumerate(header, start=1)]
    doubled = find_doubled(header)
    if doubled is not None:
        raise XltError(f"{location}: two columns have the name '{doubled}'. Rename one of them.")
    return header


def _split(lines: list[str], delimiter: str, tabs: bool) -> list[str]:
    reader = (
        csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if tabs else csv.reader(lines, delimiter=delimiter)
    )
    cells: list[str] = next(reader, [])
    return cells


def _csv_rows(
    lines: _Lines, header: list[str], delimiter: str, name: str, undecoded: str, say: Say, tabs: bool
) -> Rows:
    width = len(header)
    suspicious: list[str] = []
    while (record := _take_record(lines, name, delimiter, width, tabs)) is not None:
        if isinstance(record, BadRecord):
            yield record.location, record
            continue
        location = f"{name}:{record.number}"
        try:
            cells = _split(record.lines, delimiter, tabs)
        except csv.Error as error:
            yield location, BadRecord(location, f"not CSV ({error})", printable("".join(record.lines)))
            continue
        if not cells:
            continue
        last = record.number + len(record.lines) - 1
        if len(cells) != width:
            reason = f"{len(cells)} columns where the header has {width}"
            if len(record.lines) > 1:
                reason += f" (lines {record.number} to {last})"
            yield location, BadRecord(location, reason, printable("\t".join(cells)))
        elif any(map(is_undecoded, cells)):
            yield location, BadRecord(location, undecoded, printable("\t".join(cells)))
        else:
            if len(record.lines) > SUSPICIOUS_LINES and _look_like_rows(record.lines[1:], delimiter, width):
                suspicious.append(f"lines {record.number} to {last}")
            yield location, dict(zip(header, cells))
    if suspicious:
        say(
            f"{name}: {len(suspicious)} quoted cells hold lines that look like rows (the first: {suspicious[0]}). "
            "If a quote is missing there, close it."
        )


def _take_record(
    lines: _Lines, name: str, delimiter: str, width: Optional[int], tabs: bool
) -> Union[_Record, BadRecord, None]:
    """Return the next record; None at the end.

    A quoted cell must end with a quote before a delimiter or the end of a line. If it does not, only the first line of
    the record is bad, and the next lines are read on their own.

    Args:
        width: The number of columns; None if it is unknown.
    """
    first = lines.take()
    if first is None:
        return None
    number, line = first
    if isinstance(line, BadRecord):
        return line
    if tabs or '"' not in line:
        return _Record(number, [line])
    end = _scan(line, delimiter, is_open=False)
    record = [line]
    taken = [first]
    opened, delimiters, size = number, end.delimiters, len(line)
    problem = ""
    while end.is_open and not problem:
        following = lines.take()
        if following is None:
            problem = "is never closed"
            break
        taken.append(following)
        here, line = following
        if isinstance(line, BadRecord) or size + len(line) > MAX_LINE:
            problem = f"is not closed within {MAX_LINE} characters"
            break
        end = _scan(line, delimiter, is_open=True)
        record.append(line)
        delimiters, size = delimiters + end.delimiters, size + len(line)
        if end.stray:
            problem = f"is not closed: the next quote, on line {here}, is inside of a cell"
        elif end.is_open and end.delimiters:
            opened = here
            if width is not None and delimiters >= width:
                problem = "is not closed, and there are more columns than in the header"
    if not problem:
        return _Record(number, record)
    lines.put_back(taken[1:])
    swallowed = taken[-1][0] - opened
    reason = f"the quote that opens on line {opened} {problem}"
    if swallowed > 0:
        reason += f"; the cell would include the next {swallowed} lines, which are read on their own instead"
    return BadRecord(f"{name}:{number}", reason, printable(record[0]))


def _scan(line: str, delimiter: str, is_open: bool) -> _End:
    """The state at the end of a line. `is_open`: the line starts within a quoted cell."""
    stray, delimiters = False, 0
    position = 0
    inherited = is_open
    if not is_open and line.startswith('"'):
        is_open, position = True, 1
    while True:
        if is_open:
            position = _after_closing(line, position)
            if position < 0:
                return _End(True, stray, delimiters)
            stray |= inherited and line[position : position + 1] not in ("", delimiter, "\r", "\n")
            is_open = inherited = False
        position = line.find(delimiter, position) + 1
        if not position:
            return _End(False, stray, delimiters)
        delimiters += 1
        if line.startswith('"', position):
            is_open, position = True, position + 1


def _after_closing(line: str, position: int) -> int:
    """The position after the quote that closes a cell; -1 if none does. A doubled quote is a character of the cell."""
    while (position := line.find('"', position) + 1) and line.startswith('"', position):
        position += 1
    return position or -1


def _look_like_rows(lines: Sequence[str], delimiter: str, width: int) -> bool:
    """Whether each line would be a row on its own. Lines of a table with one column never count."""
    ends = (_scan(line, delimiter, is_open=False) for line in lines)
    return width > 1 and all(end.delimiters == width - 1 and not end.is_open for end in ends)


def open_parquet(path: str) -> Table:
    """Open a Parquet file. The location of a row is `path:number`.

    Raises:
        XltError: Two columns have the same name, or pyarrow is missing.
    """
    import_arrow("reading .parquet")
    from pyarrow.parquet import ParquetFile

    file = ParquetFile(path)
    header: list[str] = list(file.schema_arrow.names)
    doubled = find_doubled(header)
    if doubled is not None:
        file.close()
        raise XltError(f"{path}: two columns have the name '{doubled}'. Rename one of them.")

    def rows() -> Rows:
        number = 0
        with file:
            for batch in file.iter_batches(batch_size=PARQUET_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}:{number}", row

    return Table(header, rows())

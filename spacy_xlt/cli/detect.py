"""`xlt detect`: print the language of each document of a file or a stream."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from spacy_xlt.cli.options import Encoding, Text

BATCH = 512
READ_BYTES = 1 << 16


def detect_cli(
    files: Annotated[
        Optional[list[Path]],
        typer.Argument(
            help="Files: .txt (one document per line), .csv, .tsv, .jsonl ...; none, or -: lines from stdin."
        ),
    ] = None,
    languages: Annotated[
        str, typer.Option(help="The languages that can occur, as en,de,zh_Hant, or with weights, as en=5,de=1.")
    ] = "",
    detector: Annotated[str, typer.Option(help="NGrams, LangDetect, FastText, Py3LangId, Lingua.")] = "NGrams",
    threshold: Annotated[float, typer.Option(help="The language is xx if its probability is lower.")] = 0.0,
    segments: Annotated[bool, typer.Option("--segments", help="Show where the language of a text changes.")] = False,
    format: Annotated[str, typer.Option(help="tsv (language, probability, code, segments, text) or json.")] = "tsv",
    text: Text = "text",
    encoding: Encoding = None,
) -> None:
    """Print the language and probability of each document."""
    from spacy_xlt.detectors.base import read_prior
    from spacy_xlt.detectors.detect import make_detector
    from spacy_xlt.detectors.segments import find_segments
    from spacy_xlt.errors import XltError

    if format not in ("tsv", "json"):
        raise XltError(f"--format must be tsv or json, not '{format}'.")
    if not 0.0 <= threshold <= 1.0:
        raise XltError(f"--threshold must be a probability between 0 and 1, not {threshold}.")
    back_end = make_detector(detector)
    prior = read_prior(read_languages(languages), back_end)
    line = json_line if format == "json" else tsv_line
    for batch in read_batches(files or [Path("-")], text, encoding):
        found = back_end.detect(batch, prior)
        pieces = find_segments(back_end, batch, prior) if segments else [None] * len(batch)
        for each, candidates, segment in zip(batch, found, pieces):
            sys.stdout.write(line(each, candidates, threshold, segment))
        sys.stdout.flush()


def read_languages(option: str) -> dict[str, float]:
    """Read `en,de` or `en=5,de=1`.

    Raises:
        XltError: A weight is not a number.
    """
    from spacy_xlt.errors import XltError

    weights: dict[str, float] = {}
    for item in filter(None, (item.strip() for item in option.split(","))):
        code, _, weight = item.partition("=")
        try:
            weights[code.strip()] = float(weight or 1)
        except ValueError:
            raise XltError(f"--languages: '{weight}' in '{item}' is not a number.") from None
    return weights


def read_batches(files: Iterable[Path], field: str, encoding: Optional[str]) -> Iterator[list[str]]:
    """Yield the documents of the files in batches. A batch of stdin holds the lines that have arrived."""
    for file in files:
        if str(file) == "-":
            yield from stream_batches()
        else:
            batch: list[str] = []
            for text in read_texts(file, field, encoding):
                batch.append(text)
                if len(batch) == BATCH:
                    yield batch
                    batch = []
            if batch:
                yield batch


def read_texts(file: Path, field: str, encoding: Optional[str]) -> Iterator[str]:
    """Yield one text for each record, so that line n of the output is record n. A bad record is an empty text."""
    from spacy_xlt.cli.common import print_notes
    from spacy_xlt.data.paths import kind_of
    from spacy_xlt.data.reading import read_lines
    from spacy_xlt.data.records import ColumnNames, read_records
    from spacy_xlt.data.rows import BadRecord

    found: Iterable[Any]
    if kind_of(str(file)) in (None, "line"):
        found = (line for _, line in read_lines(file, encoding))
    else:
        columns = ColumnNames(text=field)
        found = read_records(file, columns, labeled=False, encoding=encoding, say=lambda note: print_notes([note]))
    for each in found:
        if isinstance(each, BadRecord):
            print(f"⚠ {each.location}: {each.reason}; its language is xx", file=sys.stderr)
            yield ""
        else:
            yield each if isinstance(each, str) else each.text


def stream_batches() -> Iterator[list[str]]:
    """Yield the lines of stdin as they arrive, so that a program that waits for answers gets them."""
    stdin = sys.stdin.buffer
    read = getattr(stdin, "read1", stdin.read)
    rest = b""
    while block := read(READ_BYTES):
        *lines, rest = (rest + block).split(b"\n")
        for start in range(0, len(lines), BATCH):
            yield [decode(line) for line in lines[start : start + BATCH]]
    if rest:
        yield [decode(rest)]


def decode(line: bytes) -> str:
    return line.decode("utf-8-sig", errors="replace").rstrip("\r")


def tsv_line(text: str, candidates: Any, threshold: float, segments: Any) -> str:
    from spacy_xlt.detectors.base import decide

    language, score, script = decide(candidates, threshold)
    cells = [language, f"{score:.3f}", script]
    if segments is not None:
        cells.append(" ".join(f"{each.start}-{each.end}:{each.language}" for each in segments))
    # The document is on one line, with spaces for tabs and control characters.
    return "\t".join([*cells, " ".join(printable(text).split())]) + "\n"


def json_line(text: str, candidates: Any, threshold: float, segments: Any) -> str:
    from spacy_xlt.detectors.base import decide

    language, score, script = decide(candidates, threshold)
    row: dict[str, Any] = {
        "language": language,
        "score": score,
        "language_script": script,
        "candidates": dict(candidates),
    }
    if segments is not None:
        row["segments"] = [
            {
                "start": each.start,
                "end": each.end,
                "language": each.language,
                "score": each.score,
                "language_script": each.script,
            }
            for each in segments
        ]
    return json.dumps({**row, "text": text}, ensure_ascii=False) + "\n"


def printable(text: str) -> str:
    from spacy_xlt.text import strip_controls

    return strip_controls(text)

"""What several commands do: report bad records, hide progress bars, read LANG=VALUE options."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from spacy_xlt.data.records import BadRecord
from spacy_xlt.errors import XltError
from spacy_xlt.languages import base_code, is_known


def report_bad_records(bad: Sequence[BadRecord], quarantine: Path, strict: bool) -> None:
    """Write the quarantine file, count on stderr, and exit with 1 if `strict`."""
    from spacy_xlt.data.docbin import write_quarantine

    write_quarantine(bad, quarantine)
    if bad:
        first = f"{bad[0].place}: {bad[0].reason}"
        print(f"⚠ {len(bad)} bad records left out (first: {first}); all are in {quarantine}", file=sys.stderr)
        if strict:
            raise typer.Exit(1)


def warn_skipped(path: object, skipped: Mapping[str, Any]) -> int:
    """Say on stderr how many lines of a file were left out (`Skipped.to_dict`), and return the number."""
    count: int = skipped["count"]
    if count:
        print(f"⚠ {count} lines of {path} left out (first: {skipped['first']})", file=sys.stderr)
    return count


def quiet(progress: bool) -> bool:
    """Whether to hide progress bars: asked for, or nobody is watching."""
    return not progress or not sys.stderr.isatty()


def parse_by_language(option: str, values: Sequence[str]) -> dict[str, str]:
    """LANG=VALUE, several times, by base code. Raises XltError for another form, an unknown code, one given twice."""
    found: dict[str, str] = {}
    for value in values:
        code, _, rest = value.partition("=")
        if not rest:
            raise XltError(f"{option} '{value}': name the language and the file, as {option} de=FILE.")
        if not is_known(code):
            raise XltError(f"{option} '{value}': '{code}' is no language code.")
        if base_code(code) in found:
            raise XltError(f"{option} is given twice for '{base_code(code)}': join the files.")
        found[base_code(code)] = rest
    return found


def read_sides(language: str, both: str) -> list[tuple[str, str]]:
    """The pairs of sentences that `--pairs LANG=SRC_FILE,LANG_FILE` names. Raises XltError as `read_parallel` does."""
    from spacy_xlt.data.parallel import read_parallel

    sides = [Path(path) for path in both.split(",")]
    if len(sides) != 2:
        raise XltError(f"--pairs {language}={both}: give two files, as {language}=news.en.txt,news.{language}.txt.")
    return read_parallel(*sides)

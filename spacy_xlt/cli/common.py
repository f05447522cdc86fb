"""What several commands share: reports of bad records, progress bars, LANG=VALUE options."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from spacy_xlt.data.dataset import column_names
from spacy_xlt.data.decoding import UNDECODED
from spacy_xlt.data.records import ColumnNames
from spacy_xlt.data.rows import BadRecord
from spacy_xlt.errors import XltError
from spacy_xlt.languages import find_language

if TYPE_CHECKING:
    from spacy.language import Language

ENCODING_HINT = "Name the encoding of the files with --encoding, as in --encoding cp1252."


def report_bad_records(bad: Sequence[BadRecord], quarantine: Path, strict: bool) -> None:
    """Write the quarantine file, print the number of bad records to stderr, and exit with 1 if `strict`."""
    from spacy_xlt.data.dataset import write_quarantine

    write_quarantine(bad, quarantine)
    if bad:
        first = f"{bad[0].location}: {bad[0].reason}"
        print(f"⚠ {len(bad)} bad records left out (first: {first}); all are in {quarantine}", file=sys.stderr)
        if any(record.reason == UNDECODED for record in bad):
            print(f"ℹ {ENCODING_HINT}", file=sys.stderr)
        if strict:
            raise typer.Exit(1)


def make_columns(text: str, label: str, lang: str, separator: Optional[str], labels: str) -> ColumnNames:
    """Return the columns that the options --text, --label, --lang, --label-separator and --labels name."""
    names = tuple(name.strip() for name in labels.split(",") if name.strip())
    return column_names(text, label, lang, separator, names)


def read_languages(codes: str) -> list[str]:
    """Return the base codes of --languages: `en,de` or `English,German`.

    Raises:
        XltError: A name is not a language.
    """
    return [find_language(code) for code in codes.split(",") if code.strip()]


def print_notes(notes: Iterable[str]) -> None:
    """Print the notes about the files to stderr."""
    for note in notes:
        print(f"ℹ {note}", file=sys.stderr)


def warn_skipped(path: object, skipped: Mapping[str, Any]) -> int:
    """Print to stderr how many lines of a file were left out (`Skipped.to_dict`), and return the number."""
    count: int = skipped["count"]
    if count:
        print(f"⚠ {count} lines of {path} left out (first: {skipped['first']})", file=sys.stderr)
    return count


def parse_by_language(option: str, values: Sequence[str]) -> dict[str, str]:
    """Return the values of a LANG=VALUE option that is given several times, by base code.

    Raises:
        XltError: A value has another form, or a language is unknown or given twice.
    """
    found: dict[str, str] = {}
    for value in values:
        code, _, rest = value.partition("=")
        if not rest:
            raise XltError(f"{option} '{value}': name the language and the file, as {option} de=FILE.")
        try:
            language = find_language(code)
        except XltError as error:
            raise XltError(f"{option} '{value}': {error}") from None
        if language in found:
            raise XltError(f"{option} is given twice for '{language}': join the files.")
        found[language] = rest
    return found


def files_by_language(data: Sequence[str], language: Optional[str]) -> Any:
    """Return the files that arguments such as `de=german.iob2` name by language, or the files as they are given.

    Raises:
        XltError: Some of the files are given by language and others are not, or a language is unknown.
    """
    named = [each for each in data if "=" in each and not Path(each).exists()]
    if named and language is None:
        return parse_by_language("DATA", data)
    return {language: list(data)} if language is not None else list(data)


def read_sides(language: str, both: str, encoding: Optional[str] = None) -> list[tuple[str, str]]:
    """Return the pairs of sentences that `--pairs LANG=SRC_FILE,LANG_FILE` names.

    Raises:
        XltError: There are not two files, or they cannot be read.
    """
    from spacy_xlt.data.parallel import read_parallel

    sides = both.split(",")
    if len(sides) != 2:
        raise XltError(f"--pairs {language}={both}: give two files, as {language}=news.en.txt,news.{language}.txt.")
    return read_parallel(*sides, encoding=encoding)


def check_choice(option: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise XltError(f"{option} is {' or '.join(choices)}, not '{value}'.")


def load_model_or_encoder(path: Path) -> "Language":
    """Load a model folder, or make a pipeline with a language detector and the encoder of an encoder folder."""
    import spacy

    from spacy_xlt.encoders.folder import SETTINGS_FILE
    from spacy_xlt.models import MARKER, load_model
    from spacy_xlt.pipeline.encoder import Encoder
    from spacy_xlt.pipeline.find import find_pipe

    if (path / MARKER).is_file() or not (path / SETTINGS_FILE).is_file():
        return load_model(path)
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_langdetect")
    nlp.add_pipe("xlt_encoder")
    find_pipe(nlp, Encoder).initialize(source=str(path))
    return nlp

"""What several commands do: load a model, report bad records, take the GPU."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from spacy.language import Language

from spacy_xlt.data.records import BadRecord
from spacy_xlt.errors import XltError
from spacy_xlt.files import check_replaceable, whole_folder
from spacy_xlt.languages import base_code, is_known

# The file by which a model folder is known.
MARKER = "config.cfg"


def load_model(path: Path) -> Language:
    """`spacy.load` with errors that say what to do."""
    import spacy

    if not (path / MARKER).is_file():
        raise XltError(f"{path} is no model folder (it has no {MARKER}). Train one with: python -m spacy xlt train")
    try:
        return spacy.load(path)
    except XltError:
        raise
    except Exception as error:  # whatever a damaged file makes of itself
        reason = (str(error).strip().splitlines() or [""])[0]
        raise XltError(
            f"{path} cannot be loaded ({type(error).__name__}: {reason}). "
            "A file of it is damaged, or a package that it needs is not installed: copy or train it again."
        ) from error


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


def use_gpu(gpu_id: int) -> None:
    """Take a GPU, as `spacy train --gpu-id` does; -1 stays on the CPU."""
    if gpu_id >= 0:
        from thinc.api import require_gpu

        try:
            require_gpu(gpu_id)
        except ValueError as error:
            raise XltError(f"There is no GPU {gpu_id} ({error}). Leave out --gpu-id to use the CPU.") from error


def quiet(progress: bool) -> bool:
    """Whether to hide progress bars: asked for, or nobody is watching."""
    return not progress or not sys.stderr.isatty()


def check_output(output: Path) -> None:
    """Raise XltError if a model cannot be written to `output`: asked before the work, which may take long."""
    check_replaceable(output.expanduser().resolve(), MARKER)


def save_model(nlp: Language, output: Path) -> None:
    """Write a model folder whole, with the hashes of its files; it may take the place of an older one."""
    from spacy_xlt.batch.folder import write_hashes

    with whole_folder(output, MARKER) as folder:
        nlp.to_disk(folder)
        write_hashes(folder)


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

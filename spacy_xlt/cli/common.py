"""What several commands do: load a model, report bad records, take the GPU."""

import sys
from collections.abc import Sequence
from pathlib import Path

import typer
from spacy.language import Language

from spacy_xlt.data.records import BadRecord
from spacy_xlt.errors import XltError
from spacy_xlt.files import whole_folder


def load_model(path: Path) -> Language:
    """`spacy.load` with errors that say what to do."""
    import spacy

    if not (path / "config.cfg").is_file():
        raise XltError(f"{path} is no model folder (it has no config.cfg). Train one with: python -m spacy xlt train")
    try:
        return spacy.load(path)
    except XltError:
        raise
    except Exception as error:  # whatever a damaged file makes of itself
        reason = (str(error).strip().splitlines() or [""])[0]
        raise XltError(
            f"{path} cannot be loaded ({type(error).__name__}: {reason}). "
            "A file of it is damaged, or a package that it needs is not installed."
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


def use_gpu(gpu_id: int) -> None:
    """Take a GPU, as `spacy train --gpu-id` does; -1 stays on the CPU."""
    if gpu_id >= 0:
        from thinc.api import require_gpu

        require_gpu(gpu_id)


def quiet(progress: bool) -> bool:
    """Whether to hide progress bars: asked for, or nobody is watching."""
    return not progress or not sys.stderr.isatty()


def save_model(nlp: Language, output: Path) -> None:
    """Write a model folder whole; it may take the place of an older one."""
    with whole_folder(output, marker="config.cfg") as folder:
        nlp.to_disk(folder)

"""What the commands `xlt transfer METHOD` share: their options, and how they read data and write models."""

import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

if TYPE_CHECKING:
    from spacy.language import Language

    from spacy_xlt.data.dataset import Dataset
    from spacy_xlt.data.records import ColumnNames
    from spacy_xlt.result import Result
    from spacy_xlt.transfer.parallel_texts import PairsData

Output = Annotated[Path, typer.Argument(help="The model folder to write.")]
Labeled = Annotated[
    list[str], typer.Option("--texts", help="Labeled texts of target languages: .csv, .tsv, .jsonl ... Repeatable.")
]
Unlabeled = Annotated[
    list[str],
    typer.Option("--texts", help="Unlabeled texts: .txt, .csv, .tsv, .jsonl, .spacy, folders. Repeatable."),
]
Languages = Annotated[
    list[str], typer.Option("--language", help="The language of each --texts, in order. Default: that of the records.")
]
Source = Annotated[
    list[str], typer.Option("--source-texts", help="The labeled texts that MODEL was trained on. Repeatable.")
]
Dev = Annotated[
    list[str],
    typer.Option(help="Labeled development data. The new model is kept only if it is not worse on it. Repeatable."),
]
Pairs = Annotated[
    list[str],
    typer.Option(
        help="LANG=FILE with a source sentence, a tab and its translation per line, or LANG=SRC_FILE,LANG_FILE. "
        "Repeatable."
    ),
]
Seed = Annotated[int, typer.Option(help="The same seed gives the same model.")]
Tune = Annotated[
    str, typer.Option("--method", help="frozen (trains the head, seconds) or finetune (also the encoder, minutes).")
]


def read_parallel(pairs: list[str], encoding: Optional[str]) -> "dict[str, PairsData]":
    """Return what --pairs gives: {language: a file, or pairs of a source sentence and its translation}."""
    from spacy_xlt.cli.common import parse_by_language, read_sides

    return {
        code: read_sides(code, files, encoding) if "," in files else files
        for code, files in parse_by_language("--pairs", pairs).items()
    }


def read_data(
    paths: Sequence[str],
    languages: Sequence[str] = (),
    *,
    columns: "ColumnNames",
    encoding: Optional[str] = None,
    labeled: bool = True,
    source: Optional[str] = None,
) -> "Dataset":
    """Read the files of an option that is given several times, and print the notes about them.

    Args:
        paths: Files, folders or patterns.
        languages: The language of each path; empty: that of the records.
        columns: The names of the fields.
        encoding: The encoding of files without a byte-order mark; None: UTF-8.
        labeled: Whether each record must have a label.
        source: The language of records whose language is unknown; None: they stay unknown.

    Raises:
        XltError: There are not as many languages as paths, or a file cannot be read.
    """
    from spacy_xlt.cli.common import print_notes
    from spacy_xlt.data.dataset import Dataset
    from spacy_xlt.errors import XltError

    if languages and len(languages) != len(paths):
        raise XltError(f"There are {len(paths)} --texts and {len(languages)} --language: name one for each, or none.")
    dataset = Dataset.join(
        Dataset.load(path, columns=columns, language=language, labeled=labeled, encoding=encoding)
        for path, language in zip_longest(paths, languages)
    )
    print_notes(dataset.notes)
    return dataset if source is None else dataset.with_language(source, unknown_only=True)


def report_bad(datasets: "Sequence[Dataset]", output: Path, strict: bool) -> None:
    """Write the bad records of datasets to a quarantine file beside the output."""
    from spacy_xlt.cli.common import report_bad_records

    bad = [record for dataset in datasets for record in dataset.bad]
    report_bad_records(bad, output.with_name(output.name + ".quarantine.jsonl"), strict)


def source_of(nlp: "Language") -> str:
    """Return the source language of a pipeline."""
    from spacy_xlt.pipeline.find import find_pipe
    from spacy_xlt.pipeline.projector import Projector

    return find_pipe(nlp, Projector).source


def finish(nlp: "Language", output: Path, result: "Result") -> None:
    """Write the model, and print the result. If the new model was rejected, the old one is written."""
    from spacy_xlt.models import save

    save(nlp, output)
    print_result(output, result)


def print_result(output: Path, result: "Result") -> None:
    """Print the result: its notes to stderr, the accuracies in each language, and whether the model was accepted."""
    for note in result.notes:
        print(f"⚠ {note}", file=sys.stderr)
    for language, figures in result.metrics.items():
        print(f"  {language}: {figures['before']:.3f} -> {figures['after']:.3f} ({figures['n']} development texts)")
    state = "accepted" if result.accepted else "rejected, so the model did not change"
    print(f"✔ {output}: {result.method} was {state}. {result.reason}")

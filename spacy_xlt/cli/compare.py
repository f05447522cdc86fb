"""The command `xlt compare`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Label, Labels, Lang, Progress, Separator, Strict, Text


def compare_cli(
    a: Annotated[Path, typer.Argument(help="The model in use: its metrics file (JSON), or its folder.")],
    b: Annotated[Path, typer.Argument(help="The new model, likewise.")],
    data: Annotated[list[str], typer.Option("--data", help="Labeled texts, for model folders. Repeatable.")] = [],  # noqa: B006  (typer's way; never written)
    output: Annotated[Optional[Path], typer.Option("--output", "-o", help="Write the comparison as JSON.")] = None,
    fail_on_regression: Annotated[
        bool, typer.Option("--fail-on-regression", help="Exit with 1 if B is worse in a language or overall.")
    ] = False,
    text: Text = "text",
    label: Label = "label",
    lang: Lang = "lang",
    label_separator: Separator = None,
    labels: Labels = "",
    encoding: Encoding = None,
    strict: Strict = False,
    gpu_id: Gpu = -1,
    progress: Progress = True,
) -> None:
    """Test whether model B is better or worse than model A.

    The test is approximate randomization on the same texts, for each language with Holm's correction, and overall.
    """
    from spacy_xlt.cli.common import make_columns, print_notes, report_bad_records
    from spacy_xlt.data.dataset import Dataset
    from spacy_xlt.evaluation.compare import compare
    from spacy_xlt.files import write_json
    from spacy_xlt.models import use_gpu

    use_gpu(gpu_id)
    dataset = None
    if data:
        columns = make_columns(text, label, lang, label_separator, labels)
        dataset = Dataset.load(data, columns=columns, encoding=encoding)
        print_notes(dataset.notes)
    comparison = compare(a, b, dataset, progress=progress)
    comparison.table()
    if output is not None:
        write_json(comparison.to_dict(), output)
    if dataset is not None:
        beside = output.with_suffix("") if output else b.with_name(b.name + ".compare")
        report_bad_records(dataset.bad, beside.with_name(beside.name + ".quarantine.jsonl"), strict)
    if fail_on_regression and comparison.regressions:
        raise typer.Exit(1)

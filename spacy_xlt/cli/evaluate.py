"""`xlt evaluate`: figures of a model per language."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Label, Labels, Lang, Model, Progress, Separator, Strict, Text


def evaluate_cli(
    model: Model,
    data: Annotated[
        list[str], typer.Argument(help="Labelled texts: .spacy, .csv, .tsv, .jsonl ... files, folders, patterns.")
    ],
    output: Annotated[Optional[Path], typer.Option("--output", "-o", help="Write the figures as JSON.")] = None,
    text: Text = "text",
    label: Label = "label",
    lang: Lang = "lang",
    label_separator: Separator = None,
    labels: Labels = "",
    encoding: Encoding = None,
    language: Annotated[Optional[str], typer.Option(help="Language of all texts, if the records do not say.")] = None,
    source: Annotated[str, typer.Option(help="The source language, if the model has no projector.")] = "en",
    strict: Strict = False,
    gpu_id: Gpu = -1,
    progress: Progress = True,
) -> None:
    """Measure accuracy and macro-F1 for each language.

    The table has 95 % intervals and the gap to the source language, before and after projection.
    """
    from spacy_xlt.cli.common import make_columns, print_notes, quiet, report_bad_records
    from spacy_xlt.data.dataset import Dataset
    from spacy_xlt.evaluation.evaluate import evaluate
    from spacy_xlt.evaluation.table import print_table
    from spacy_xlt.files import write_json
    from spacy_xlt.models import load_model, use_gpu

    use_gpu(gpu_id)
    columns = make_columns(text, label, lang, label_separator, labels)
    loaded = Dataset.load(data, columns=columns, language=language, encoding=encoding)
    print_notes(loaded.notes)
    figures = evaluate(load_model(model), loaded, source=source, quiet=quiet(progress))
    metrics = {"model": str(model), "data": data, **figures}
    print_table(metrics)
    if output is not None:
        write_json(metrics, output)
    # Not the model's name alone: that is the quarantine file of its training.
    beside = output.with_suffix("") if output else model.with_name(model.name + ".evaluate")
    report_bad_records(loaded.bad, beside.with_name(beside.name + ".quarantine.jsonl"), strict)

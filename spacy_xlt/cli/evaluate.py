"""The command `xlt evaluate`."""

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.evaluate_seq2seq import evaluate_seq2seq_cli
from spacy_xlt.cli.options import Encoding, Gpu, Label, Labels, Lang, Model, Progress, Separator, Text


def evaluate_cli(
    model: Model,
    data: Annotated[
        list[str],
        typer.Argument(
            help="Labeled texts: files (.spacy, .csv, .tsv, .jsonl ...), folders, or patterns. Texts with entities can "
            "be given by language: de=german.iob2."
        ),
    ],
    output: Annotated[Optional[Path], typer.Option("--output", "-o", help="Write the figures as JSON.")] = None,
    text: Text = "text",
    label: Label = "label",
    lang: Lang = "lang",
    label_separator: Separator = None,
    labels: Labels = "",
    encoding: Encoding = None,
    language: Annotated[
        Optional[str], typer.Option(help="Language of the texts whose records do not name one.")
    ] = None,
    train: Annotated[
        list[str], typer.Option("--train", help="The training data, to find test texts in them. Repeatable.")
    ] = [],  # noqa: B006  (typer's way; never written)
    source: Annotated[
        Optional[str], typer.Option(help="Source language.  [default: that of the model's projector, else en]")
    ] = None,
    examples: Annotated[
        int, typer.Option(help="Write as many wrongly classified texts into the figures, for the report.")
    ] = 0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if a record is bad, or a test text is in the training data.")
    ] = False,
    gpu_id: Gpu = -1,
    progress: Progress = True,
) -> None:
    """Measure accuracy, F1 scores and calibration for each language.

    The table has accuracy and macro-F1 with 95% confidence intervals and the gap to the source language, before and
    after the projection. The JSON file also has the figures of each label, confusion matrices, calibration, groups of
    languages, and the prediction for each text.
    """
    from spacy_xlt.cli.common import files_by_language, make_columns, print_notes, report_bad_records
    from spacy_xlt.data.dataset import Dataset
    from spacy_xlt.evaluation.evaluate import evaluate, evaluate_classifier
    from spacy_xlt.models import load_model, use_gpu
    from spacy_xlt.pipeline.classifiers import has_classifier
    from spacy_xlt.pipeline.find import has_pipe
    from spacy_xlt.pipeline.seq2seq import Seq2Seq

    use_gpu(gpu_id)
    nlp = load_model(model)
    if has_pipe(nlp, Seq2Seq):
        fields = {"text": text, "lang": lang, "label": "target" if label == "label" else label}
        return evaluate_seq2seq_cli(nlp, data, output, {**fields, "language": language, "encoding": encoding}, progress)
    if not has_classifier(nlp):
        task_report = evaluate(nlp, files_by_language(data, language), source=source, progress=progress)
        task_report.table()
        if output is not None:
            task_report.to_json(output)
        return None
    columns = make_columns(text, label, lang, label_separator, labels)
    dataset = Dataset.load(data, columns=columns, language=language, encoding=encoding)
    print_notes(dataset.notes)
    train_data = Dataset.load(train, columns=columns, encoding=encoding, labeled=examples > 0) if train else None
    report = evaluate_classifier(
        nlp,
        dataset,
        source=source,
        train=train_data,
        examples=examples,
        strict=strict and train_data is not None,
        progress=progress,
    )
    report = report.model_copy(update={"model": str(model), "data": data})
    report.table()
    if report.contamination and report.contamination.n:
        first = report.contamination.examples[0]
        warning = (
            f"{report.contamination.n} test texts are also in the training data (first: {first.test} is {first.train})"
        )
        print(f"⚠ {warning}", file=sys.stderr)
    if output is not None:
        report.to_json(output)
    # Not the name of the model alone: its training writes a quarantine file of that name.
    beside = output.with_suffix("") if output else model.with_name(model.name + ".evaluate")
    report_bad_records(dataset.bad, beside.with_name(beside.name + ".quarantine.jsonl"), strict)

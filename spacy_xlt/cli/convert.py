"""`xlt convert`: write labeled texts to spaCy's .spacy format."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Label, Labels, Lang, Separator, Strict, Text


def convert_cli(
    inputs: Annotated[
        list[str],
        typer.Argument(help="Labeled texts: .csv, .tsv, .jsonl, .json, .parquet ... files, folders, quoted patterns."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .spacy file to write.")],
    text: Text = "text",
    label: Label = "label",
    lang: Lang = "lang",
    label_separator: Separator = None,
    labels: Labels = "",
    language: Annotated[Optional[str], typer.Option(help="Language of all texts, if the records have none.")] = None,
    encoding: Encoding = None,
    strict: Strict = False,
) -> None:
    """Convert labeled texts to a .spacy file.

    The gold language is in doc._.language. Bad records are written to a file with OUTPUT's name and .quarantine.jsonl.
    """
    import spacy

    from spacy_xlt.cli.common import make_columns, print_notes, report_bad_records
    from spacy_xlt.data.dataset import Dataset
    from spacy_xlt.data.docbin import make_docs, write_docbin

    columns = make_columns(text, label, lang, label_separator, labels)
    dataset = Dataset.load(inputs, columns=columns, language=language, encoding=encoding)
    print_notes(dataset.notes)
    write_docbin(make_docs(spacy.blank("xx"), dataset, dataset.labels), output)
    print(f"✔ {len(dataset)} texts, {len(dataset.labels)} labels, {len(dataset.languages)} languages: {output}")
    report_bad_records(dataset.bad, output.with_suffix(".quarantine.jsonl"), strict)

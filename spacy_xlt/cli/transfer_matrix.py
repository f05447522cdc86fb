"""The command `xlt transfer-matrix`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Label, Lang, Progress, Text


def transfer_matrix_cli(
    train: Annotated[
        list[str], typer.Option("--train", help="Labeled texts of several languages. Repeatable. Required.")
    ],
    test: Annotated[list[str], typer.Option("--test", help="Labeled texts to test on. Repeatable. Required.")],
    encoder: Annotated[Optional[Path], typer.Option(help="Encoder folder.  [default: the default encoder]")] = None,
    k: Annotated[int, typer.Option("--choose", min=0, help="Number of languages to choose for labeling.")] = 3,
    cache: Annotated[Optional[Path], typer.Option(help="Folder that keeps the embeddings for the next run.")] = None,
    output: Annotated[Optional[Path], typer.Option("--output", "-o", help="Write the figures as JSON.")] = None,
    svg: Annotated[Optional[Path], typer.Option(help="Write the heat map as SVG.")] = None,
    text: Text = "text",
    label: Label = "label",
    lang: Lang = "lang",
    encoding: Encoding = None,
    progress: Progress = True,
) -> None:
    """Train a classifier in each language, and test it in each.

    Shows the best source of each language, and which languages to label first for the best worst case. If you choose
    by the result, test on development data.
    """
    from spacy_xlt.cli.common import print_notes
    from spacy_xlt.data.dataset import Dataset
    from spacy_xlt.data.records import ColumnNames
    from spacy_xlt.evaluation.transfer_matrix import transfer_matrix
    from spacy_xlt.files import write_json

    columns = ColumnNames(text, label, lang)
    sets = [Dataset.load(paths, columns=columns, encoding=encoding) for paths in (train, test)]
    for dataset in sets:
        print_notes(dataset.notes)
    matrix = transfer_matrix(*sets, encoder=encoder, k=k, cache=cache, progress=progress)
    matrix.table()
    if output is not None:
        write_json(matrix.to_dict(), output)
    if svg is not None:
        matrix.to_svg(svg)

"""`xlt table`: the figures of `xlt evaluate` on the terminal."""

from pathlib import Path
from typing import Annotated

import typer


def table_cli(metrics: Annotated[list[Path], typer.Argument(help="JSON files written by `xlt evaluate`.")]) -> None:
    """Print the tables of metrics files."""
    from spacy_xlt.evaluation.document import read_document
    from spacy_xlt.evaluation.table import print_table

    for path in metrics:
        print_table(read_document(path))

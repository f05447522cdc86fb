"""The command `xlt table`."""

from pathlib import Path
from typing import Annotated

import typer


def table_cli(metrics: Annotated[list[Path], typer.Argument(help="Metrics files (JSON) from 'xlt evaluate'.")]) -> None:
    """Print the figures of metrics files as tables."""
    from spacy_xlt.evaluation.report import load_report

    for path in metrics:
        load_report(path).table()

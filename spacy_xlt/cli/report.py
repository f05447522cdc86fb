"""The command `xlt report`."""

from pathlib import Path
from typing import Annotated, Optional

import typer


def report_cli(
    metrics: Annotated[list[Path], typer.Argument(help="Metrics files (JSON) from 'xlt evaluate'.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML page to write.")] = Path("report.html"),
    markdown: Annotated[Optional[Path], typer.Option("--markdown", help="Also write the tables as Markdown.")] = None,
) -> None:
    """Write one self-contained HTML page from metrics files.

    It has plots and tables for each model, and the wrongly classified texts that 'xlt evaluate --examples' wrote.
    """
    from spacy_xlt.evaluation.report import write_report

    write_report(metrics, output, markdown)
    for path in (output, markdown):
        if path is not None:
            typer.echo(f"Wrote {path}")

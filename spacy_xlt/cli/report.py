"""`python -m spacy xlt report`: metrics files in, one HTML page out."""

from pathlib import Path
from typing import Annotated, Any

import typer


def report_cli(
    metrics: Annotated[list[Path], typer.Argument(help="Metrics files (JSON) written by 'xlt evaluate'.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML page to write.")] = Path("report.html"),
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Also write the tables as Markdown.")] = None,
) -> None:
    """Make one self-contained HTML page from metrics files.

    It has a summary, a plot and a table for each model.
    """
    from spacy_xlt.evaluation.document import read_document
    from spacy_xlt.evaluation.report import write_report

    documents = [read_document(path) for path in metrics]
    write_report(_titled(metrics, documents), output, markdown)
    for path in (output, markdown):
        if path is not None:
            typer.echo(f"Wrote {path}")


def _titled(paths: list[Path], documents: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Each document under its model's name; under its file's name too where two are of the same model."""
    models = [document["model"] for document in documents]
    return [
        (model if models.count(model) == 1 else f"{model} ({path})", document)
        for path, model, document in zip(paths, models, documents, strict=True)
    ]

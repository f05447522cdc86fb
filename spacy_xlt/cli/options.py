"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Optional

import typer

Text = Annotated[str, typer.Option("--text", help="Name of the field with the text.")]
Label = Annotated[str, typer.Option("--label", help="Name of the field with the label (JSONL: or a list of labels).")]
Lang = Annotated[str, typer.Option("--lang", help="Name of the field with the language code, if there is one.")]
Separator = Annotated[
    Optional[str], typer.Option("--label-separator", help="Between the labels of a field that holds several, as ';'.")
]
Labels = Annotated[
    str,
    typer.Option("--labels", help="Labels, as a,b, that have fields of their own (a or label_a, ...) with 0 or 1."),
]
Encoding = Annotated[
    Optional[str],
    typer.Option("--encoding", help="Of files without a byte-order mark, as cp1252; without it: utf-8."),
]
Progress = Annotated[bool, typer.Option("--progress/--no-progress", help="Show progress bars.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 if any record was bad.")]
Gpu = Annotated[int, typer.Option("--gpu-id", "-g", help="GPU ID, or -1 for CPU.")]
Model = Annotated[Path, typer.Argument(help="A trained pipeline folder.")]

"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Optional

import typer

Text = Annotated[str, typer.Option("--text", help="Name of the field with the text. For pairs of texts, two: a,b.")]
Label = Annotated[str, typer.Option("--label", help="Name of the field with the label, or a list of labels.")]
Lang = Annotated[str, typer.Option("--lang", help="Name of the field with the language. It may be missing.")]
Separator = Annotated[
    Optional[str], typer.Option("--label-separator", help="What separates several labels in one field, as ';'.")
]
Labels = Annotated[
    str,
    typer.Option("--labels", help="Labels, as a,b, that each have a field (a or label_a) with 0 or 1."),
]
Encoding = Annotated[
    Optional[str],
    typer.Option("--encoding", help="Encoding of files without a byte-order mark, as cp1252. Default: utf-8."),
]
Progress = Annotated[bool, typer.Option("--progress/--no-progress", help="Show progress bars.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 if a record is bad.")]
Gpu = Annotated[int, typer.Option("--gpu-id", "-g", help="GPU ID, or -1 for CPU.")]
Model = Annotated[Path, typer.Argument(help="A trained pipeline folder.")]

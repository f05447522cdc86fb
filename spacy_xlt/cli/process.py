"""`xlt process`: classify the documents of files, folders and streams. A stopped run can be resumed."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from spacy_xlt.cli.options import Encoding, Gpu, Model, Progress, Strict


def process_cli(
    model: Model,
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Files (.jsonl, .json, .csv, .tsv, .parquet, .spacy, .txt; also .gz, .zst), folders, patterns, -."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write, or to resume.")],
    text: Annotated[Optional[str], typer.Option(help="Name of the field with the text. Default: guessed.")] = None,
    id: Annotated[Optional[str], typer.Option(help="Name of the field with the id. Default: guessed.")] = None,
    keep: Annotated[
        Optional[str], typer.Option(help="Input fields to keep, as a,b. Default: all; '' keeps none.")
    ] = None,
    input_format: Annotated[
        Optional[str],
        typer.Option(
            "--format", help="Kind of the inputs: jsonl, json, csv, tsv, parquet, spacy, line or file (one document)."
        ),
    ] = None,
    encoding: Encoding = None,
    to: Annotated[str, typer.Option(help="Output format: jsonl, csv, parquet or docbin.")] = "jsonl",
    abstain_below: Annotated[float, typer.Option(help="The label is null if its score is lower.")] = 0.0,
    min_expected: Annotated[
        float, typer.Option(help="The label is null in languages whose expected accuracy is lower or unknown.")
    ] = 0.0,
    csv_safe: Annotated[
        bool, typer.Option("--csv-safe", help="Write CSV in which no cell is taken for a formula.")
    ] = False,
    workers: Annotated[
        Optional[int],
        typer.Option(help="Processes; 0: one, with threads. Default: one per CPU for models of preset fast, else 0."),
    ] = None,
    engine: Annotated[str, typer.Option(help="local, or ray for a cluster (extra `ray`).")] = "local",
    address: Annotated[Optional[str], typer.Option(help="Address of a Ray cluster. Default: this machine.")] = None,
    max_errors: Annotated[Optional[int], typer.Option(help="Stop if there are more bad records.")] = None,
    strict: Strict = False,
    gpu_id: Gpu = -1,
    progress: Progress = True,
) -> None:
    """Classify large collections of documents.

    The language, label and probabilities of each document are written to OUTPUT, and bad records to quarantine.jsonl.
    If the run is stopped, the same command resumes it, and the result is the same.
    """
    import sys
    import time

    from spacy_xlt.batch.engine import process
    from spacy_xlt.batch.summary import kind_of, print_table
    from spacy_xlt.cli.common import ENCODING_HINT
    from spacy_xlt.data.decoding import UNDECODED
    from spacy_xlt.data.paths import KINDS
    from spacy_xlt.errors import XltError

    if input_format is not None and input_format not in KINDS:
        raise XltError(f"--format must be one of {', '.join(KINDS)}, not '{input_format}'.")
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
            min_expected=min_expected,
            csv_safe=csv_safe,
            max_errors=max_errors,
            workers=default_workers(model, engine, gpu_id) if workers is None else workers,
            engine=engine,  # type: ignore[arg-type]
            address=address,
            gpu_id=gpu_id,
            progress=progress,
            say=lambda sentence: print(f"ℹ {sentence}", file=sys.stderr),
        )
    except KeyboardInterrupt:
        print(f"✘ Stopped. The finished parts are in {output}; the same command resumes the run.", file=sys.stderr)
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
    """One process per CPU for a static encoder, which is mostly Python, so that threads would wait for each other.

    Other encoders are as fast in one process with threads, and need less memory (benchmarks/results/batch.md).
    """
    from spacy_xlt.encoders.cpu import usable_threads
    from spacy_xlt.models import MARKER

    config = model / MARKER
    static = config.is_file() and "spacy-xlt.StaticEncoder.v1" in config.read_text(encoding="utf8")
    return usable_threads() if static and engine == "local" and gpu_id < 0 and usable_threads() > 1 else 0

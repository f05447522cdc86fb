"""`process`: classify all texts of a source, and write the results to a folder or pass them to a function."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, Optional, Union

from spacy_xlt.batch.chunks import Chunk, make_chunks
from spacy_xlt.batch.expected import SAMPLE, Estimator, check_min_expected, sample_accuracies
from spacy_xlt.batch.fields import Fields, choose_fields
from spacy_xlt.batch.model import Predictions, TextModel
from spacy_xlt.batch.output import OutputFolder
from spacy_xlt.batch.progress import Progress
from spacy_xlt.batch.rows import Options, RowMaker, rows_of
from spacy_xlt.batch.sinks import FORMATS, Format, make_sink
from spacy_xlt.batch.sources import FileRows, identity, total_bytes
from spacy_xlt.batch.summary import Summary
from spacy_xlt.batch.workers import map_in_process, map_in_workers
from spacy_xlt.data.decoding import import_arrow
from spacy_xlt.data.items import item_rows, items_of
from spacy_xlt.data.paths import STDIN, Kind, PathLike, find_inputs, paths_of
from spacy_xlt.data.rows import BadRecord
from spacy_xlt.errors import XltError
from spacy_xlt.model_folder import check_model

# Records in a chunk, and chunks in a part. A killed run loses at most one part.
CHUNK = 1024
PART_CHUNKS = 8
# The fields are guessed from this many rows.
FIRST_ROWS = 100

Source = Union[PathLike, Sequence[PathLike], Iterable[Union[str, Mapping[str, Any]]]]
Engine = Literal["local", "ray"]
Mapped = Iterator[tuple[Chunk, Predictions]]


def process(
    model: PathLike,
    source: Source,
    sink: Union[PathLike, Callable[[dict[str, Any]], Any]],
    *,
    text: Optional[str] = None,
    id: Optional[str] = None,
    keep: Optional[Sequence[str]] = None,
    kind: Optional[Kind] = None,
    encoding: Optional[str] = None,
    format: Format = "jsonl",
    abstain_below: float = 0.0,
    min_expected: float = 0.0,
    csv_safe: bool = False,
    max_errors: Optional[int] = None,
    workers: int = 0,
    engine: Engine = "local",
    address: Optional[str] = None,
    gpu_id: int = -1,
    chunk: int = CHUNK,
    part_chunks: int = PART_CHUNKS,
    progress: bool = False,
    say: Optional[Callable[[str], Any]] = None,
) -> Summary:
    """Classify all texts of a source, in order.

        process("model", "tickets/*.jsonl.gz", "out")
        process("model", (ticket.body for ticket in tickets), "out")
        process("model", data_frame, rows.append)

    Args:
        model: The model folder.
        source: A path, a folder, a pattern or a list of them; a DataFrame or a Hugging Face Dataset; or an iterable of
            texts, dicts, (text, label) pairs or Records. A single string is a path. See `paths_of` for lists of
            strings. The source is read as a stream.
        sink: A folder for the results, or a function that is called with each row. If the folder holds an unfinished
            run with the same model, options and input, that run is resumed.
        text: The field with the text; None: it is guessed.
        id: The field with the id; None: it is guessed.
        keep: The input fields that are copied to the results; None: all.
        kind: The kind of all input files; None: each file's ending decides.
        encoding: The encoding of files without a byte-order mark; None: UTF-8.
        format: The format of the results.
        abstain_below: The label is None if the score is lower.
        min_expected: The label is None in languages whose expected accuracy is lower or unknown; the field
            `abstain_reason` says why. The accuracies are estimated from the first 4,096 records before the run, so a
            language needs at least 20 texts there.
        csv_safe: Write CSV in which no cell is taken for a formula.
        max_errors: Stop if there are more bad records; None: never.
        workers: The number of processes; 0: the current process.
        engine: `local`, or `ray` for a cluster.
        address: The address of the Ray cluster; None: Ray on this machine.
        gpu_id: The GPU; -1: the CPU.
        chunk: The number of records that are classified together.
        part_chunks: The number of chunks in one output file.
        progress: Show a progress bar.
        say: Is called with sentences about what was guessed and what is done.

    Returns:
        The counts of documents, languages, labels and bad records, and the expected accuracy in each language.

    Raises:
        XltError: Something cannot be read, written or resumed. The finished parts are kept.
    """
    say = say or (lambda sentence: None)
    _check_options(format, abstain_below, workers, engine, chunk, part_chunks)
    if format == "parquet":
        import_arrow("writing Parquet")
    facts = check_model(Path(model))
    check_min_expected(min_expected, facts)
    if abstain_below and not facts.classifies:
        raise XltError("The model does not classify texts, so it has no label to withhold.", parameter="abstain_below")
    estimator = Estimator.load(Path(model), facts)
    folder = None if callable(sink) else Path(sink)
    paths = paths_of(source)
    files = (
        None if paths is None else find_inputs(paths, kind=kind, encoding=encoding, leave_out=folder, documents=True)
    )
    rows: Any = FileRows(files, say) if files is not None else item_rows(items_of(source))
    stream = iter(rows)
    first = list(islice(stream, FIRST_ROWS))
    fields = choose_fields([row for _, row in first if isinstance(row, dict)], text, id)
    if min_expected:
        first += islice(stream, SAMPLE - FIRST_ROWS)
    say(_what_is_read(fields, text, id))
    for name in keep or ():
        if first and name not in fields.columns:
            say(f"None of the first records has the field '{name}', which should be kept.")
    options = Options(format, None if keep is None else tuple(keep), abstain_below, csv_safe, min_expected)
    settings = {
        "model": facts.name,
        "version": facts.version,
        "model_sha256": facts.sha256,
        "input": "stream" if files is None else identity(files),
        "text": fields.text if fields.pair is None else f"{fields.text},{fields.pair}",
        "id": fields.id,
        "format": format,
        "keep": list(keep) if keep is not None else None,
        "abstain_below": abstain_below,
        "min_expected": min_expected or None,
        "csv_safe": csv_safe,
        "chunk": chunk,
        "part_chunks": part_chunks,
    }
    load = partial(TextModel, Path(model), docs=format == "docbin", gpu_id=gpu_id)
    total = total_bytes(files) if files is not None else None

    def mapped(skip: int, digest: Optional[str]) -> Mapped:
        if engine == "ray":
            from spacy_xlt.batch.ray_engine import map_in_actors

            if files is None or any(each.path == STDIN for each in files):
                raise XltError(
                    "Ray reads only files, because other machines read them too. Write the stream to a file first."
                )
            return map_in_actors(files, fields, chunk, skip, digest, load, workers, address, gpu_id)
        chunks = make_chunks(chain(first, stream), fields, chunk, skip=skip, digest=digest)
        return map_in_workers(chunks, load, workers) if workers else map_in_process(chunks, load)

    def row_maker() -> RowMaker:
        accuracies = sample_accuracies(first, fields, load(), estimator) if min_expected else {}
        return RowMaker(fields, facts, options, accuracies)

    read = (lambda: rows.read_bytes) if isinstance(rows, FileRows) and engine == "local" else None
    if folder is None:
        return _into_function(sink, mapped(0, None), row_maker(), max_errors, estimator)  # type: ignore[arg-type]
    columns = RowMaker(fields, facts, options).columns(files)
    make = partial(
        make_sink, format=format, columns=columns, labels=facts.labels, several=facts.several, csv_safe=csv_safe
    )
    with _told_when_full(folder):
        out = OutputFolder(folder, settings, make, format, part_chunks, estimator)
    with out:
        if out.manifest.complete:
            say(f"{folder} is complete already.")
            return out.summary
        if out.manifest.parts:
            say(f"{len(out.manifest.parts)} parts are finished. The run is resumed after them.")
        with Progress(out.summary, total, read, hide=not progress) as bar:
            _into_folder(out, mapped(out.manifest.chunks, out.manifest.digest), row_maker(), max_errors, bar)
        return out.summary


@contextmanager
def _told_when_full(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise XltError(
            f"{folder} could not be written: {error.strerror or error}. The finished parts are kept. Free some space "
            "and run the same again to resume."
        ) from error


def _check_options(format: str, abstain_below: float, workers: int, engine: str, chunk: int, part_chunks: int) -> None:
    if format not in FORMATS:
        raise XltError(f"The output format must be one of {', '.join(FORMATS)}, not '{format}'.", parameter="to")
    if not 0.0 <= abstain_below <= 1.0:
        raise XltError(
            f"abstain_below must be a probability between 0 and 1, not {abstain_below}.", parameter="abstain_below"
        )
    if engine not in ("local", "ray"):
        raise XltError(f"engine must be local or ray, not '{engine}'.", parameter="engine")
    if workers < 0:
        raise XltError(f"workers must be 0 or more, not {workers}.", parameter="workers")
    if chunk < 1 or part_chunks < 1:
        raise XltError(f"chunk and part_chunks must be 1 or more, not {chunk} and {part_chunks}.")


def _what_is_read(fields: Fields, text: Optional[str], id: Optional[str]) -> str:
    how = f"The text is in '{fields.text}'{'' if text else ' (guessed)'}, "
    if fields.pair is not None:
        how += f"the second text of each pair in '{fields.pair}', "
    if fields.id is None:
        return how + "the id is the location in the file (no field looks like an id)."
    return how + f"the id in '{fields.id}'{'' if id else ' (guessed)'}."


def _check_errors(count: int, most: Optional[int], last: Sequence[BadRecord]) -> None:
    if most is not None and count > most:
        where = f", the last at {last[-1].location}: {last[-1].reason}" if last else ""
        raise XltError(
            f"{count} bad records, {most} allowed{where}. Correct the input, or allow more bad records.",
            parameter="max_errors",
        )


def _into_folder(
    out: OutputFolder, mapped: Mapped, make_row: RowMaker, max_errors: Optional[int], bar: Progress
) -> None:
    errors = out.summary.quarantined
    for chunk, results in mapped:
        rows, abstained, bad = rows_of(chunk, results, make_row)
        with _told_when_full(out.folder):
            out.add(chunk, rows, abstained, bad, results.docs)
        errors += len(bad)
        bar.add(len(rows), len(bad))
        _check_errors(errors, max_errors, bad)
    with _told_when_full(out.folder):
        out.finish()


def _into_function(
    sink: Callable[[dict[str, Any]], Any],
    mapped: Mapped,
    make_row: RowMaker,
    max_errors: Optional[int],
    estimator: Estimator,
) -> Summary:
    summary = Summary()
    for chunk, results in mapped:
        rows, abstained, bad = rows_of(chunk, results, make_row)
        summary.add_rows(rows, abstained, estimator)
        for row in rows:
            sink(dict(row))
        for record in bad:
            summary.add_bad(record.reason)
        _check_errors(summary.quarantined, max_errors, bad)
    summary.expected = estimator.estimate(summary.confidence)
    return summary

"""Mapping the word vectors of one language into the space of another, from file to file, in bounded memory."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Optional

import numpy as np

from spacy_xlt.alignment.affine import AffineMap, Floats
from spacy_xlt.alignment.base import Aligner
from spacy_xlt.alignment.report import AlignmentWarning
from spacy_xlt.data.dictionaries import Dictionary, read_dictionary, split_by_source
from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.skipped import Skipped
from spacy_xlt.data.vector_chunks import Chunk
from spacy_xlt.data.word_vectors import WordVectors, read_vectors, stream_vectors, write_vectors
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.alignment import space_figures
from spacy_xlt.evaluation.lexicon import induce_lexicon
from spacy_xlt.progress import progress_bar
from spacy_xlt.vectors import unit_rows

MAX_VECTORS = 200_000
# The number of words to look up. MUSE's test dictionaries have as many.
QUERIES = 1500
# Hubness and mean CSLS are measured on this number of the most frequent words of each side. CSLS also looks for the
# neighbors of a target word among those of the source.
FREQUENT = 10_000
BLOCK = 8192

Figures = dict[str, Any]


@dataclass
class _Covered:
    """The part of a dictionary that has vectors: pairs (source row, target row) and the share of its source words."""

    pairs: list[tuple[int, int]]
    coverage: float

    def describe(self, path: Optional[Path], skipped: Skipped) -> Figures:
        return {
            "path": str(path),
            "pairs": len(self.pairs),
            "coverage": self.coverage,
            "skipped": skipped.to_dict(),
        }


def align_vectors(
    source: PathLike,
    target: PathLike,
    output: PathLike,
    *,
    aligner: Aligner,
    dictionary: Optional[PathLike] = None,
    evaluate_on: Optional[PathLike] = None,
    max_vectors: int = MAX_VECTORS,
    progress: bool = True,
) -> Figures:
    """Map the word vectors of one language into the space of another language.

    All words of `target` are written. Each vector is mapped at unit length and then scaled back to its own length. The
    memory holds two arrays of `max_vectors` rows, whatever the size of the files.

    Args:
        source: The vectors of the language whose space is used, a file or folder that `stream_vectors` reads.
        target: The vectors of the language to map.
        output: The file to write, as text vectors.
        aligner: Fits the map, on vectors of unit length.
        dictionary: A file of pairs (source word, target word) to fit on. None for an aligner that needs no pairs.
        evaluate_on: A dictionary to evaluate on. Its source words are not fitted on. The default is about a fifth of
            the source words of `dictionary` (see `is_held_out`). The first 1500 words with vectors are looked up among
            all target words.
        max_vectors: The number of words of each side that the aligner sees, the first ones of each file. Vector files
            are sorted by frequency.
        progress: Whether to show progress bars.

    Returns:
        The figures: what was read and written, the report of the aligner, the retrieval of held-out words, the mean
        CSLS and hubness before and after, and seconds.

    Raises:
        XltError: A file cannot be used, the vectors differ in width, no pair of a dictionary has vectors, or the
            aligner reports a failure.
    """
    source, target, output = Path(source), Path(target), Path(output)
    dictionary, evaluate_on = (None if path is None else Path(path) for path in (dictionary, evaluate_on))
    check_output(output, source, target)
    if max_vectors < 1:
        raise XltError(f"max_vectors is {max_vectors}. At least one vector of each side is needed.")
    fit_on, held_out = read_dictionaries(dictionary, evaluate_on)
    clock = _Clock(progress)
    with clock.part("reading"):
        ours, theirs = (read_vectors(path, max_vectors, progress=progress) for path in (source, target))
    width = ours.rows.shape[1]
    if theirs.rows.shape[1] != width:
        raise XltError(
            f"{source} has {width} dimensions and {target} has {theirs.rows.shape[1]}. Both need the same number."
        )
    fit_pairs = _cover(fit_on, ours, theirs)
    test_pairs = _cover(held_out, ours, theirs)
    # In spaCy's tables, several words can share a vector. A vector that is looked up must not be fitted on.
    test_rows = {row for row, _ in test_pairs.pairs}
    fit_pairs.pairs = [pair for pair in fit_pairs.pairs if pair[0] not in test_rows]
    _require(fit_pairs, dictionary, "fit")
    _require(test_pairs, evaluate_on, "evaluate")

    for block in (block for side in (ours, theirs) for block in _blocks(side.rows)):
        block[:] = unit_rows(block)
    with clock.part("evaluation", "Evaluating before"):
        before = space_figures(ours.rows[:FREQUENT], theirs.rows[:FREQUENT])
    with clock.part("fit", f"Fitting {type(aligner).__name__}"):
        to_source, report = _fit(
            aligner, {str(source): ours.rows, str(target): theirs.rows}, fit_pairs if fit_on else None
        )
    with clock.part("evaluation", "Evaluating after"):
        for block in _blocks(theirs.rows):
            block[:] = to_source(block)
        after = space_figures(ours.rows[:FREQUENT], theirs.rows[:FREQUENT])
        figures = _look_up(test_pairs, ours.rows, theirs.rows)
    with clock.part("writing"):
        skipped = Skipped()
        chunks = stream_vectors(target, skipped, desc="Mapping", progress=progress)
        written = write_vectors(output, _mapped(chunks, to_source), width)
    tested = evaluate_on or dictionary
    return {
        "source": {"path": str(source), "vectors": len(ours.rows), "skipped": ours.skipped.to_dict()},
        "target": {"path": str(target), "vectors": len(theirs.rows), "skipped": skipped.to_dict()},
        "output": {"path": str(output), "words": written, "width": width},
        "aligner": type(aligner).__name__,
        "report": report,
        "dictionary": fit_pairs.describe(dictionary, fit_on.skipped) if fit_on else None,
        "evaluation": {**test_pairs.describe(tested, held_out.skipped), **figures} if figures and held_out else None,
        "space": {"before": before, "after": after},
        "seconds": clock.seconds,
    }


def _fit(aligner: Aligner, rows: dict[str, Floats], covered: Optional[_Covered]) -> tuple[AffineMap, Optional[Figures]]:
    """Return the map of the second of two languages into the space of the first, and the aligner's report if any."""
    source, target = rows
    pairs = {target: [(row, source_row) for source_row, row in covered.pairs]} if covered else None
    if not hasattr(aligner, "report"):
        return aligner.fit(rows, source, pairs)[target], None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)  # The report says the same.
        to_source = aligner.fit(rows, source, pairs)[target]
    report = aligner.report[target]
    if report.failed:
        raise XltError(report.message)
    return to_source, asdict(report)


def check_output(output: Path, source: Path, target: Path) -> None:
    """Raise XltError if `output` cannot be written. Call it before the work, which may take long."""
    if output.suffix == ".gz":
        raise XltError(f"{output} would not be compressed. Choose a name without .gz.")
    if output.is_dir():
        raise XltError(f"{output} is a folder. Choose the name of a file.")
    if source.exists() and target.exists() and source.samefile(target):
        raise XltError(f"{source} is both the source and the target. Pass the vectors of two languages.")
    for path in (source, target):
        if output.exists() and path.exists() and output.samefile(path):
            raise XltError(f"{output} contains the vectors to align. Choose another output file.")


def read_dictionaries(
    dictionary: Optional[Path], evaluate_on: Optional[Path]
) -> tuple[Optional[Dictionary], Optional[Dictionary]]:
    """Read the dictionaries to fit on and to evaluate on. They have no source word in common."""
    fit_on = read_dictionary(dictionary) if dictionary else None
    if evaluate_on is None:
        if fit_on is None:
            return None, None
        pairs, held_out = split_by_source(fit_on.pairs)
        return Dictionary(pairs, fit_on.skipped), Dictionary(held_out, fit_on.skipped)
    test = read_dictionary(evaluate_on)
    if fit_on:
        kept_back = {word.casefold() for word, _ in test.pairs}
        fit_on.pairs = [pair for pair in fit_on.pairs if pair[0].casefold() not in kept_back]
    return fit_on, test


def _cover(dictionary: Optional[Dictionary], ours: WordVectors, theirs: WordVectors) -> _Covered:
    pairs, words = [], set()
    for source_word, target_word in dictionary.pairs if dictionary else ():
        row, target_row = ours.find(source_word), theirs.find(target_word)
        if row is not None and target_row is not None:
            pairs.append((row, target_row))
            words.add(source_word)
    total = len({word for word, _ in dictionary.pairs}) if dictionary else 0
    return _Covered(pairs, len(words) / total if total else 0.0)


def _require(covered: _Covered, path: Optional[Path], purpose: str) -> None:
    """Raise XltError if the user's dictionary has no pair for its purpose."""
    if path is not None and not covered.pairs:
        raise XltError(
            f"{path} has no pair to {purpose} on with vectors on both sides. Every line needs a source word and its "
            "translation. Words to evaluate on are not fitted on."
        )


def _look_up(covered: _Covered, source: Floats, target: Floats) -> Optional[Figures]:
    queries = set(list(dict.fromkeys(row for row, _ in covered.pairs))[:QUERIES])
    pairs = [pair for pair in covered.pairs if pair[0] in queries]
    return induce_lexicon(source, target, pairs, source[:FREQUENT]) if pairs else None


def _mapped(chunks: Iterable[Chunk], to_source: AffineMap) -> Iterator[Chunk]:
    for words, rows in chunks:
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        yield words, to_source(unit_rows(rows)) * lengths


def _blocks(rows: Floats) -> Iterator[Floats]:
    """Yield views of the rows. Writing to a view changes `rows`."""
    for start in range(0, len(rows), BLOCK):
        yield rows[start : start + BLOCK]


class _Clock:
    """Measures the seconds of each part of the work. Shows one line for a part that has no progress bar of its own."""

    def __init__(self, progress: bool) -> None:
        self.progress = progress
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str, desc: str = "") -> Iterator[None]:
        start = perf_counter()
        with progress_bar(title=desc, unit="step", total=1, show=self.progress and bool(desc)) as line:
            yield
            line.update()
        self.seconds[name] = round(self.seconds.get(name, 0.0) + perf_counter() - start, 2)

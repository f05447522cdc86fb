"""Bringing the word vectors of one language into the space of another, file to file, in bounded memory."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Optional

import numpy as np
from tqdm import tqdm

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
from spacy_xlt.vectors import unit_rows

MAX_VECTORS = 200_000
# As many words as MUSE's test dictionaries have.
QUERIES = 1500
# The most frequent words of each side: hubness and mean CSLS are measured on them, and among those of the source CSLS
# looks for the neighbours of a target word.
FREQUENT = 10_000
BLOCK = 8192

Figures = dict[str, Any]


@dataclass
class _Covered:
    """The part of a dictionary that has vectors: pairs (source row, target row), and the share of its source words."""

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
    quiet: bool = True,
) -> Figures:
    """Map the vectors of `target` into the space of those of `source`, write them to `output`, and return figures.

    source, target: files or folders as `stream_vectors` reads them. The aligner sees the first `max_vectors` words of
    each (files are sorted by frequency) at unit length; all words of `target` are written, each vector mapped at unit
    length and given its own length again. Two arrays of max_vectors rows are held, whatever the size of the files.
    dictionary: pairs of a source word and a target word to fit on; None: for aligners that need none.
    evaluate_on: a dictionary to evaluate on; its source words are not fitted on. None: the source words of `dictionary`
    that `is_held_out` names. The first 1500 words that have vectors are looked up among all target words.
    Raises XltError for files that cannot be used, different widths, a dictionary without a pair that has vectors, and
    an aligner that says it has failed.
    """
    source, target, output = Path(source), Path(target), Path(output)
    dictionary, evaluate_on = (None if path is None else Path(path) for path in (dictionary, evaluate_on))
    check_output(output, source, target)
    if max_vectors < 1:
        raise XltError(f"At least one vector of each side is needed, not {max_vectors}.")
    fit_on, held_out = read_dictionaries(dictionary, evaluate_on)
    clock = _Clock(quiet)
    with clock.part("reading"):
        ours, theirs = (read_vectors(path, max_vectors, quiet=quiet) for path in (source, target))
    width = ours.rows.shape[1]
    if theirs.rows.shape[1] != width:
        raise XltError(
            f"{source} has {width} dimensions and {target} has {theirs.rows.shape[1]}: they must have the same number."
        )
    fit_pairs = _cover(fit_on, ours, theirs)
    test_pairs = _cover(held_out, ours, theirs)
    # In spaCy's tables words share vectors: one that is looked up is not fitted on under another name.
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
        chunks = stream_vectors(target, skipped, desc="Mapping", quiet=quiet)
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
    """The map of the second of two languages into the space of the first, and the aligner's own report if it has one.

    Raises XltError if the aligner says that it has failed.
    """
    source, target = rows
    pairs = {target: [(row, source_row) for source_row, row in covered.pairs]} if covered else None
    if not hasattr(aligner, "report"):
        return aligner.fit(rows, source, pairs)[target], None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)  # it says the same as the report
        to_source = aligner.fit(rows, source, pairs)[target]
    report = aligner.report[target]
    if report.failed:
        raise XltError(report.message)
    return to_source, asdict(report)


def check_output(output: Path, source: Path, target: Path) -> None:
    """Raise XltError if `output` is no place to write to: asked before the work, which may take long."""
    if output.suffix == ".gz":
        raise XltError(f"{output} would not be compressed: give a name without .gz.")
    if output.is_dir():
        raise XltError(f"{output} is a folder: give the name of a file.")
    if source.exists() and target.exists() and source.samefile(target):
        raise XltError(f"{source} is given as SRC and as TGT: give the vectors of two languages.")
    for path in (source, target):
        if output.exists() and path.exists() and output.samefile(path):
            raise XltError(f"{output} holds the vectors to align: give another name to write to.")


def read_dictionaries(
    dictionary: Optional[Path], evaluate_on: Optional[Path]
) -> tuple[Optional[Dictionary], Optional[Dictionary]]:
    """What to fit on and what to evaluate on, without a source word in common. Raises XltError as `read_dictionary`."""
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
    """Raise XltError if a dictionary that the user gave has nothing for its purpose."""
    if path is not None and not covered.pairs:
        raise XltError(
            f"{path} has no pair to {purpose} on with vectors on both sides. A line of it is a word of SRC and its "
            "translation, a word of TGT; the words to evaluate on are kept out of the fit."
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
    """Views: what is written to them is written to `rows`."""
    for start in range(0, len(rows), BLOCK):
        yield rows[start : start + BLOCK]


class _Clock:
    """Seconds of each part of the work, and one line on the terminal while a part runs that has no bar of its own."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str, desc: str = "") -> Iterator[None]:
        start = perf_counter()
        with tqdm(total=1, desc=desc, bar_format="{desc}: {elapsed}", disable=self.quiet or not desc) as line:
            yield
            line.update()
        self.seconds[name] = round(self.seconds.get(name, 0.0) + perf_counter() - start, 2)

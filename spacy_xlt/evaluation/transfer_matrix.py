"""The transfer matrix: how well a classifier that was trained in each language works in each other language."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
import spacy
from numpy.typing import NDArray
from rich.console import Console
from typing_extensions import Unpack

from spacy_xlt.alignment.centering import AnchoredCentering
from spacy_xlt.data.dataset import Data, Dataset, Reading, load_dataset
from spacy_xlt.data.splits import stratified_holdout
from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.encoders.folder import default_folder
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.heat_map import html_heat_map, svg_heat_map
from spacy_xlt.evaluation.table import one_line, percent, print_cells
from spacy_xlt.evaluation.vector_cache import embed
from spacy_xlt.files import whole_file
from spacy_xlt.heads.fitting import Labeled, fit_head
from spacy_xlt.heads.logistic import fit_path
from spacy_xlt.languages import UNKNOWN
from spacy_xlt.languages import name as name_of
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.progress import progress_bar
from spacy_xlt.training.examples import gold_matrix
from spacy_xlt.vectors import unit_rows

PathLike = Union[str, os.PathLike[str]]
CAPTION = "Accuracy in percent. Rows: language of the training texts. Columns: language of the test texts."


@dataclass(frozen=True)
class Labeling:
    """What labeled texts of some languages give.

    Attributes:
        languages: The languages, in the order in which they were chosen.
        worst: The lowest accuracy of all languages.
        worst_language: The language that has it.
        mean: The mean accuracy of all languages.
    """

    languages: list[str]
    worst: float
    worst_language: str
    mean: float


@dataclass(frozen=True)
class TransferMatrix:
    """The accuracy for each pair of languages. `transfer_matrix` returns it. In a notebook, it is shown as a heat map.

    Attributes:
        accuracy: {language of the training texts: {language of the test texts: accuracy}}.
        best_source: {language: the other language whose training texts give it the highest accuracy}.
        label_first: What labels in 1, 2, ... languages give, if the languages are chosen for the best worst case.
        train: The number of training texts of each language.
        test: The number of test texts of each language.
    """

    accuracy: dict[str, dict[str, float]]
    best_source: dict[str, str]
    label_first: list[Labeling]
    train: dict[str, int]
    test: dict[str, int]

    def table(self, console: Optional[Console] = None) -> None:
        """Print the matrix, the best source of each language, and which languages to label first.

        Args:
            console: Where to print. The default is the standard output.
        """
        targets = list(self.test)
        print_cells(
            ["Train", *targets, "mean"],
            [[source, *(percent(row[code]) for code in targets), percent(_mean(row))] for source, row in self._rows()],
            title="Transfer matrix",
            caption=CAPTION,
            console=console,
        )
        console = console or Console()
        for sentence in self.sentences():
            console.print(one_line(sentence), markup=False, highlight=False, soft_wrap=True)

    def sentences(self) -> list[str]:
        """Return the best sources and the languages to label first, in sentences."""
        targets_of: dict[str, list[str]] = {}
        for target, source in self.best_source.items():
            targets_of.setdefault(source, []).append(target)
        best = "; ".join(f"{name_of(source)} for {', '.join(codes)}" for source, codes in targets_of.items())
        found = [f"Best source: {best}."] if best else []
        for step in self.label_first:
            found.append(
                f"Labels in {', '.join(map(name_of, step.languages))}: lowest accuracy {percent(step.worst)} "
                f"({name_of(step.worst_language)}), mean {percent(step.mean)}."
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the matrix as a dictionary that can be written as JSON."""
        return asdict(self)

    def to_svg(self, path: Optional[PathLike] = None) -> str:
        """Return the heat map as SVG.

        Args:
            path: If given, the picture is also written to this file.

        Raises:
            XltError: The file cannot be written.
        """
        picture = svg_heat_map(self.accuracy)
        if path is not None:
            with whole_file(Path(path)) as scratch:
                scratch.write_text(picture, encoding="utf8")
        return picture

    def _rows(self) -> list[tuple[str, dict[str, float]]]:
        return list(self.accuracy.items())

    def _repr_html_(self) -> str:
        return html_heat_map(self.accuracy, self.sentences())


def transfer_matrix(
    train: Data,
    test: Data,
    *,
    encoder: Optional[PathLike] = None,
    k: int = 3,
    cache: Optional[PathLike] = None,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> TransferMatrix:
    """Train a classifier in each language, and test it in each language.

    The encoder is frozen, and the embeddings of each other language are projected into the space of the training
    language, as `train` and `project` do it. So each classifier takes a second. The languages to label first are
    chosen one after the other: each is the one with which a classifier, trained on the labels of all chosen languages,
    has the highest accuracy in its worst language.

    Args:
        train: Labeled texts of several languages: whatever `load_dataset` takes. Each language is a source.
        test: Labeled texts to test on. If you choose a source or languages by the result, pass development data, and
            measure the chosen model on other test data.
        encoder: The encoder folder; None: the default encoder.
        k: The number of languages to choose for labeling; 0: none.
        cache: A folder that keeps the embeddings for the next run; None: they are not kept.
        progress: Show progress bars on a terminal or in a notebook.
        reading: Options of `load_dataset`, such as `text` and `label`, the names of the fields.

    Returns:
        The accuracies, the best source of each language, and the languages to label first.

    Raises:
        XltError: The data cannot be read, a text has no language or not exactly one label, or a test label or language
            is not in the training data.

    Example:
        >>> matrix = transfer_matrix("train.jsonl", "dev.jsonl")  # doctest: +SKIP
        >>> matrix.best_source["sw"]  # doctest: +SKIP
        'fr'

    References:
        Hu et al. (2020), "XTREME: a massively multilingual multi-task benchmark for evaluating cross-lingual
        generalization" (zero-shot transfer). Turc et al. (2021), "Revisiting the primacy of English in zero-shot
        cross-lingual transfer" (other sources than English). Krause et al. (2008), "Robust submodular observation
        selection" (the best worst case; a greedy choice is a heuristic for it).
    """
    data = {"train": load_dataset(train, **reading), "test": load_dataset(test, **reading)}
    labels = data["train"].labels
    _check(data["train"], data["test"], labels)
    parts = {f"{part} {code}": texts for part in data for code, texts in data[part].by_language().items()}
    pipe = spacy.blank("xx").add_pipe("xlt_encoder")
    assert isinstance(pipe, Encoder)
    folder = default_folder() if encoder is None else Path(encoder)
    vectors = embed(pipe, folder, parts, None if cache is None else Path(cache), progress)
    sets = {
        part: {
            code: Labeled(
                vectors[f"{part} {code}"], gold_matrix([each for each in data[part] if each.language == code], labels)
            )
            for code in sorted(data[part].languages, key=lambda code: (code != "en", code))
        }
        for part in data
    }
    accuracy, l2s = {}, []
    for source in progress_bar(sets["train"], title="Training", unit="language", show=progress):
        projected = _project(sets, source)
        fit = fit_head(*_split(projected["train"][source]), exclusive=True)
        l2s.append(fit.l2)
        accuracy[source] = _accuracies([projected["train"][source]], projected["test"], fit.l2)
    return TransferMatrix(
        accuracy=accuracy,
        best_source=_best_sources(accuracy),
        label_first=_label_first(sets, accuracy, float(np.median(l2s)), min(k, len(accuracy)), progress),
        train={code: len(each.gold) for code, each in sets["train"].items()},
        test={code: len(each.gold) for code, each in sets["test"].items()},
    )


Sets = Mapping[str, Mapping[str, Labeled]]


def _check(train: Dataset, test: Dataset, labels: Sequence[str]) -> None:
    known = set(train.languages)
    for record in [*train, *test]:
        if record.language == UNKNOWN:
            raise XltError(f"{record.location}: the text has no language. Name the language of each text.")
        if len(record.labels) != 1:
            raise XltError(f"{record.location}: the text has {len(record.labels)} labels. Give exactly one.")
        if record.labels[0] not in labels or record.language not in known:
            raise XltError(
                f"{record.location}: there is no training text with the label '{record.labels[0]}', or none in "
                f"'{record.language}'. Give some, or leave the test text out."
            )


def _project(sets: Sets, source: str) -> dict[str, dict[str, Labeled]]:
    """Return the same texts with their embeddings in the space of the source language."""
    maps = AnchoredCentering().fit({code: each.features for code, each in sets["train"].items()}, source)

    def moved(code: str, features: Floats2d) -> Floats2d:
        return features if code == source else unit_rows(maps[code](features))

    return {
        part: {code: Labeled(moved(code, each.features), each.gold) for code, each in of.items()}
        for part, of in sets.items()
    }


def _split(data: Labeled) -> tuple[Labeled, Labeled]:
    """Return four fifths and one fifth of labeled texts, which chooses the L2 penalty."""
    holdout = stratified_holdout([[str(label)] for label in data.gold.argmax(axis=1)])
    inside = np.setdiff1d(np.arange(len(data.gold)), holdout)
    return Labeled(data.features[inside], data.gold[inside]), Labeled(data.features[holdout], data.gold[holdout])


def _accuracies(train: Sequence[Labeled], test: Mapping[str, Labeled], l2: float) -> dict[str, float]:
    """Train on all texts, and return the accuracy on the test texts of each language."""
    features, gold = (np.concatenate([each[column] for each in train]) for column in (0, 1))
    (layer,) = fit_path(features, gold, (l2,))
    return {
        code: float((layer(each.features).argmax(axis=1) == each.gold.argmax(axis=1)).mean())
        for code, each in test.items()
    }


def _best_sources(accuracy: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    best = {}
    for target in next(iter(accuracy.values())):
        others = [source for source in accuracy if source != target]
        if others:
            best[target] = max(others, key=lambda source: accuracy[source][target])
    return best


def _label_first(
    sets: Sets, accuracy: Mapping[str, dict[str, float]], l2: float, k: int, progress: bool
) -> list[Labeling]:
    """Choose languages greedily for the best worst case, and for the best mean where that is equal."""
    steps: list[Labeling] = []
    chosen: list[str] = []
    projected: dict[str, dict[str, Labeled]] = {}
    for _ in progress_bar(range(k), title="Choosing", unit="language", show=progress):
        tried = {}
        for code in accuracy:
            if code in chosen:
                continue
            if not chosen:
                tried[code] = accuracy[code]
            else:
                # The classifier is in the space of the first language. The penalty is a prior for the weights, so it
                # does not depend on the number of texts.
                train = [projected["train"][each] for each in [*chosen, code]]
                tried[code] = _accuracies(train, projected["test"], l2)
        best = max(tried, key=lambda code: (min(tried[code].values()), _mean(tried[code])))
        chosen = [*chosen, best]
        if len(chosen) == 1:
            projected = _project(sets, best)
        worst = min(tried[best], key=tried[best].__getitem__)
        steps.append(Labeling(chosen, tried[best][worst], worst, _mean(tried[best])))
    return steps


def _mean(row: Mapping[str, float]) -> float:
    values: NDArray[Any] = np.array(list(row.values()))
    return float(values.mean())

"""The result of `transfer_matrix`: the accuracy for each pair of languages, as a table and as a heat map."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional, Union

from rich.console import Console

from spacy_xlt.evaluation.heat_map import html_heat_map, svg_heat_map
from spacy_xlt.evaluation.table import one_line, percent, print_cells
from spacy_xlt.files import whole_file
from spacy_xlt.languages import name as name_of

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
            [
                [source, *(percent(row[code]) for code in targets), percent(mean_accuracy(row))]
                for source, row in self.accuracy.items()
            ],
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

    def _repr_html_(self) -> str:
        return html_heat_map(self.accuracy, self.sentences())


def mean_accuracy(row: Mapping[str, float]) -> float:
    """Return the unweighted mean of the accuracies {language: accuracy}."""
    return sum(row.values()) / len(row)

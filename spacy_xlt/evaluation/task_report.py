"""The report of a task other than text classification: its figures for each language."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.table import NOTHING, html_cells, interval, one_line, percent, print_cells
from spacy_xlt.evaluation.task_page import task_page, title_of
from spacy_xlt.files import whole_file, write_json
from spacy_xlt.languages import name

PathLike = Union[str, os.PathLike[str]]
RESAMPLES = 1000
# Separates the languages of a text and of an output. No base code contains it.
PAIR_MARK = "-"
CAPTION = "Percent, with the 95% interval of the main figure."


@dataclass(frozen=True)
class TaskFigures:
    """The figures of one language.

    Attributes:
        n: The number of examples.
        scores: The figures by name, from 0 to 1.
        ci95: The 95% confidence intervals of some of them.
        details: Further figures, such as those of each entity type.
    """

    n: int
    scores: dict[str, float]
    ci95: dict[str, tuple[float, float]] = field(default_factory=dict)
    details: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskReport:
    """The figures of a model for each language. `evaluate` returns it for tasks other than text classification.

    In a notebook, a report is shown as a table.

    Attributes:
        task: The name of the task, such as `ner`.
        model: The model folder, or the name of the pipeline.
        source: The code of the source language.
        main: The name of the most important figure.
        languages: The figures of each language, by language code.
        docs_per_second: The speed of the pipeline, in texts per second.
    """

    task: str
    model: str
    source: str
    main: str
    languages: dict[str, TaskFigures]
    docs_per_second: Optional[float] = None

    @property
    def mean(self) -> dict[str, float]:
        """The unweighted means of the figures over the target languages. Empty if there is none."""
        targets = [figures.scores for code, figures in self.languages.items() if code != self.source]
        return {key: fmean(scores[key] for scores in targets) for key in targets[0]} if targets else {}

    def table(self, console: Optional[Console] = None) -> None:
        """Print the figures as a table.

        Args:
            console: Where to print. The default is the standard output.
        """
        heads, *lines = self.cells()
        print_cells(
            heads, lines, title=title_of(self), caption=CAPTION, console=console, mean_last=len(self.languages) > 1
        )

    def to_html(self, path: Optional[PathLike] = None) -> str:
        """Return the report as a self-contained HTML page.

        Args:
            path: If given, the page is also written to this file.

        Raises:
            XltError: The file cannot be written.
        """
        page = task_page([self])
        if path is not None:
            with whole_file(Path(path)) as scratch:
                scratch.write_text(page, encoding="utf-8", newline="\n")
        return page

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return {**asdict(self), "mean": self.mean}

    def to_json(self, path: PathLike) -> None:
        """Write the report to a JSON file. `TaskReport.load` reads it.

        Raises:
            XltError: The file cannot be written.
        """
        write_json(self.to_dict(), Path(path))

    @classmethod
    def load(cls, path: PathLike) -> "TaskReport":
        """Read a report from a JSON file.

        Raises:
            XltError: The file is missing or is not a report of a task.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf8"))
            content.pop("mean")
            languages = {
                code: TaskFigures(**{**each, "ci95": {key: tuple(ends) for key, ends in each["ci95"].items()}})
                for code, each in content.pop("languages").items()
            }
            return cls(**content, languages=languages)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise XltError(f"{path} is not a report of a task ({error}). Evaluate the model again.") from error

    def titles(self) -> list[tuple[str, str]]:
        """Return the code and the name of each language, the source language first, then the others by name.

        A pair of languages, such as `de-en`, has the name "German to English".
        """
        titles = {code: " to ".join(map(name, code.split(PAIR_MARK))) for code in self.languages}
        codes = sorted(titles, key=lambda code: (code != self.source, titles[code]))
        return [(code, one_line(titles[code])) for code in codes]

    def cells(self) -> list[list[str]]:
        """Return the cells of the table as plain text: the heads, a line for each language, and the means."""
        keys = list(next(iter(self.languages.values())).scores) if self.languages else []
        rows = [["Language", "n", *(f"{key}" for key in keys), f"95% CI of {self.main}"]]
        for code, title in self.titles():
            figures = self.languages[code]
            shown = [percent(figures.scores[key]) for key in keys]
            ends = figures.ci95.get(self.main)
            rows.append([f"{title} ({code})", str(figures.n), *shown, interval(ends) or NOTHING])
        if self.mean:
            rows.append(["Mean of the targets", "", *(percent(self.mean[key]) for key in keys), ""])
        return rows

    def _repr_html_(self) -> str:
        heads, *lines = self.cells()
        return html_cells(heads, lines, caption=f"{title_of(self)}. {CAPTION}")


def bootstrap_interval(rows: NDArray[Any], figure: Any, *, seed: int = 0) -> tuple[float, float]:
    """Return the 95% percentile interval of a figure, by resampling examples.

    Args:
        rows: What the figure is computed from: one row for each example, [n, columns].
        figure: A function from the sums of the columns, [resamples, columns], to the figure, [resamples].
        seed: The seed of the resamples.

    References:
        Efron and Tibshirani (1993), "An introduction to the bootstrap", chapter 13.
    """
    chance = np.random.default_rng(seed)
    counts = chance.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=RESAMPLES)
    values = figure(counts @ rows)
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def language_groups(languages: Sequence[str]) -> Mapping[str, list[int]]:
    """Return the rows of each language, in the order of its first row."""
    groups: dict[str, list[int]] = {}
    for row, language in enumerate(languages):
        groups.setdefault(language, []).append(row)
    return groups

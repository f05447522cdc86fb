"""Comparison of two models on the same texts: is the second one better or worse, and in which languages?"""

import os
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Optional, Union

import numpy as np
from rich.console import Console
from spacy.language import Language
from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, Reading, load_dataset
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.document import Prediction
from spacy_xlt.evaluation.evaluate import evaluate_classifier
from spacy_xlt.evaluation.intervals import Interval
from spacy_xlt.evaluation.report import Report
from spacy_xlt.evaluation.significance import holm, paired_test, parallel_rows
from spacy_xlt.evaluation.table import html_cells, one_line, percent, points, print_cells
from spacy_xlt.languages import name as name_of

# The probability of a false alarm, after the correction for the number of languages.
ALPHA = 0.05
HEADS = ("Language", "n", "A", "B", "Difference", "p", "B is")
CAPTION = (
    "Accuracy in percent. Difference: B minus A in points, with 95% intervals (paired bootstrap). p: two-sided "
    "approximate randomization, corrected for the number of tests (Holm)."
)

Verdict = Literal["better", "worse", "unknown"]
Model = Union[Language, Report, str, os.PathLike[str]]


@dataclass(frozen=True)
class Difference:
    """The accuracies of two models on the same texts.

    Attributes:
        n: The number of texts.
        a: The accuracy of the first model.
        b: The accuracy of the second model.
        difference: `b` minus `a`.
        interval: The 95% confidence interval of the difference.
        p: The p-value of the test that both models are equally accurate, corrected for the number of tests.
        verdict: Whether the second model is better or worse; unknown if `p` is above 0.05.
    """

    n: int
    a: float
    b: float
    difference: float
    interval: Interval
    p: float
    verdict: Verdict


@dataclass(frozen=True)
class Comparison:
    """The comparison of two models. `compare` returns it. In a notebook, it is shown as a table.

    Attributes:
        a: The name of the first model.
        b: The name of the second model.
        languages: The difference in each language, by language code.
        overall: The difference of the mean accuracies. Every language has the same weight.
    """

    a: str
    b: str
    languages: dict[str, Difference]
    overall: Difference

    @property
    def regressions(self) -> list[str]:
        """The languages in which the second model is worse, and `overall` if it is worse there."""
        every = {**self.languages, "overall": self.overall}
        return [code for code, each in every.items() if each.verdict == "worse"]

    def table(self, console: Optional[Console] = None) -> None:
        """Print the comparison as a table.

        Args:
            console: Where to print. The default is the standard output.
        """
        print_cells(
            HEADS,
            self._cells(),
            title=self._title(),
            caption=CAPTION,
            console=console,
            words=(0, len(HEADS) - 1),
            mean_last=True,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as a dictionary that can be written as JSON."""
        return asdict(self)

    def _repr_html_(self) -> str:
        return html_cells(HEADS, self._cells(), caption=f"{self._title()}. {CAPTION}")

    def _title(self) -> str:
        return f"A: {one_line(self.a)}; B: {one_line(self.b)}"

    def _cells(self) -> list[list[str]]:
        rows = sorted(self.languages.items(), key=lambda item: name_of(item[0]))
        return [
            *(_line(f"{name_of(code)} ({code})", each) for code, each in rows),
            _line("Mean of all languages", self.overall),
        ]


def compare(
    a: Model, b: Model, data: Optional[Data] = None, *, progress: bool = True, **reading: Unpack[Reading]
) -> Comparison:
    """Test whether a second model is better or worse than a first one.

    Both models are compared on the same texts, in each language and overall. A language is `better` or `worse` if its
    difference is significant after Holm's correction for the number of languages. If both models are equally good, the
    probability that they are called different in some language or overall is at most 5%.

    Args:
        a: The first model, such as the one in use: a pipeline, a model folder, a report of `evaluate`, or its JSON
            file.
        b: The second model, likewise.
        data: Labeled texts, for pipelines and model folders: whatever `load_dataset` takes.
        progress: Show progress bars on a terminal or in a notebook.
        reading: Options of `load_dataset`, such as `text` and `label`, the names of the fields.

    Returns:
        The difference and the verdict for each language and overall.

    Raises:
        XltError: A model, a report or the data cannot be read, a model is given without data, or the reports are of
            different texts.

    Example:
        >>> found = compare("metrics-old.json", "metrics-new.json")  # doctest: +SKIP
        >>> found.regressions  # doctest: +SKIP
        ['sw']

    References:
        Dror et al. (2018), "The hitchhiker's guide to testing statistical significance in natural language
        processing". See `paired_test` and `holm` for the methods.
    """
    dataset = None if data is None else load_dataset(data, **reading)
    first, second = (_report(each, dataset, progress) for each in (a, b))
    pairs = _pairs(first, second)
    languages = [one.language for one, _ in pairs]
    correct = np.array([[one.correct, two.correct] for one, two in pairs], dtype=np.float64)
    codes = np.array(languages, dtype=object)
    of_language = {code: codes == code for code in dict.fromkeys(languages)}
    tests = {
        code: paired_test((correct[rows, 1] - correct[rows, 0]) / rows.sum()) for code, rows in of_language.items()
    }
    # Half of the 5% is for the languages, and half for the mean of all languages.
    corrected = dict(zip(tests, (min(1.0, 2 * p) for p in holm([each.p for each in tests.values()]))))

    # Every language has the same weight. Translations of a text are randomized together.
    weights = sum(rows / (rows.sum() * len(of_language)) for rows in of_language.values())
    together = parallel_rows(languages, [one.gold for one, _ in pairs])
    gains = np.bincount(together, weights=weights * (correct[:, 1] - correct[:, 0]))
    overall = paired_test(gains)

    def difference(rows: Any, accuracies: Any, test: Any, p: float) -> Difference:
        verdict: Verdict = "unknown" if p > ALPHA else "better" if test.difference > 0 else "worse"
        return Difference(
            int(rows.sum()), float(accuracies[0]), float(accuracies[1]), test.difference, test.interval, p, verdict
        )

    return Comparison(
        a=first.model,
        b=second.model,
        languages={
            code: difference(rows, correct[rows].mean(axis=0), tests[code], corrected[code])
            for code, rows in of_language.items()
        },
        overall=difference(codes == codes, weights @ correct, overall, min(1.0, 2 * overall.p)),
    )


def _report(model: Model, data: Optional[Data], progress: bool) -> Report:
    if isinstance(model, Report):
        return model
    if not isinstance(model, Language) and not Path(model).is_dir():
        return Report.load(model)
    if data is None:
        name = model.meta["name"] if isinstance(model, Language) else os.fspath(model)
        raise XltError(
            f"{name} is a model, so labeled texts are needed to compare it. Give them, or a report.", parameter="data"
        )
    report = evaluate_classifier(model, data, progress=progress)
    return report if isinstance(model, Language) else report.model_copy(update={"model": os.fspath(model)})


def _pairs(first: Report, second: Report) -> list[tuple[Prediction, Prediction]]:
    """Return the predictions of both models for each text, in the order of the first report."""
    ours, theirs = _predictions(first), _predictions(second)
    waiting: dict[tuple[str, tuple[str, ...]], deque[Prediction]] = {}
    for each in theirs:
        waiting.setdefault(_key(each), deque()).append(each)
    pairs = []
    for each in ours:
        same = waiting.get(_key(each))
        if not same:
            raise _unequal(each, first, second)
        pairs.append((each, same.popleft()))
    left = next((rest[0] for rest in waiting.values() if rest), None)
    if left is not None:
        raise _unequal(left, second, first)
    return pairs


def _predictions(report: Report) -> Sequence[Prediction]:
    if not report.predictions:
        raise XltError(f"The report of {report.model} has no predictions. Evaluate the model again.")
    return report.predictions


def _key(prediction: Prediction) -> tuple[str, tuple[str, ...]]:
    return prediction.digest, tuple(sorted(prediction.gold))


def _unequal(prediction: Prediction, here: Report, there: Report) -> XltError:
    gold = ", ".join(prediction.gold) or "none"
    return XltError(
        f"A text in {name_of(prediction.language)} with the label {gold} is in the report of {here.model} but not in "
        f"that of {there.model}. Evaluate both models on the same texts."
    )


def _line(title: str, each: Difference) -> list[str]:
    low, high = map(points, each.interval)
    return [
        one_line(title),
        str(each.n),
        percent(each.a),
        percent(each.b),
        f"{points(each.difference)} ({low} to {high})",
        f"{each.p:.3f}",
        each.verdict,
    ]

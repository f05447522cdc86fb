"""Estimation of the accuracy in each language from unlabeled texts."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from spacy.language import Language
from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, Reading, load_dataset
from spacy_xlt.evaluation.expected import MINIMUM, LanguageEstimate, check_minimum, estimate_languages
from spacy_xlt.evaluation.source import read_source, source_of
from spacy_xlt.evaluation.table import html_cells, interval, one_line, percent, print_cells
from spacy_xlt.heads.confidence import PLAIN, SourceFigures, sum_confidence
from spacy_xlt.languages import UNKNOWN, base_code
from spacy_xlt.languages import name as name_of
from spacy_xlt.models import load_model
from spacy_xlt.pipeline.find import has_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.progress import progress_bar
from spacy_xlt.serving.classifier import Classifier
from spacy_xlt.serving.model_folder import OnlySpacyError
from spacy_xlt.training.model_state import read_head

NO_SOURCE = (
    "The model has no figures of its source language, so the estimates are less certain. "
    "Train it with development data to store them."
)
HEADS = ("Language", "n", "Expected accuracy", "Confidence", "Verdict")
CAPTION = "Percent, with 90% intervals. Confidence: mean of the highest probabilities, calibrated on the source."


@dataclass(frozen=True)
class Estimate:
    """The expected accuracy in each language. `estimate` returns it. In a notebook, it is shown as a table.

    Attributes:
        model: The model folder, or the name of the pipeline.
        minimum: The accuracy that the verdicts ask for.
        languages: The estimate of each language, by language code.
        source_accuracy: The accuracy on the development texts of the source language; None if it is not known.
        notes: Warnings, in sentences.
    """

    model: str
    minimum: float
    languages: dict[str, LanguageEstimate]
    source_accuracy: Optional[float]
    notes: list[str] = field(default_factory=list)

    def table(self, console: Optional[Console] = None) -> None:
        """Print the estimates as a table.

        Args:
            console: Where to print. The default is the standard output.
        """
        print_cells(
            HEADS,
            self._cells(),
            title=self._title(),
            caption=self._caption(),
            console=console,
            words=(0, len(HEADS) - 1),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the estimates as a dictionary that can be written as JSON."""
        return asdict(self)

    def _repr_html_(self) -> str:
        return html_cells(HEADS, self._cells(), caption=f"{self._title()}. {self._caption()}")

    def _title(self) -> str:
        return f"{one_line(self.model)}, {sum(each.n for each in self.languages.values())} unlabeled texts"

    def _caption(self) -> str:
        minimum = f"Verdict: whether the interval is above {percent(self.minimum)}, contains it, or is below it."
        return " ".join([CAPTION, minimum, *self.notes])

    def _cells(self) -> list[list[str]]:
        return [
            [
                one_line(f"{name_of(code)} ({code})"),
                str(each.n),
                percent(each.accuracy) + (f" ({interval(each.interval)})" if each.interval else ""),
                percent(each.figures["confidence"]),
                each.verdict,
            ]
            for code, each in sorted(self.languages.items(), key=lambda item: name_of(item[0]))
        ]


def estimate(
    nlp: Union[Language, str, os.PathLike[str]],
    data: Data,
    *,
    minimum: float = MINIMUM,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> Estimate:
    """Estimate the accuracy in each language from unlabeled texts.

    The estimate compares the predictions for a language with those for the development texts of the source language,
    whose accuracy is known: how confident they are, and how the labels are distributed. `train` stores the figures of
    the source language in the model. The pipeline is not changed.

    Args:
        nlp: A trained pipeline, or its model folder, which is read without spaCy where that is possible.
        data: Unlabeled texts: whatever `load_dataset` takes. A text without a language counts towards its detected
            language. Each language needs at least 20 texts; a hundred or more are better.
        minimum: The accuracy that you need. A language is `usable` if its whole interval is at or above the minimum,
            `not usable` if its whole interval is below, and otherwise you should `check by hand`.
        progress: Show a progress bar on a terminal or in a notebook.
        reading: Options of `load_dataset`, such as `text`, the name of the field.

    Returns:
        The estimates, with 90% intervals and the figures behind them.

    Raises:
        XltError: The model folder or the data cannot be read, the minimum is not a share, or a text can have several
            labels.

    Example:
        >>> estimate("model", "swahili.txt", language="sw").languages["sw"].verdict  # doctest: +SKIP
        'check by hand'
    """
    check_minimum(minimum)
    records = load_dataset(data, labeled=False, **reading).records
    texts = progress_bar(
        [record.text for record in records], title="Classifying", unit="text", total=len(records), show=progress
    )
    if isinstance(nlp, Language):
        model, found = str(nlp.path or f"{nlp.lang}_{nlp.meta['name']}"), _run_pipeline(nlp, texts)
    else:
        model, found = os.fspath(nlp), _classify(Path(nlp), texts)
    languages = [
        detected if record.language == UNKNOWN else record.language
        for record, detected in zip(records, found.languages)
    ]
    scale = found.source.scale if found.source else PLAIN
    by_language = {
        code: sum_confidence(found.probabilities[[language == code for language in languages]], scale)
        for code in dict.fromkeys(languages)
    }
    return Estimate(
        model=model,
        minimum=minimum,
        languages=estimate_languages(by_language, found.source, minimum),
        source_accuracy=found.source.accuracy if found.source else None,
        notes=[] if found.source else [NO_SOURCE],
    )


@dataclass(frozen=True)
class _Found:
    """The predictions [n, labels], the detected languages [n] and the figures of the source language."""

    probabilities: NDArray[np.floating]
    languages: Sequence[str]
    source: Optional[SourceFigures]


def _classify(folder: Path, texts: Iterable[str]) -> _Found:
    """Classify with a model folder: without spaCy if possible."""
    try:
        classifier = Classifier.load(folder)
    except OnlySpacyError:
        return _run_pipeline(load_model(folder), texts)
    source = read_source(folder)
    found = list(classifier.pipe(texts))
    return _Found(np.array([each.probabilities for each in found]), [each.language for each in found], source)


def _run_pipeline(nlp: Language, texts: Iterable[str]) -> _Found:
    head = read_head(nlp)
    source = source_of(head, nlp.meta)
    docs = list(nlp.pipe(texts))
    detected = has_pipe(nlp, LanguageDetector)
    return _Found(
        np.array([[doc.cats[label] for label in head.labels] for doc in docs]),
        [base_code(doc._.language or "") if detected else UNKNOWN for doc in docs],
        source,
    )

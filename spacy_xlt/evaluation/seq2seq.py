"""Evaluation of generated texts, for each pair of languages."""

import json
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Optional, Union

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich import box
from rich.console import Console
from rich.table import Table
from spacy.language import Language
from typing_extensions import Self, Unpack

from spacy_xlt.data.dataset import Data, Reading
from spacy_xlt.data.paths import PathLike, paths_of
from spacy_xlt.data.targets import TargetRecord, load_targets, target_options
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.generation import bleu, chrf, exact_match, is_exact
from spacy_xlt.evaluation.intervals import wilson
from spacy_xlt.evaluation.predictions import digest_of
from spacy_xlt.evaluation.task_report import TaskFigures, TaskReport
from spacy_xlt.files import whole_file
from spacy_xlt.languages import UNKNOWN
from spacy_xlt.models import load_model
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.seq2seq import Seq2Seq
from spacy_xlt.progress import progress_bar

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Score = Annotated[float, Field(ge=0.0, le=100.001)]
COLUMNS = ("texts", "BLEU", "chrF", "exact match, %", "95% interval", "looped", "values lost")


class _Figures(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)


class PairFigures(_Figures):
    """The figures of texts of one language and outputs of another.

    Attributes:
        n: The number of texts.
        bleu: The BLEU score of sacrebleu, from 0 to 100.
        chrf: The chrF2 score of sacrebleu, from 0 to 100.
        exact: The share of outputs that are equal to their references, up to white space.
        exact_ci95: Its 95% confidence interval.
        looped: The number of outputs that repeated themselves without end.
        missing: The number of translations that have lost a value, such as a number.
    """

    n: int
    bleu: Score
    chrf: Score
    exact: Share
    exact_ci95: tuple[Share, Share]
    looped: int
    missing: int


class GeneratedText(_Figures):
    """What was generated for one text. Reports hold no texts, because these may be confidential.

    Attributes:
        digest: A hash of the text.
        pair: The languages of the text and of the output.
        exact: Whether the output is equal to its reference.
        looped: Whether the model repeated itself without end.
    """

    digest: str
    pair: str
    exact: bool
    looped: bool


class Seq2SeqReport(_Figures):
    """The figures of a model that generates texts. In a notebook, it is shown as a table.

    Attributes:
        model: The model folder, or the name of the pipeline.
        data: The files that the test texts came from. Empty for texts in memory.
        task: The task of the model.
        n: The number of test texts.
        pairs: The figures of each pair of languages, such as `de-en`.
        words_per_second: The words of the outputs, as white space separates them, per second of the whole pipeline.
        texts: What was generated for each text, in the order of the data.
    """

    model: str
    data: list[str]
    task: str
    n: int
    pairs: dict[str, PairFigures]
    words_per_second: float
    texts: list[GeneratedText]

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Read a report from a JSON file that `to_json` has written.

        Raises:
            XltError: The file is missing or is not such a report.
        """
        try:
            return cls.model_validate_json(Path(path).read_text(encoding="utf8"))
        except OSError as error:
            raise XltError(f"{path} cannot be read ({error.strerror}). Evaluate the model again.") from error
        except (UnicodeDecodeError, ValidationError) as error:
            raise XltError(f"{path} is not a report of generated texts. Evaluate the model again.") from error

    def to_task_report(self) -> TaskReport:
        """Return the scores as the report of a task, for a page with other reports. BLEU and chrF are from 0 to 1."""
        return TaskReport(
            task="seq2seq",
            model=self.model,
            source="",
            main="exact",
            languages={
                pair: TaskFigures(
                    each.n,
                    {"exact": each.exact, "BLEU": min(each.bleu / 100, 1.0), "chrF": min(each.chrf / 100, 1.0)},
                    {"exact": each.exact_ci95},
                )
                for pair, each in self.pairs.items()
            },
        )

    def to_html(self, path: Optional[PathLike] = None) -> str:
        """Return the report as a self-contained HTML page. See `TaskReport.to_html`."""
        return self.to_task_report().to_html(path)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return self.model_dump(mode="json")

    def to_json(self, path: PathLike) -> None:
        """Write the report to a JSON file. Raises XltError if it cannot be written."""
        _write(json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n", path)

    def to_markdown(self, path: Optional[PathLike] = None) -> str:
        """Return the figures as a Markdown table.

        Args:
            path: If given, the table is also written to this file.

        Raises:
            XltError: The file cannot be written.
        """
        lines = [("languages", *COLUMNS), ("---",) * (len(COLUMNS) + 1), *self._rows()]
        text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        if path is not None:
            _write(text, path)
        return text

    def table(self, console: Optional[Console] = None) -> None:
        """Print the figures as a table.

        Args:
            console: Where to print. The default is the standard output.
        """
        table = Table(box=box.SIMPLE_HEAD)
        table.add_column("languages")
        for column in COLUMNS:
            table.add_column(column, justify="right")
        for row in self._rows():
            table.add_row(*row)
        (console or Console()).print(table)

    def _repr_html_(self) -> str:
        rows = [("languages", *COLUMNS), *self._rows()]
        cells = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
        return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                pair,
                str(each.n),
                f"{each.bleu:.1f}",
                f"{each.chrf:.1f}",
                f"{100 * each.exact:.1f}",
                f"{100 * each.exact_ci95[0]:.1f}–{100 * each.exact_ci95[1]:.1f}",
                str(each.looped),
                str(each.missing),
            )
            for pair, each in self.pairs.items()
        ]


def evaluate_seq2seq(
    nlp: Union[Language, str, "os.PathLike[str]"],
    data: Data,
    *,
    target_language: Optional[str] = None,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> Seq2SeqReport:
    """Measure BLEU, chrF and exact match of generated texts for each pair of languages.

    Args:
        nlp: A pipeline with `xlt_seq2seq`, or its model folder. It does not change.
        data: Texts with targets: whatever `load_targets` takes. If a record names its language, it is not detected.
        target_language: The language of all targets.
        progress: Show a progress bar on a terminal or in a notebook.
        reading: Options of `load_dataset`: `text`, `lang`, `language`, `encoding`, and `label`, the target's field.

    Returns:
        The report.

    Raises:
        XltError: The model or the data cannot be read, or the pipeline has no `xlt_seq2seq`.
    """
    if not isinstance(nlp, Language):
        nlp = load_model(os.fspath(nlp))
    records = load_targets(data, target_language=target_language, **target_options(reading))
    component = find_pipe(nlp, Seq2Seq)
    docs = []
    for record in records:
        doc = nlp.make_doc(record.text)
        if record.language != UNKNOWN:
            doc._.language = record.language
        docs.append(doc)
    list(nlp.pipe([nlp.make_doc(doc.text) for doc in docs[:1]]))  # The model is loaded at the first text.
    component.forget()
    start = perf_counter()
    bar = progress_bar(nlp.pipe(docs), title="Generating", unit="text", total=len(docs), show=progress)
    docs = list(bar)
    seconds = max(perf_counter() - start, 1e-9)
    outputs = [doc._.xlt_output or "" for doc in docs]
    pairs = [f"{record.language}-{record.target_language}" for record in records]
    figures = {}
    for pair in sorted(set(pairs)):
        rows = [row for row, each in enumerate(pairs) if each == pair]
        figures[pair] = measure(
            [outputs[row] for row in rows],
            [records[row].target for row in rows],
            looped=sum(docs[row]._.xlt_output_looped for row in rows),
            missing=sum(bool(docs[row]._.xlt_output_missing) for row in rows),
        )
    return Seq2SeqReport(
        model=str(nlp.path or f"{nlp.lang}_{nlp.meta['name']}"),
        data=paths_of(data) or [],
        task=component.settings.task,
        n=len(records),
        pairs=figures,
        words_per_second=sum(len(output.split()) for output in outputs) / seconds,
        texts=[
            _text(record, pair, output, doc._.xlt_output_looped)
            for record, pair, output, doc in zip(records, pairs, outputs, docs)
        ],
    )


def measure(outputs: Sequence[str], references: Sequence[str], *, looped: int = 0, missing: int = 0) -> PairFigures:
    """Return the figures of outputs.

    Args:
        outputs: The generated texts.
        references: The target of each text.
        looped: The number of outputs that looped.
        missing: The number of translations that have lost a value.
    """
    exact = exact_match(outputs, references)
    return PairFigures(
        n=len(outputs),
        bleu=bleu(outputs, references),
        chrf=chrf(outputs, references),
        exact=exact,
        exact_ci95=wilson(exact, len(outputs)),
        looped=looped,
        missing=missing,
    )


def _text(record: TargetRecord, pair: str, output: str, looped: bool) -> GeneratedText:
    return GeneratedText(digest=digest_of(record.text), pair=pair, exact=is_exact(output, record.target), looped=looped)


def _write(text: str, path: PathLike) -> None:
    with whole_file(Path(path)) as scratch:
        scratch.write_text(text, encoding="utf8", errors="replace", newline="\n")

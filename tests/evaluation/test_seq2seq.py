"""BLEU, chrF and exact match of generated texts, and the report."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

pytest.importorskip("sacrebleu")

import spacy_xlt as xlt
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.generation import bleu, chrf, exact_match
from spacy_xlt.evaluation.seq2seq import Seq2SeqReport, evaluate_seq2seq
from tests.pipeline.test_seq2seq import with_recorder

ROWS = [
    {"text": "hallo 7", "target": "HALLO 7", "lang": "de", "target_lang": "en"},
    {"text": "ein loop", "target": "ein  loop", "lang": "de", "target_lang": "en"},
    {"text": "hola amigo mio querido", "target": "HOLA AMIGO MIO QUERIDO", "lang": "es", "target_lang": "en"},
    {"text": "ko", "target": "KO", "lang": "yo", "target_lang": "en"},
]


@given(st.lists(st.text(alphabet="abc ", min_size=1).filter(str.strip), min_size=1, max_size=5))
def test_equal_texts_have_the_highest_scores(texts: list[str]) -> None:
    assert exact_match(texts, texts) == 1.0
    assert chrf(texts, texts) == pytest.approx(100.0)
    long = [f"{text} a b c d" for text in texts]
    assert bleu(long, long) == pytest.approx(100.0)


def test_known_scores() -> None:
    """The example of sacrebleu's documentation."""
    references = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
    outputs = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    assert bleu(outputs, references) == pytest.approx(45.07, abs=0.01)
    assert exact_match(outputs, references) == pytest.approx(1 / 3)
    assert 0 < chrf(outputs, references) < 100


@pytest.mark.parametrize("measure", [bleu, chrf, exact_match])
def test_wrong_numbers_of_texts_are_errors(measure: Any) -> None:
    with pytest.raises(XltError, match="2"):
        measure(["a", "b"], ["a"])
    with pytest.raises(XltError, match="no output"):
        measure([], [])


@pytest.fixture(scope="module")
def report() -> Seq2SeqReport:
    nlp, _ = with_recorder(task="reply")
    return xlt.evaluate(nlp, ROWS, progress=False)  # type: ignore[return-value]


def test_figures_of_each_pair(report: Seq2SeqReport) -> None:
    assert list(report.pairs) == ["de-en", "es-en", "yo-en"] and report.n == 4
    german = report.pairs["de-en"]
    assert (german.n, german.exact, german.looped, german.missing) == (2, 0.5, 1, 0)
    assert german.exact_ci95[0] < 0.5 < german.exact_ci95[1]
    assert report.pairs["es-en"].bleu == pytest.approx(100.0)
    # The model does not have the language.
    assert report.pairs["yo-en"].exact == 0.0
    assert [text.exact for text in report.texts] == [True, False, True, False]
    assert report.words_per_second > 0


def test_the_report_is_written_and_read(report: Seq2SeqReport, tmp_path: Path) -> None:
    report.to_json(tmp_path / "report.json")
    assert Seq2SeqReport.load(tmp_path / "report.json") == report
    assert "hallo" not in (tmp_path / "report.json").read_text()
    rows = report.to_markdown(tmp_path / "report.md").splitlines()
    assert (tmp_path / "report.md").read_text().splitlines() == rows
    assert len(rows) == 5 and len({row.count("|") for row in rows}) == 1
    console = Console(record=True, width=120)
    report.table(console)
    shown = console.export_text()
    assert all(pair in shown for pair in report.pairs)
    assert all(pair in report._repr_html_() for pair in report.pairs)


@pytest.mark.parametrize("content", [None, "{", '{"n": 1}'])
def test_a_wrong_file_is_an_error(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(XltError, match="report.json"):
        Seq2SeqReport.load(tmp_path / "report.json")


def test_a_pipeline_without_the_component_is_an_error() -> None:
    with pytest.raises(XltError, match="Seq2Seq"):
        evaluate_seq2seq(spacy.blank("xx"), ROWS)


def test_other_names_of_fields() -> None:
    nlp, _ = with_recorder(task="reply")
    rows = [{"q": "a", "a": "A", "l": "de"}]
    report = evaluate_seq2seq(nlp, rows, text="q", label="a", lang="l", target_language="en", progress=False)
    assert report.pairs["de-en"].exact == 1.0

"""`xlt table`."""

import json
from pathlib import Path

from spacy_xlt.evaluation.entities import entity_figures
from spacy_xlt.evaluation.seq2seq import PairFigures, Seq2SeqReport
from spacy_xlt.evaluation.task_report import TaskReport
from tests.cli.running import fail, succeed
from tests.evaluation.documents import document


def test_a_table_of_each_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.json").write_text(json.dumps(document(model=f"training/{name}")))
    output = succeed("table", tmp_path / "one.json", tmp_path / "two.json")
    assert output.index("training/one, 312 documents") < output.index("training/two, 312 documents")
    assert output.count("Swahili (sw)") == 2


def test_tables_of_other_tasks(tmp_path: Path) -> None:
    figures = {"en": entity_figures([[]], [[]]), "sw": entity_figures([[]], [[]])}
    TaskReport("ner", "training/ner", "en", "f1", figures).to_json(tmp_path / "ner.json")
    pair = PairFigures(n=1, bleu=31.4, chrf=50.0, exact=0.5, exact_ci95=(0.1, 0.9), looped=0, missing=0)
    Seq2SeqReport(
        model="training/numbers", data=[], task="", n=1, pairs={"de-en": pair}, words_per_second=1.0, texts=[]
    ).to_json(tmp_path / "numbers.json")
    output = succeed("table", tmp_path / "ner.json", tmp_path / "numbers.json")
    assert "Swahili" in output and "de-en" in output and "31.4" in output


def test_a_damaged_file_of_another_task(tmp_path: Path) -> None:
    for name, content in (("ner", '{"main": "f1"}'), ("numbers", '{"pairs": 1}')):
        (tmp_path / f"{name}.json").write_text(content)
        assert f"{name}.json" in fail("table", tmp_path / f"{name}.json")


def test_a_file_that_is_missing_or_something_else(tmp_path: Path) -> None:
    assert str(tmp_path / "no.json") in fail("table", tmp_path / "no.json")
    (tmp_path / "a.json").write_text('{"model": "m"}')
    line = fail("table", tmp_path / "a.json")
    assert "a.json" in line and "'data'" in line

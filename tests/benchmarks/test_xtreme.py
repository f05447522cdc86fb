"""The summary over tasks."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from spacy_xlt.evaluation.task_report import TaskFigures, TaskReport
from tests.evaluation.documents import document


@pytest.fixture
def xtreme(importable_benchmarks: None) -> Any:
    return importlib.import_module("xtreme")


def test_the_mean_of_the_tasks_gives_each_task_the_same_weight(xtreme: Any) -> None:
    table = xtreme.summary({"one": {"de": 0.5, "sw": 0.7}, "other": {"de": 0.9}})
    assert table.splitlines()[0] == "| Task | de | sw | mean |"
    assert table.splitlines()[2:] == [
        "| one | 50.0 | 70.0 | 60.0 |",
        "| other | 90.0 | – | 90.0 |",
        "| mean of the tasks | | | 75.0 |",
    ]


def test_missing_tasks_are_left_out_and_named(
    xtreme: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "sib200.json").write_text(json.dumps(document()))
    monkeypatch.setattr(xtreme, "PROJECT", tmp_path)
    xtreme.main(tmp_path / "no-model", tmp_path / "xtreme.json")
    output = capsys.readouterr()
    assert "tweets.json" in output.err and "Tatoeba" in output.err
    # English is the source of the document, so it does not count.
    assert json.loads((tmp_path / "xtreme.json").read_text())["tasks"] == {"topics (SIB-200)": {"sw": 0.82, "de": 0.88}}
    entities = TaskReport(
        "ner", "model", "en", "f1", {"en": TaskFigures(9, {"f1": 0.9}), "hr": TaskFigures(9, {"f1": 0.7})}
    )
    entities.to_json(tmp_path / "metrics" / "ner.json")
    assert xtreme.measured(tmp_path / "metrics" / "ner.json") == {"hr": 0.7}
    (tmp_path / "metrics" / "ner.json").unlink()
    with pytest.raises(SystemExit, match="no task"):
        (tmp_path / "metrics" / "sib200.json").unlink()
        xtreme.main(tmp_path / "no-model", tmp_path / "xtreme.json")

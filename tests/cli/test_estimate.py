"""`xlt estimate`."""

import json
import os
from pathlib import Path

import pytest

pytest.importorskip("transformers")

from tests.cli.running import fail, run, succeed
from tests.records import make_records, write_csv


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unlabeled German texts, one per line."""
    path = tmp_path_factory.mktemp("data") / "de.txt"
    path.write_text("\n".join(record.text for record in make_records(24, "de", seed=2)), encoding="utf8")
    return path


def test_estimates_on_the_terminal_and_as_json(model: Path, data: Path, german: Path, tmp_path: Path) -> None:
    texts = ["--texts", german, "--language", "German"]
    options = ["--minimum", "0.1", "-o", tmp_path / "new" / "estimate.json"]
    output = " ".join(succeed("estimate", model, *texts, *options).split())
    assert "German" in output and "24 unlabeled texts" in output
    written = json.loads((tmp_path / "new" / "estimate.json").read_text("utf8"))
    assert written["model"] == str(model) and list(written["languages"]) == ["de"] and written["minimum"] == 0.1
    assert written["languages"]["de"]["verdict"] in output
    # `xlt train` chose the head by cross-validation, so the model has figures of its source language.
    assert written["source_accuracy"] is not None and written["notes"] == []
    assert os.listdir(tmp_path / "new") == ["estimate.json"]


def test_files_whose_records_name_their_language(model: Path, tmp_path: Path) -> None:
    texts = write_csv(make_records(20, "es"), tmp_path / "es.csv")
    succeed("estimate", model, "--texts", texts, "-o", tmp_path / "m.json")
    assert list(json.loads((tmp_path / "m.json").read_text("utf8"))["languages"]) == ["es"]


def test_a_minimum_that_is_no_accuracy_names_the_option(model: Path, german: Path) -> None:
    assert "--minimum" in fail("estimate", model, "--texts", german, "--minimum", "70")


def test_bad_records_go_to_quarantine_and_strict_exits_with_1(model: Path, tmp_path: Path) -> None:
    data = tmp_path / "a.jsonl"
    data.write_text('{"text": "t", "lang": "en"}\n{\n')
    arguments = ["estimate", model, "--texts", data, "-o", tmp_path / "m.json"]
    assert f"{data}:2: not JSON" in run(*arguments).stderr
    assert json.loads((tmp_path / "m.quarantine.jsonl").read_text())["content"] == "{"
    assert run(*arguments, "--strict").exit_code == 1

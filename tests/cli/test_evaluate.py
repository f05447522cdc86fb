"""`xlt evaluate`."""

import json
import os
import shutil
from pathlib import Path

import pytest

pytest.importorskip("transformers")

from spacy_xlt.evaluation.report import Report
from tests.cli.damage import DAMAGES, copy_damaged
from tests.cli.running import fail, run, succeed
from tests.records import LABELS, make_records, write_csv


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(make_records(4, "de", seed=2), tmp_path_factory.mktemp("data") / "de.csv")


def test_figures_on_the_terminal_and_as_json(model: Path, data: Path, german: Path, tmp_path: Path) -> None:
    # A long path of the model wraps the title of the table.
    output = " ".join(succeed("evaluate", model, data, german, "-o", tmp_path / "new" / "metrics.json").split())
    assert all(word in output for word in ("28 documents", "English", "German", "Mean of"))
    report = Report.load(tmp_path / "new" / "metrics.json")
    assert report.model == str(model) and report.data == [str(data), str(german)]
    assert (report.source, report.labels, report.n, report.multilabel) == ("en", LABELS, 28, False)
    assert {code: figures.n for code, figures in report.languages.items()} == {"en": 24, "de": 4}
    assert report.before_projection is not None
    assert os.listdir(tmp_path / "new") == ["metrics.json"]


def test_examples_and_their_nearest_training_texts(model: Path, data: Path, german: Path, tmp_path: Path) -> None:
    options = ["--examples", 2, "--train", data]
    output = succeed("evaluate", model, german, *options, "-o", tmp_path / "m.json")
    details = Report.load(tmp_path / "m.json").details
    assert details is not None and "German" in output
    assert len(details.examples) == min(2, details.wrong) > 0
    assert [len(each.neighbors) for each in details.examples] == [3] * len(details.examples)


def test_without_output_nothing_is_written(
    model: Path, german: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(model, tmp_path / "m")
    shutil.copy(german, tmp_path / "de.csv")
    monkeypatch.chdir(tmp_path)
    succeed("evaluate", "m", "de.csv")
    assert sorted(os.listdir(tmp_path)) == ["de.csv", "m"]


def test_columns_and_language_by_option(model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("body,queue\nWhere is my parcel?,delivery\n")
    options = ["--text", "body", "--label", "queue", "--language", "spa"]
    succeed("evaluate", model, tmp_path / "a.csv", *options, "-o", tmp_path / "m.json")
    assert list(Report.load(tmp_path / "m.json").languages) == ["es"]


def test_bad_records_go_to_quarantine_and_strict_exits_with_1(model: Path, tmp_path: Path) -> None:
    data = tmp_path / "a.jsonl"
    data.write_text('{"text": "t", "label": "billing", "lang": "en"}\n{\n')
    arguments = ["evaluate", model, data, "-o", tmp_path / "m.json"]
    result = run(*arguments)
    assert result.exit_code == 0 and f"⚠ 1 bad records left out (first: {data}:2: not JSON" in result.stderr
    assert json.loads((tmp_path / "m.quarantine.jsonl").read_text())["content"] == "{"
    # The figures of the good ones are there all the same.
    (tmp_path / "m.json").unlink()
    assert run(*arguments, "--strict").exit_code == 1
    assert Report.load(tmp_path / "m.json").n == 1


def test_the_quarantine_file_of_the_training_stays(model: Path, german: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "m")
    (tmp_path / "m.quarantine.jsonl").write_text("of the training")
    succeed("evaluate", tmp_path / "m", german)
    bad = tmp_path / "bad.csv"
    bad.write_text("text,label\nt,billing\nt\n")
    run("evaluate", tmp_path / "m", bad)
    assert (tmp_path / "m.quarantine.jsonl").read_text() == "of the training"
    assert "1 columns" in (tmp_path / "m.evaluate.quarantine.jsonl").read_text()


def test_test_texts_in_the_training_data_are_reported_and_strict_exits_with_1(
    model: Path, data: Path, german: Path, tmp_path: Path
) -> None:
    arguments = ["evaluate", model, data, german, "--train", data, "-o", tmp_path / "m.json"]
    assert f"{data}:2" in fail(*arguments, "--strict") and not (tmp_path / "m.json").exists()
    result = run(*arguments)
    found = Report.load(tmp_path / "m.json").contamination
    assert result.exit_code == 0 and found is not None and (found.train, found.languages) == (24, {"en": 24})
    assert f"⚠ 24 test texts are also in the training data (first: {data}:2 is {data}:2)" in result.stderr
    clean = tmp_path / "clean.csv"
    clean.write_text("text,label,lang\nSomething else,billing,en\n")
    succeed("evaluate", model, clean, "--train", data, "--strict", "-o", tmp_path / "m.json")
    assert Report.load(tmp_path / "m.json").contamination.n == 0  # type: ignore[union-attr]


# What cannot be evaluated


def test_a_label_that_the_model_does_not_know(model: Path, tmp_path: Path) -> None:
    data = tmp_path / "a.csv"
    data.write_text("text,label\nt,returns\nt,Returns\n")
    line = fail("evaluate", model, data, "-o", tmp_path / "m.json")
    assert line.startswith(f"{data}:2") and "'returns'" in line and "billing, delivery" in line
    assert os.listdir(tmp_path) == ["a.csv"]
    data.write_text("text,label\nt,billing\nt,returns\n")
    result = run("evaluate", model, data, "-o", tmp_path / "m.json")
    assert result.exit_code == 0 and "'returns' (in 1 of 2 texts)" in result.stderr
    assert "returns" in Report.load(tmp_path / "m.json").labels


def test_what_is_missing(model: Path, data: Path, tmp_path: Path) -> None:
    assert f"{tmp_path}/no.csv" in fail("evaluate", model, tmp_path / "no.csv")
    assert str(tmp_path / "no") in fail("evaluate", tmp_path / "no", data)
    line = fail("evaluate", model, data, "--text", "body")
    assert line.startswith(str(data)) and "'body'" in line and "text, label, lang" in line and "--text" in line


def test_a_model_that_classifies_nothing(data: Path, tmp_path: Path) -> None:
    import spacy

    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_langdetect")
    nlp.to_disk(tmp_path / "m")
    line = fail("evaluate", tmp_path / "m", data)
    assert "xlt_langdetect" in line and "TextCategorizer" in line


@pytest.mark.parametrize(("file", "left", "message"), DAMAGES)
def test_a_damaged_model(file: str, left: int, message: str, model: Path, data: Path, tmp_path: Path) -> None:
    assert message in fail("evaluate", copy_damaged(model, tmp_path / "m", file, left), data)


def test_an_output_that_is_a_folder(model: Path, german: Path, tmp_path: Path) -> None:
    result = run("evaluate", model, german, "-o", tmp_path)
    assert result.exit_code == 1 and result.stderr.startswith(f"✘ {tmp_path} ")

"""`xlt transfer few-shot`, and what all methods of the group share."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import spacy

pytest.importorskip("transformers")

from spacy.language import Language

from tests.cli.running import fail, run, succeed
from tests.records import make_records, write_csv


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(make_records(8, "de", seed=3), tmp_path_factory.mktemp("texts") / "de.csv")


def test_few_shot(model: Path, german: Path, data: Path, tmp_path: Path) -> None:
    options = ["--texts", german, "--source-texts", data, "--dev", data]
    output = succeed("transfer", "few-shot", model, tmp_path / "out", *options)
    first, last = output.splitlines()
    assert first.startswith("  en: ") and first.endswith(" (24 dev texts)")
    assert last.startswith(f"✔ {tmp_path}/out: few-shot. ")
    (noted,) = spacy.load(tmp_path / "out").meta["xlt_transfer"]
    assert noted["method"] == "few-shot" and noted["data"]["target"]["texts"] == 8
    assert json.loads((tmp_path / "out" / "meta.json").read_text())["xlt_transfer"] == [noted]


def test_the_language_of_each_file(model: Path, german: Path, tmp_path: Path) -> None:
    swahili = write_csv(make_records(8, "de", seed=4), tmp_path / "sw.csv")
    options = ["--texts", german, "--language", "de", "--texts", swahili, "--language", "swh"]
    result = run("transfer", "few-shot", model, tmp_path / "out", *options)
    assert result.exit_code == 0
    assert "✔" in result.stdout and "Not compared: there are no dev texts." in result.stdout
    # They are English, in truth.
    assert "⚠ 8 of 8 texts of language 'de' look like 'en': is that the right file?" in result.stderr
    assert spacy.load(tmp_path / "out").meta["xlt_transfer"][0]["chosen"]["languages"] == ["de", "sw"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "There is no usable record in"),
        ([["Paket", "weather"]], "the model does not know the label 'weather'; it knows billing, delivery."),
        ([["Paket", "delivery"]], "There is no text of 'billing' among those of language 'de': give at least one a"),
        ([["Paket", "delivery"], ["Paket", "billing"]], "the same text as in"),
    ],
)
def test_bad_labels(model: Path, tmp_path: Path, rows: list[list[str]], message: str) -> None:
    (tmp_path / "de.csv").write_text("\n".join(map(",".join, [["text", "label"], *rows])) + "\n")
    options = ["--texts", tmp_path / "de.csv", "--language", "de"]
    assert message in fail("transfer", "few-shot", model, tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


def test_as_many_languages_as_files(model: Path, german: Path, tmp_path: Path) -> None:
    options = ["--texts", german, "--language", "de", "--language", "sw"]
    line = fail("transfer", "few-shot", model, tmp_path / "out", *options)
    assert line == "There are 1 --texts and 2 --language: name one for each, or none."


def test_a_killed_run_leaves_the_old_model(
    model: Path, german: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed("transfer", "few-shot", model, tmp_path / "out", "--texts", german)

    def stop(self: Language, path: Path, **options: Any) -> None:
        (Path(path) / "config.cfg").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Language, "to_disk", stop)
    assert run("transfer", "few-shot", tmp_path / "out", tmp_path / "out", "--texts", german).exit_code != 0
    assert os.listdir(tmp_path) == ["out"] and len(spacy.load(tmp_path / "out").meta["xlt_transfer"]) == 1

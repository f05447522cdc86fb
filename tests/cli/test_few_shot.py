"""The command `xlt transfer few-shot`, and what all transfer commands share."""

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
    assert first.startswith("  en: ") and "24" in first
    assert last.startswith(f"✔ {tmp_path}/out: few-shot")
    (noted,) = spacy.load(tmp_path / "out").meta["xlt_transfer"]
    assert noted["method"] == "few-shot" and noted["data"]["target"]["texts"] == 8
    assert json.loads((tmp_path / "out" / "meta.json").read_text())["xlt_transfer"] == [noted]


def test_the_language_of_each_file(model: Path, german: Path, tmp_path: Path) -> None:
    swahili = write_csv(make_records(8, "de", seed=4), tmp_path / "sw.csv")
    options = ["--texts", german, "--language", "de", "--texts", swahili, "--language", "swh"]
    result = run("transfer", "few-shot", model, tmp_path / "out", *options)
    assert result.exit_code == 0
    assert "✔" in result.stdout and "nothing was compared" in result.stdout
    # The texts are English.
    assert "⚠ 8 of 8" in result.stderr and "'de' look like 'en'" in result.stderr
    assert spacy.load(tmp_path / "out").meta["xlt_transfer"][0]["settings"]["languages"] == ["de", "sw"]


@pytest.mark.parametrize(
    ("rows", "fragment"),
    [
        ([], "no usable record"),
        ([["Paket", "weather"]], "'weather'"),
        ([["Paket", "delivery"]], "'billing' in the language 'de'"),
        ([["Paket", "delivery"], ["Paket", "billing"]], "de.csv"),
    ],
)
def test_bad_labels(model: Path, tmp_path: Path, rows: list[list[str]], fragment: str) -> None:
    (tmp_path / "de.csv").write_text("\n".join(map(",".join, [["text", "label"], *rows])) + "\n")
    options = ["--texts", tmp_path / "de.csv", "--language", "de"]
    assert fragment in fail("transfer", "few-shot", model, tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


def test_as_many_languages_as_files(model: Path, german: Path, tmp_path: Path) -> None:
    options = ["--texts", german, "--language", "de", "--language", "sw"]
    line = fail("transfer", "few-shot", model, tmp_path / "out", *options)
    assert "1 --texts" in line and "2 --language" in line


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

"""The command `xlt export`."""

from pathlib import Path

import pytest
import spacy

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
pytest.importorskip("wordfreq")

from spacy_xlt.exporters import student
from tests.cli.running import fail, run, succeed
from tests.records import make_records, write_csv

TEXTS = [record.text for record in make_records(6)]


def labels(folder: Path) -> list[str]:
    return [max(doc.cats, key=doc.cats.__getitem__) for doc in spacy.load(folder).pipe(TEXTS)]


@pytest.mark.parametrize("preset", ["quality", "balanced"])
def test_the_answers_stay(model: Path, data: Path, tmp_path: Path, preset: str) -> None:
    output = succeed("export", model, tmp_path / "out", "--preset", preset, "--dev", data)
    assert "Cosine to the trained encoder on " in output
    assert "Accuracy on 24 dev texts, mean of 1 languages: 1.000 before, 1.000 after." in output
    assert f"preset {preset}\n" in output
    assert labels(tmp_path / "out") == labels(model)


def test_vocabulary_is_trimmed_to_languages(model: Path, data: Path, tmp_path: Path) -> None:
    output = succeed("export", model, tmp_path / "out", "--languages", "en", "--texts", data)
    assert output.startswith("Kept ")
    assert labels(tmp_path / "out") == labels(model)
    assert "'sw'" in fail("export", model, tmp_path / "no", "--languages", "sw", "--texts", data)
    assert not (tmp_path / "no").exists()


def test_a_student_learns_from_the_texts(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(student, "LISTED_WORDS", 10)
    texts = write_csv(make_records(60), tmp_path / "texts.csv")
    output = succeed("export", model, tmp_path / "fast", "--preset", "fast", "--texts", texts)
    assert "60 texts" in output
    assert labels(tmp_path / "fast") == labels(model)


def test_bad_arguments_are_one_line_and_write_nothing(model: Path, data: Path, tmp_path: Path) -> None:
    line = fail("export", model, tmp_path / "out", "--preset", "tiny")
    assert "--preset" in line and "'tiny'" in line
    assert "at least 50" in fail("export", model, tmp_path / "out", "--preset", "fast")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("precious")
    assert run("export", model, tmp_path / "full").exit_code == 1
    assert (tmp_path / "full" / "mine.txt").read_text() == "precious"
    assert not (tmp_path / "out").exists()

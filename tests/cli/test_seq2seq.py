"""`xlt train --task seq2seq`, and the commands that take its model."""

import json
from pathlib import Path

import pytest
import spacy
import srsly

pytest.importorskip("transformers")
pytest.importorskip("sentencepiece")
pytest.importorskip("sacrebleu")
pytest.importorskip("ctranslate2")

from tests.cli.running import fail, succeed
from tests.translators import tiny

ROWS = [
    {"text": "Wo ist mein Paket?", "target": "Where is my order?"},
    {"text": "Meine Bestellung", "target": "My order"},
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    srsly.write_jsonl(tmp_path / "pairs.jsonl", ROWS)
    return tmp_path / "pairs.jsonl"


def test_train_evaluate_export_and_translate(data: Path, tmp_path: Path) -> None:
    folder, model, fast = tiny.make_tiny_marian(tmp_path / "marian"), tmp_path / "model", tmp_path / "fast"
    options = ["--target-language", "en", "--epochs", 1, "--dev", data, "--stop-on", "exact"]
    printed = succeed("train", data, model, "--task", "seq2seq", "--encoder", folder, *options)
    assert "exact on the development data" in printed and str(model) in printed
    assert spacy.load(model).pipe_names == ["xlt_seq2seq"]
    printed = succeed("evaluate", model, data, "--output", tmp_path / "metrics.json")
    assert "chrF" in printed and json.loads((tmp_path / "metrics.json").read_text())["n"] == 2
    assert "CTranslate2" in succeed("export", model, fast, "--preset", "balanced")
    texts = tmp_path / "texts.txt"
    texts.write_text("Wo ist mein Paket?\n")
    for each in (model, fast):
        options = ["--language", "de", "--unlabeled", "--to", "en", "--translator", each]
        succeed("translate", texts, *options, "--output", tmp_path / "out.jsonl")
        (row,) = srsly.read_jsonl(tmp_path / "out.jsonl")
        assert row["original"] == "Wo ist mein Paket?" and row["text"]


def test_errors_are_one_line(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    assert "--encoder" in fail("train", data, out, "--task", "seq2seq")
    assert "sing" in fail("train", data, out, "--task", "sing")
    assert "sing" in fail("train", data, out, "--task", "seq2seq", "--encoder", tmp_path, "--seq2seq-task", "sing")

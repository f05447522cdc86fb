"""`xlt transfer self-train`, `distill` and `mlm`."""

from pathlib import Path
from typing import Any

import pytest
import spacy

pytest.importorskip("transformers")

from tests.cli.running import fail, succeed
from tests.encoders import tiny
from tests.records import make_records


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "de.txt"
    path.write_text("\n".join(record.text for record in make_records(16, seed=5)))
    return path


def test_self_train(model: Path, texts: Path, data: Path, tmp_path: Path) -> None:
    options = ["--texts", texts, "--language", "de", "--source-texts", data, "--rounds", 2]
    output = succeed("transfer", "self-train", model, tmp_path / "out", *options)
    assert output == f"✔ {tmp_path}/out: self-train. Not compared: there are no dev texts.\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    (noted,) = spacy.load(tmp_path / "out").meta["xlt_transfer"]
    assert noted["chosen"]["languages"] == ["de"] and noted["data"]["source"]["texts"] == 24


def test_distill(model: Path, texts: Path, data: Path, tmp_path: Path) -> None:
    lines = texts.read_text().splitlines()
    (tmp_path / "en.txt").write_text("\n".join(lines[:4]) + "\n")
    (tmp_path / "sw.txt").write_text("a\nb\nc\nd\n")
    pairs = f"sw={tmp_path}/en.txt,{tmp_path}/sw.txt"
    options = ["--texts", texts, "--language", "de", "--pairs", pairs, "--layers", 1, "--teacher", model]
    succeed("transfer", "distill", model, tmp_path / "out", *options)
    (noted,) = spacy.load(tmp_path / "out").meta["xlt_transfer"]
    assert noted["chosen"]["layers"] == [0] and noted["chosen"]["languages"] == ["de", "sw"]
    assert noted["data"]["texts"]["texts"] == 20


def test_mlm(texts: Path, tmp_path: Path) -> None:
    raw = tiny.make_tiny_bert(tmp_path / "raw")
    output = succeed("transfer", "mlm", raw, tmp_path / "encoder", "--texts", texts, "--language", "de", "--epochs", 5)
    assert output.startswith(f"✔ {tmp_path}/encoder: loss on held-out texts ")
    assert (tmp_path / "encoder" / "xlt_encoder.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["self-train"], "There is no unlabelled text to learn from: give some with --texts."),
        (["self-train", "--method", "magic"], "--method is frozen or finetune, not 'magic'."),
        (["distill", "--layers", 1], "There is no text to learn from: give some with --texts, or --pairs."),
        (["few-shot"], "There is no labelled text of a target language: give some with --texts."),
    ],
)
def test_options_that_say_too_little(model: Path, tmp_path: Path, arguments: list[Any], message: str) -> None:
    method, *options = arguments
    assert fail("transfer", method, model, tmp_path / "out", *options) == message
    assert not (tmp_path / "out").exists()

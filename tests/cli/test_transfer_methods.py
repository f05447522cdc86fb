"""The commands `xlt transfer self-train`, `distill` and `mlm`."""

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
    assert output.startswith(f"✔ {tmp_path}/out: self-train") and "nothing was compared" in output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    (noted,) = spacy.load(tmp_path / "out").meta["xlt_transfer"]
    assert noted["settings"]["languages"] == ["de"] and noted["data"]["source"]["texts"] == 24


def test_distill(model: Path, texts: Path, data: Path, tmp_path: Path) -> None:
    lines = texts.read_text().splitlines()
    (tmp_path / "en.txt").write_text("\n".join(lines[:4]) + "\n")
    (tmp_path / "sw.txt").write_text("a\nb\nc\nd\n")
    pairs = f"sw={tmp_path}/en.txt,{tmp_path}/sw.txt"
    options = ["--texts", texts, "--language", "de", "--pairs", pairs, "--layers", 1, "--teacher", model, "--epochs", 1]
    succeed("transfer", "distill", model, tmp_path / "out", *options)
    (noted,) = spacy.load(tmp_path / "out").meta["xlt_transfer"]
    assert noted["settings"]["layers"] == [0] and noted["settings"]["languages"] == ["de", "sw"]
    assert noted["data"]["texts"]["texts"] == 20


def test_mlm(texts: Path, tmp_path: Path) -> None:
    raw = tiny.make_tiny_bert(tmp_path / "raw")
    output = succeed("transfer", "mlm", raw, tmp_path / "encoder", "--texts", texts, "--language", "de", "--epochs", 5)
    assert output.startswith(f"✔ {tmp_path}/encoder: ") and "loss" in output
    assert (tmp_path / "encoder" / "xlt_encoder.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["self-train"], "--texts"),
        (["self-train", "--method", "magic"], "'magic'"),
        (["distill", "--layers", 1], "--texts or --pairs"),
        (["few-shot"], "--texts"),
        (["mlm"], "--texts"),
    ],
)
def test_options_that_say_too_little(model: Path, tmp_path: Path, arguments: list[Any], fragment: str) -> None:
    method, *options = arguments
    assert fragment in fail("transfer", method, model, tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()

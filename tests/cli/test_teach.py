"""The command `xlt transfer teach`."""

from pathlib import Path
from typing import Any

import pytest
import spacy

pytest.importorskip("transformers")

from spacy_xlt.encoders.torch_encoder import TorchEncoder
from tests.cli.running import fail, succeed
from tests.records import make_records

SENTENCES = [record.text for record in make_records(40)]
PIG = [" ".join(word[1:] + word[0] + "ay" for word in text.split()) for text in SENTENCES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files that the command reads."""
    folder = tmp_path_factory.mktemp("files")
    lines = [f"{ours}\t{theirs}" for ours, theirs in zip(SENTENCES, PIG)]
    (folder / "sw.tsv").write_text("\n".join(lines))
    (folder / "en.txt").write_text("\n".join(SENTENCES))
    (folder / "sw.txt").write_text("\n".join(PIG))
    (folder / "words.tsv").write_text("parcel\tarcelpay\ninvoice\tinvoiceay\nnothing\n")
    return folder


def test_a_model(model: Path, data: Path, folder: Path, tmp_path: Path) -> None:
    options = ["--pairs", f"sw={folder / 'sw.tsv'}", "--dictionary", f"yo={folder / 'words.tsv'}", "--dev", data]
    options += ["--texts", folder / "en.txt", "--language", "en"]
    output = succeed("transfer", "teach", model, tmp_path / "out", *options)
    assert f"✔ {tmp_path}/out: teach was" in output and "sw (retrieval): " in output and "  en: " in output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    (noted,) = spacy.load(tmp_path / "out").meta["xlt_transfer"]
    assert noted["settings"]["languages"]["yo"] >= 2 and noted["data"]["dev"]["texts"] == 24
    assert noted["settings"]["rehearsal"] == {"en": len(SENTENCES)}


def test_an_encoder(tiny_bert: Path, folder: Path, data: Path, tmp_path: Path) -> None:
    pairs = f"sw={folder / 'en.txt'},{folder / 'sw.txt'}"
    succeed("transfer", "teach", tiny_bert, tmp_path / "out", "--pairs", pairs, "--learning-rate", 1e-3)
    old, new = TorchEncoder(), TorchEncoder()
    old.load(tiny_bert)
    new.load(tmp_path / "out")
    assert abs(old.encode(PIG) - new.encode(PIG)).max() > 1e-4
    succeed("train", data, tmp_path / "model", "--encoder", tmp_path / "out")
    succeed("init-encoder", tmp_path / "copy", "--name", tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "fragments"),
    [
        ([], ["--pairs or --dictionary"]),
        (["--pairs", "sw=no-such.tsv"], ["no-such.tsv"]),
        (["--pairs", "sw"], ["--pairs 'sw'"]),
        (["--dictionary", "en={folder}/sw.tsv"], ["'en'"]),
    ],
)
def test_errors(options: list[Any], fragments: list[str], model: Path, folder: Path, tmp_path: Path) -> None:
    options = [option.format(folder=folder) for option in options]
    message = fail("transfer", "teach", model, tmp_path / "out", *options)
    assert all(fragment in message for fragment in fragments)
    assert not (tmp_path / "out").exists()


def test_something_else_is_not_overwritten(model: Path, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert str(tmp_path) in fail("transfer", "teach", model, tmp_path, "--pairs", f"sw={folder / 'sw.tsv'}")
    assert (tmp_path / "notes.txt").read_text() == "mine"

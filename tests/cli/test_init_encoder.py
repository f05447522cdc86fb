"""`init-encoder` as a typer command."""

import os
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from spacy_xlt.cli.init_encoder import init_encoder_cli
from spacy_xlt.encoders.folder import EncoderSettings, check_folder
from spacy_xlt.errors import XltError

pytest.importorskip("transformers")

from tests.encoders.tiny import make_tiny_bert


def run(*arguments: Any) -> Result:
    app = typer.Typer()
    app.command("init-encoder")(init_encoder_cli)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bert(tmp_path_factory.mktemp("raw") / "bert")


def test_builds_says_where_and_how_and_does_not_build_twice(tmp_path: Path, bert: Path) -> None:
    out = tmp_path / "encoder"
    first = run(out, "--name", bert, "--pooling", "cls", "--prefix", "text: ")
    assert first.exit_code == 0, first.output
    assert f"Encoder written to {out} (0 MB" in first.output
    assert 'nlp.add_pipe("xlt_encoder")' in first.output and str(out) in first.output.splitlines()[-1]
    assert EncoderSettings.load(out) == EncoderSettings(pooling="cls", prefix="text: ", window=96, max_windows=3)

    second = run(out, "--name", bert)
    assert second.exit_code == 0 and "already has an encoder" in second.output and "--force" in second.output
    assert EncoderSettings.load(out).pooling == "cls"

    third = run(out, "--name", bert, "--force")
    assert third.exit_code == 0 and EncoderSettings.load(out).pooling == "mean"


def test_without_a_folder_it_goes_to_the_cache(tmp_path: Path, bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACY_XLT_HOME", str(tmp_path / "home"))
    result = run("--name", bert)
    assert result.exit_code == 0, result.output
    assert check_folder(tmp_path / "home" / "encoder")
    assert result.output.splitlines()[-1] == 'Use it with: nlp.add_pipe("xlt_encoder"); nlp.initialize()'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pooling", "cls"], "--name"),
        (["--name", "x", "--pooling", "max"], "not max"),
        (["--name", "./tests"], "missing: config.json"),
    ],
)
def test_mistakes(tmp_path: Path, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tests").mkdir()
    monkeypatch.chdir(tmp_path)
    result = run("out", *arguments)
    assert isinstance(result.exception, XltError) and message in str(result.exception)
    assert os.listdir(tmp_path) == ["tests"]


def test_a_broken_encoder_is_built_anew(tmp_path: Path, bert: Path) -> None:
    run(tmp_path / "out", "--name", bert)
    (tmp_path / "out" / "tokenizer.json").unlink()
    result = run(tmp_path / "out", "--name", bert)
    assert result.exit_code == 0, result.output
    assert check_folder(tmp_path / "out")

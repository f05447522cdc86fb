"""project.yml and README.md: the workflow runs, and what README shows is what happens."""

import json
import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from spacy.cli import app
from spacy.cli.project.run import project_run
from typer.testing import CliRunner
from weasel.cli.document import project_document

from tests.cli.running import succeed
from tests.encoders import tiny
from tests.records import make_records, write_csv

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = srsly.read_yaml(ROOT / "project.yml")
README = (ROOT / "README.md").read_text(encoding="utf8")
COMMANDS = {command["name"]: command for command in PROJECT["commands"]}
# Enough to run everything; the figures do not matter here.
ROWS = 16
GERMAN = (("Wo bleibt mein Paket?", "delivery"), ("Die Rechnung ist falsch.", "billing"))


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def shell_commands() -> list[list[str]]:
    lines = [line for block in code_blocks("bash") for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines]


def xlt_commands() -> list[list[str]]:
    return [command[3:] for command in shell_commands() if command[:3] == ["python", "-m", "spacy"]]


@pytest.fixture(scope="module")
def project(default_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with less to classify, in which `spacy project run all` has run."""
    root = tmp_path_factory.mktemp("project")
    for name in ("project.yml", "configs"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile)(ROOT / name, root / name)
    for path in (ROOT / "corpus" / "tickets").rglob("*.jsonl"):
        copy = root / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf8").splitlines(keepends=True)
        copy.write_text("".join(lines if path.stem in ("train", "dev") else lines[:ROWS]), encoding="utf8")
    project_run(root, "all")
    for lang, word in (("en", "dog"), ("de", "Hund")):
        nlp = spacy.blank(lang)
        nlp.vocab.set_vector(word, np.ones(4, dtype="f"))
        nlp.to_disk(root / f"vectors_{lang}")
    return root


def test_the_workflow_makes_what_it_promises(project: Path) -> None:
    for name in PROJECT["workflows"]["all"]:
        for output in COMMANDS[name].get("outputs", []):
            assert (project / output).exists(), output
    metrics = json.loads((project / "metrics" / "tickets.json").read_text(encoding="utf8"))
    languages = {path.stem for path in (ROOT / "corpus" / "tickets" / "test").iterdir()}
    assert set(metrics["languages"]) == set(metrics["before_projection"]["languages"]) == languages
    assert {"n", "accuracy", "macro_f1", "ci95", "gap", "langid_accuracy"} <= set(metrics["languages"]["sw"])
    assert metrics["mean"]["languages"] == len(languages) - 1
    # Far more than chance (1/8) even on so few texts: training, transfer and evaluation went together.
    assert metrics["mean"]["accuracy"] > 0.5


def test_a_second_run_skips_every_step(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = (project / "training" / "tickets" / "transfer" / "meta.json").stat().st_mtime_ns
    project_run(project, "all")
    output = capfd.readouterr().out
    assert output.count("Skipping") == len(PROJECT["workflows"]["all"]) - 1  # prepare has no output in the project
    assert (project / "training" / "tickets" / "transfer" / "meta.json").stat().st_mtime_ns == before


def test_a_masked_language_model_reads_the_tickets_first(project: Path) -> None:
    """The step, which no workflow has since its model is large, with a tiny one."""
    tiny.make_tiny_bert(project / "assets" / "masked-model")
    project_run(project, "mlm-tickets")
    for output in COMMANDS["mlm-tickets"]["outputs"]:
        assert (project / output).exists(), output


@pytest.mark.parametrize("block", code_blocks("python"))
def test_readme_python_blocks(
    block: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They run, and print what a comment behind `print` says."""
    monkeypatch.chdir(project)
    exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    promised = [
        line.rpartition("  # ")[2] if "  # " in line else None for line in block.splitlines() if "print(" in line
    ]
    assert len(printed) == len(promised)
    assert [line for line, promise in zip(printed, promised) if promise] == [promise for promise in promised if promise]


def test_readme_shell_blocks(
    default_encoder: Path, tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order in which README shows them, on a few records; `make` and `pip` are left to their own tests."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    write_csv(make_records(40), tmp_path / "tickets.csv")
    write_csv(make_records(8, seed=1), tmp_path / "dev.csv")
    lines = [f"{text} Nummer {i}\n" for i in range(6) for text, _ in GERMAN]
    (tmp_path / "german.txt").write_text("".join(lines), encoding="utf8")
    srsly.write_jsonl(tmp_path / "german.jsonl", [{"text": "Wo ist mein Paket?", "label": "delivery", "lang": "de"}])
    few = [{"text": f"{text} {i}", "label": label, "lang": "de"} for i in range(2) for text, label in GERMAN]
    srsly.write_jsonl(tmp_path / "few.jsonl", few)
    for name in ("news.en.txt", "news.de.txt"):
        (tmp_path / name).write_text("".join(f"{name} {i}\n" for i in range(8)), encoding="utf8")
    words = range(40)
    (tmp_path / "en-de.txt").write_text("".join(f"word{i} wort{i}\n" for i in words), encoding="utf8")
    rows = np.random.default_rng(0).normal(size=(len(words), 4))
    for name, stem in (("wiki.en.vec", "word"), ("wiki.de.vec", "wort")):
        lines = [f"{stem}{i} {' '.join(map(str, rows[i].round(3)))}\n" for i in words]
        (tmp_path / name).write_text(f"{len(words)} 4\n" + "".join(lines), encoding="utf8")
    commands = xlt_commands()
    assert len(commands) >= 9
    for command in commands:
        if "--method" in command:
            continue  # minutes with the real encoder; tests/transfer/test_train.py fine-tunes tiny ones
        if command[0] == "xlt":
            succeed(*command[1:])
        else:
            result = CliRunner().invoke(app, command)
            assert result.exit_code == 0, result.output
    assert (tmp_path / "training" / "frozen" / "model-best").is_dir()


def test_readme_names_no_command_that_does_not_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf8")
    for command in shell_commands():
        if command[0] == "make":
            assert re.search(rf"^{command[1]}:", makefile, flags=re.MULTILINE), command
        else:
            assert command[:2] in (["python", "-m"], ["pip", "install"]), command


def test_readme_documents_the_project_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "README.md"
    copy.write_text(README, encoding="utf8")
    project_document(ROOT, copy)
    assert copy.read_text(encoding="utf8") == README, "run: python -m spacy project document --output README.md"


@pytest.mark.parametrize(
    "name", ["zero_shot", "encode", "langdetect", "langdetect_200", "speed", "batch", "transfer", "align"]
)
def test_readme_figures_are_those_of_the_benchmarks(name: str) -> None:
    shown = re.search(rf"<!-- {name}: .*? -->\n(.*?)<!-- {name}: end -->", README, flags=re.DOTALL)
    results = (ROOT / "benchmarks" / "results" / f"{name}.md").read_text(encoding="utf8")
    assert shown and shown[1].strip() and shown[1].strip() in results


def test_steps_depend_only_on_what_is_there_before_them() -> None:
    made: set[str] = set()
    for workflow in [*PROJECT["workflows"].values(), ["align"]]:  # `align` takes what `sib200` made
        for name in workflow:
            for dependency in COMMANDS[name].get("deps", []):
                assert dependency in made or (ROOT / dependency).exists(), f"{name}: {dependency}"
            made.update(COMMANDS[name].get("outputs", []))


def test_assets_are_pinned() -> None:
    for asset in PROJECT["assets"]:
        assert re.search(r"/[0-9a-f]{40}/", asset["url"]) and re.fullmatch(r"[0-9a-f]{32}", asset["checksum"])
        assert asset["dest"].startswith("assets/") and not os.path.isabs(asset["dest"])
    assert len({asset["dest"] for asset in PROJECT["assets"]}) == len(PROJECT["assets"])

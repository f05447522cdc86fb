"""project.yml: its workflow runs, and its steps fit together."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import srsly
from spacy.cli.project.run import project_run
from weasel.cli.document import project_document

from tests.encoders import tiny

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = srsly.read_yaml(ROOT / "project.yml")
COMMANDS = {command["name"]: command for command in PROJECT["commands"]}
# Texts of each file: enough to run everything. The tickets come in no order of labels.
ROWS, TRAINING_ROWS = 16, 120


@pytest.fixture(scope="module")
def project(default_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with fewer texts, in which `spacy project run all` has run."""
    root = tmp_path_factory.mktemp("project")
    for name in ("project.yml", "configs"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile)(ROOT / name, root / name)
    for path in (ROOT / "corpus" / "tickets").rglob("*.jsonl"):
        copy = root / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf8").splitlines(keepends=True)
        copy.write_text("".join(lines[: TRAINING_ROWS if path.stem in ("train", "dev") else ROWS]), encoding="utf8")
    project_run(root, "all")
    return root


def test_the_workflow_writes_its_outputs(project: Path) -> None:
    for name in PROJECT["workflows"]["all"]:
        for output in COMMANDS[name].get("outputs", []):
            assert (project / output).exists(), output
    metrics = json.loads((project / "metrics" / "tickets.json").read_text(encoding="utf8"))
    languages = {path.stem for path in (ROOT / "corpus" / "tickets" / "test").iterdir()}
    assert set(metrics["languages"]) == set(metrics["before_projection"]["languages"]) == languages
    assert {"n", "accuracy", "macro_f1", "ci95", "gap", "langid_accuracy"} <= set(metrics["languages"]["sw"])
    assert metrics["mean"]["languages"] == len(languages) - 1
    # Chance is 1/8. A higher accuracy shows that training, projection and evaluation work together.
    assert metrics["mean"]["accuracy"] > 0.5


def test_a_second_run_skips_every_step(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = (project / "training" / "tickets" / "transfer" / "meta.json").stat().st_mtime_ns
    project_run(project, "all")
    output = capfd.readouterr().out
    assert output.count("Skipping") == len(PROJECT["workflows"]["all"]) - 1  # `prepare` has no output in the project
    assert (project / "training" / "tickets" / "transfer" / "meta.json").stat().st_mtime_ns == before


def test_pretraining_on_the_tickets_runs(project: Path) -> None:
    """No workflow has this step, because its model is large. The test takes a tiny one."""
    tiny.make_tiny_bert(project / "assets" / "masked-model")
    project_run(project, "mlm-tickets")
    for output in COMMANDS["mlm-tickets"]["outputs"]:
        assert (project / output).exists(), output


def test_the_project_is_documented_as_it_is(tmp_path: Path) -> None:
    page = ROOT / "docs" / "project.md"
    copy = tmp_path / "project.md"
    shutil.copyfile(page, copy)
    project_document(ROOT, copy)
    hint = "Run: python -m spacy project document --output docs/project.md"
    assert copy.read_text(encoding="utf8") == page.read_text(encoding="utf8"), hint


def test_each_dependency_exists_or_is_an_earlier_output() -> None:
    made: set[str] = set()
    for workflow in [*PROJECT["workflows"].values(), ["align"]]:  # `align` needs the outputs of `sib200`
        for name in workflow:
            for dependency in COMMANDS[name].get("deps", []):
                assert dependency in made or (ROOT / dependency).exists(), f"{name}: {dependency}"
            made.update(COMMANDS[name].get("outputs", []))


def test_assets_are_pinned() -> None:
    for asset in PROJECT["assets"]:
        assert re.search(r"/[0-9a-f]{40}/", asset["url"]) and re.fullmatch(r"[0-9a-f]{32}", asset["checksum"])
        assert asset["dest"].startswith("assets/") and not os.path.isabs(asset["dest"])
    assert len({asset["dest"] for asset in PROJECT["assets"]}) == len(PROJECT["assets"])

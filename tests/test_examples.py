"""examples/quickstart.ipynb: it runs, uses public names only, and has no output in the repository."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

import spacy_xlt

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

ROOT = Path(__file__).parent.parent
# Test tickets of each language: enough to run everything.
ROWS = 8


@pytest.fixture(scope="module")
def notebook() -> Any:
    return nbformat.read(ROOT / "examples" / "quickstart.ipynb", as_version=4)


@pytest.fixture(scope="module")
def tickets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tickets, with fewer of them to classify."""
    folder = tmp_path_factory.mktemp("tickets")
    for path in (ROOT / "corpus" / "tickets").rglob("*.jsonl"):
        copy = folder / path.relative_to(ROOT / "corpus" / "tickets")
        copy.parent.mkdir(exist_ok=True)
        lines = path.read_text(encoding="utf8").splitlines(keepends=True)
        copy.write_text("".join(lines[:ROWS] if path.parent.name == "test" else lines), encoding="utf8")
    return folder


def test_the_notebook_runs_and_ends_with_a_report(
    notebook: Any, tickets: Path, default_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKETS", str(tickets))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # The notebook works in a temporary folder.
    executed = nbclient.execute(deepcopy(notebook), cwd=str(tmp_path), timeout=300)
    (folder,) = [path.parent for path in tmp_path.rglob("report.html")]
    assert (folder / "model" / "meta.json").is_file() and (folder / "model-int8" / "meta.json").is_file()
    table, report = [cell["outputs"] for cell in executed.cells if cell.cell_type == "code"][-2:]
    assert "Swahili" in str(table)  # rich shows it as text or as HTML.
    assert any("<table" in output["data"].get("text/html", "") for output in report if "data" in output)


def test_the_notebook_uses_public_names_only(notebook: Any) -> None:
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    names = set(re.findall(r"\bxlt\.(\w+)", code))
    assert {"train", "project", "few_shot", "evaluate", "save", "export", "Classifier"} <= names
    assert names <= set(spacy_xlt.__all__)
    assert re.findall(r"spacy_xlt\b(?! as xlt)", code) == []


def test_no_output_is_committed(notebook: Any) -> None:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)

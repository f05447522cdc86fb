"""The notebooks in examples/: they run, use public names only, and have no output in the repository."""

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


NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpora, with fewer tickets to classify."""
    folder = tmp_path_factory.mktemp("corpus")
    for name in ("tickets", "faq"):
        for path in (ROOT / "corpus" / name).rglob("*.jsonl"):
            copy = folder / path.relative_to(ROOT / "corpus")
            copy.parent.mkdir(parents=True, exist_ok=True)
            lines = path.read_text(encoding="utf8").splitlines(keepends=True)
            few = name == "tickets" and path.parent.name == "test"
            copy.write_text("".join(lines[:ROWS] if few else lines), encoding="utf8")
    return folder


def run(path: Path, corpus: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Execute a notebook in a temporary folder, and return it with its outputs."""
    monkeypatch.setenv("CORPUS", str(corpus))
    monkeypatch.setenv("TICKETS", str(corpus / "tickets"))
    monkeypatch.setenv("TMPDIR", str(folder))
    return nbclient.execute(deepcopy(read(path)), cwd=str(folder), timeout=300)


def outputs_of(executed: Any) -> list[str]:
    return [str(cell["outputs"]) for cell in executed.cells if cell.cell_type == "code"]


def test_quickstart_ends_with_a_report(
    corpus: Path, default_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed = run(ROOT / "examples" / "quickstart.ipynb", corpus, tmp_path, monkeypatch)
    (folder,) = [path.parent for path in tmp_path.rglob("report.html")]
    assert (folder / "model" / "meta.json").is_file() and (folder / "model-int8" / "meta.json").is_file()
    table, report = [cell["outputs"] for cell in executed.cells if cell.cell_type == "code"][-2:]
    assert "Swahili" in str(table)  # rich shows it as text or as HTML.
    assert any("<table" in output["data"].get("text/html", "") for output in report if "data" in output)
    names = public_names(read(ROOT / "examples" / "quickstart.ipynb"))
    assert {"train", "project", "few_shot", "evaluate", "save", "export", "Classifier"} <= names


def test_without_labels_classifies_and_answers(
    corpus: Path, default_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed = run(ROOT / "examples" / "without_labels.ipynb", corpus, tmp_path, monkeypatch)
    *_, label, table, review, reply = outputs_of(executed)
    assert "delivery" in label and "Swahili" in table and "checked" in review and "4,90" in reply


def test_entities_are_found_in_other_languages(
    corpus: Path, default_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed = run(ROOT / "examples" / "entities.ipynb", corpus, tmp_path, monkeypatch)
    *_, german, chinese, report, exported = outputs_of(executed)
    assert "('Marie Curie', 'PER')" in german and "('Hamburg', 'LOC')" in german
    assert "LOC" in chinese and "German" in report and "xlt_ner" in exported


def public_names(notebook: Any) -> set[str]:
    return set(re.findall(r"\bxlt\.(\w+)", code_of(notebook)))


def code_of(notebook: Any) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


@every_notebook
def test_a_notebook_uses_public_names_only(path: Path) -> None:
    notebook = read(path)
    assert public_names(notebook) <= set(spacy_xlt.__all__)
    assert re.findall(r"spacy_xlt\b(?! as xlt)", code_of(notebook)) == []


@every_notebook
def test_no_output_is_committed(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)

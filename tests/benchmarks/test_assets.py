"""benchmarks/assets.py in a small project of its own."""

import os
import shutil
import subprocess
import sys
from hashlib import md5
from pathlib import Path

import pytest
import srsly

from tests.benchmarks.conftest import BENCHMARKS

CONTENT = {
    "sib200/eng_Latn/dev.tsv": "index_id\tcategory\ttext\n",
    "ntrex/deu.txt": "Wohl wahr.\n",
}
DESTS = {"sib200/eng_Latn/dev.tsv": "assets/sib200/dev/eng_Latn/dev.tsv", "ntrex/deu.txt": "assets/ntrex/deu.txt"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("assets.py", "common.py"):
        (tmp_path / "benchmarks").mkdir(exist_ok=True)
        shutil.copyfile(BENCHMARKS / name, tmp_path / "benchmarks" / name)
    assets = []
    for name, text in CONTENT.items():
        file = tmp_path / "data" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf8")
        assets.append({"dest": DESTS[name], "checksum": md5(text.encode()).hexdigest()})
    srsly.write_yaml(tmp_path / "project.yml", {"assets": assets})
    return tmp_path


def put(project: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(project / "benchmarks" / "assets.py")],
        env={**os.environ, "SPACY_XLT_DATA": str(project / "data")},
        capture_output=True,
        text=True,
    )


def test_files_are_copied_to_where_the_project_wants_them(project: Path) -> None:
    assert put(project).returncode == 0
    for name, dest in DESTS.items():
        assert (project / dest).read_text(encoding="utf8") == CONTENT[name]


def test_what_was_downloaded_is_left_as_it_is(project: Path) -> None:
    put(project)
    shutil.rmtree(project / "data")
    assert put(project).returncode == 0


@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_a_missing_or_altered_file_is_named_with_the_mend(project: Path, damage: str) -> None:
    file = project / "data" / "ntrex" / "deu.txt"
    file.unlink() if damage == "missing" else file.write_text("Anders.\n", encoding="utf8")
    result = put(project)
    assert result.returncode == 1
    assert (
        result.stderr == "✘ assets/ntrex/deu.txt is missing or altered. Download it: python -m spacy project assets\n"
    )
    assert not (project / "assets" / "ntrex").exists()

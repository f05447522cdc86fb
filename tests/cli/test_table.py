"""`xlt table`."""

import json
from pathlib import Path

from tests.cli.running import fail, succeed
from tests.evaluation.documents import document


def test_a_table_of_each_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.json").write_text(json.dumps(document(model=f"training/{name}")))
    output = succeed("table", tmp_path / "one.json", tmp_path / "two.json")
    assert output.index("training/one, 312 documents") < output.index("training/two, 312 documents")
    assert output.count("Swahili (sw)") == 2


def test_a_file_that_is_missing_or_something_else(tmp_path: Path) -> None:
    assert str(tmp_path / "no.json") in fail("table", tmp_path / "no.json")
    (tmp_path / "a.json").write_text('{"model": "m"}')
    line = fail("table", tmp_path / "a.json")
    assert "a.json" in line and "'data'" in line

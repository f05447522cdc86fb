"""What benchmarks share, and that the ones of the alignment run, at small sizes."""

import json
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def common(importable_benchmarks: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    import common

    monkeypatch.setattr(common, "RESULTS", tmp_path / "results")
    return common


def test_the_machine_is_described(common: ModuleType) -> None:
    machine = common.machine()
    assert machine["numpy"] == version("numpy")
    assert machine["cores"] >= machine["threads"] >= 1
    assert set(machine["flags"]) == {"avx2", "avx512", "vnni"}
    assert machine["date"] in common.machine_line(machine)
    json.dumps(machine)


def test_results_name_the_machine(common: ModuleType) -> None:
    common.write_results("some", {"rows": [1]}, "# Some\n\n")
    document = json.loads((common.RESULTS / "some.json").read_text(encoding="utf8"))
    assert document["rows"] == [1]
    assert document["machine"]["numpy"] == version("numpy")
    markdown = (common.RESULTS / "some.md").read_text(encoding="utf8")
    assert markdown == f"# Some\n\n{common.machine_line(document['machine'])}\n"


def test_results_of_another_machine_keep_it(common: ModuleType) -> None:
    elsewhere = {**common.machine(), "cpu": "An abacus"}
    common.write_results("some", {"machine": elsewhere}, "")
    assert "An abacus" in (common.RESULTS / "some.md").read_text(encoding="utf8")


def test_unknown_packages_and_platforms_do_not_matter(common: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "PACKAGES", ("numpy", "no-such-package"))
    monkeypatch.setattr(common, "_cpu_info", dict)
    machine = common.machine()
    assert machine["no-such-package"] is None
    assert "no vector flags known" in common.machine_line(machine)


@pytest.mark.parametrize("kind", ["random", "clustered"])
def test_the_benchmark_of_retrieval_runs(common: ModuleType, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import retrieval

    monkeypatch.setattr(retrieval, "SGEMM_SECONDS", 0.01)
    row = retrieval.measure(kind, 300, 8)
    assert row["ratio"] > 0
    assert row["peak_mb"] > 0
    assert f"| {kind} | 300 | 8 |" in retrieval.table([row])

"""`xlt compare`."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.running import fail, run, succeed
from tests.evaluation.test_compare import draw, flip, report


@pytest.fixture
def files(tmp_path: Path) -> Path:
    hits = draw(0.85, seed=0)
    report(hits, "old").to_json(tmp_path / "old.json")
    report(flip(hits, "sw", 25), "new").to_json(tmp_path / "worse.json")
    chance = np.random.default_rng(1)
    shuffled = {code: chance.permutation(each) for code, each in hits.items()}
    report(shuffled, "new").to_json(tmp_path / "equal.json")
    return tmp_path


def test_a_worse_model_exits_with_1_if_asked_and_an_equal_one_does_not(files: Path) -> None:
    old, worse, equal = (files / f"{name}.json" for name in ("old", "worse", "equal"))
    assert "worse" in succeed("compare", old, worse, "-o", files / "out.json")
    assert json.loads((files / "out.json").read_text())["languages"]["sw"]["verdict"] == "worse"
    result = run("compare", old, worse, "--fail-on-regression")
    assert result.exit_code == 1 and "worse" in result.stdout
    assert run("compare", old, equal, "--fail-on-regression").exit_code == 0
    assert run("compare", worse, old, "--fail-on-regression").exit_code == 0


def test_model_folders_are_evaluated(model: Path, data: Path, tmp_path: Path) -> None:
    output = succeed("compare", model, model, "--data", data, "-o", tmp_path / "out.json")
    assert "English (en)" in output
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["a"] == str(model) and found["overall"]["difference"] == 0.0
    assert "--data" in fail("compare", model, model)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    assert str(tmp_path / "a.json") in fail("compare", tmp_path / "a.json", tmp_path / "b.json")

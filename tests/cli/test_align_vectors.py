"""`xlt align-vectors`, from files of vectors to words compared across two pipelines."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli._util import app as spacy_app
from typer.testing import CliRunner

from spacy_xlt.data.word_vectors import read_vectors
from tests.cli.running import fail, run, succeed
from tests.data.languages import Languages, N, make_languages


@pytest.fixture
def two(tmp_path: Path) -> Languages:
    return make_languages(tmp_path)


def init_vectors(language: str, vectors: Path, folder: Path) -> spacy.Language:
    """`python -m spacy init vectors`, in this process."""
    result = CliRunner().invoke(spacy_app, ["init", "vectors", language, str(vectors), str(folder)])
    assert result.exit_code == 0, result.output
    return spacy.load(folder)


def test_words_of_two_pipelines_can_be_compared(two: Languages, tmp_path: Path) -> None:
    """The README's example."""
    out = tmp_path / "de.aligned.vec"
    output = succeed("align-vectors", two.english, two.german, out, "--dictionary", two.dictionary)
    assert f"✔ {out}: {N} words." in output and f"python -m spacy init vectors LANG {out} FOLDER\n" in output
    nlp_en = init_vectors("en", two.english, tmp_path / "nlp_en")
    nlp_de = init_vectors("de", out, tmp_path / "nlp_de")
    assert nlp_de("Hund").similarity(nlp_en("dog")) > 0.99
    others = [nlp_de("Hund").similarity(nlp_en(f"en{i}")) for i in range(1, N)]
    assert max(others) < 0.97
    before = init_vectors("de", two.german, tmp_path / "nlp_before")
    assert abs(before("Hund").similarity(nlp_en("dog"))) < 0.9


def test_the_figures_on_the_terminal_and_as_json(two: Languages, tmp_path: Path) -> None:
    out = tmp_path / "new" / "de.vec"
    output = succeed("align-vectors", two.english, two.german, out, "--dictionary", two.dictionary)
    assert sorted(os.listdir(tmp_path / "new")) == ["de.vec", "de.vec.json"]
    figures = json.loads((tmp_path / "new" / "de.vec.json").read_text())
    assert figures["evaluation"]["csls"]["p@1"] == 1.0
    shown = " ".join(output.split())
    assert f"{figures['evaluation']['words']} held-out words of {two.dictionary}" in shown
    assert "CSLS 100.0 100.0 100.0 100.0" in shown and "Mean CSLS" in shown and "Hubness" in shown


@pytest.mark.parametrize("name", ["Ridge", "ridgetoidentity", "spacy-xlt.Procrustes.v1"])
def test_another_aligner(two: Languages, tmp_path: Path, name: str) -> None:
    options = ["--dictionary", two.dictionary, "--aligner", name]
    succeed("align-vectors", two.english, two.german, tmp_path / "out.vec", *options)
    figures = json.loads((tmp_path / "out.vec.json").read_text())
    assert figures["aligner"].lower() in name.lower()


def test_a_second_dictionary_and_so_many_vectors(two: Languages, tmp_path: Path) -> None:
    (tmp_path / "test.dict").write_text("hund @ dog\n")
    options = ["--dictionary", two.dictionary, "--evaluate-on", tmp_path / "test.dict", "--max-vectors", 50]
    succeed("align-vectors", two.english, two.german, tmp_path / "out.vec", *options)
    figures = json.loads((tmp_path / "out.vec.json").read_text())
    assert figures["evaluation"]["pairs"] == 1 and figures["target"]["vectors"] == 50
    assert len(read_vectors(tmp_path / "out.vec", 999).row_of) == N


def test_without_a_dictionary(two: Languages, tmp_path: Path) -> None:
    options = ["--unsupervised", "--aligner", "AnchoredCentering"]
    output = succeed("align-vectors", two.english, two.german, tmp_path / "out.vec", *options)
    assert "no dictionary to evaluate on" in output and "Mean CSLS" in output
    assert "Ridge" in fail(
        "align-vectors", two.english, two.german, tmp_path / "out.vec", "--unsupervised", "--aligner", "Ridge"
    )


def test_without_a_dictionary_self_learning_is_the_default(tmp_path: Path) -> None:
    two = make_languages(tmp_path, n=600)
    options = ["--unsupervised", "--evaluate-on", two.dictionary]
    succeed("align-vectors", two.english, two.german, tmp_path / "out.vec", *options)
    figures = json.loads((tmp_path / "out.vec.json").read_text())
    assert figures["aligner"] == "SelfLearning" and figures["report"]["failed"] is False
    assert figures["evaluation"]["csls"]["p@1"] > 0.95


def test_without_a_dictionary_too_few_words_are_a_failure_that_is_said(two: Languages, tmp_path: Path) -> None:
    line = fail("align-vectors", two.english, two.german, tmp_path / "out.vec", "--unsupervised")
    assert line.startswith(f"SelfLearning: the alignment of '{two.german}' has FAILED (")
    assert not (tmp_path / "out.vec").exists() and not (tmp_path / "out.vec.json").exists()


def test_lines_left_out_are_reported_and_strict_exits_with_1(two: Languages, tmp_path: Path) -> None:
    with two.german.open("a") as file:
        file.write("broken 1 2\nNew York 1 2\n")
    with two.dictionary.open("a") as file:
        file.write("a b c\n")
    arguments: list[Any] = ["align-vectors", two.english, two.german, tmp_path / "out.vec"]
    arguments += ["--dictionary", two.dictionary]
    result = run(*arguments)
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        f"⚠ 2 lines of {two.german} left out (first: {two.german}:{N + 2}: 2 numbers where 6 belong)",
        f"⚠ 1 lines of {two.dictionary} left out (first: {two.dictionary}:{N + 1}: not a pair of words (a b c))",
    ]
    assert run(*arguments, "--strict").exit_code == 1
    assert (tmp_path / "out.vec").exists()


# What cannot be done


def test_either_a_dictionary_or_none(two: Languages, tmp_path: Path) -> None:
    arguments = ["align-vectors", two.english, two.german, tmp_path / "out.vec"]
    for line in (fail(*arguments), fail(*arguments, "--dictionary", two.dictionary, "--unsupervised")):
        assert "--dictionary" in line and "--unsupervised" in line


def test_an_unknown_aligner(two: Languages, tmp_path: Path) -> None:
    arguments = ["align-vectors", two.english, two.german, tmp_path / "out.vec", "--dictionary", two.dictionary]
    line = fail(*arguments, "--aligner", "magic")
    assert "'magic'" in line and "spacy-xlt.Procrustes.v1" in line


def test_what_is_missing_or_wrong_is_one_sentence(two: Languages, tmp_path: Path) -> None:
    out, no = tmp_path / "out.vec", tmp_path / "no.vec"
    for arguments in ([no, two.german], [two.english, no]):
        assert fail("align-vectors", *arguments, out, "--dictionary", two.dictionary).startswith(f"{no} does not exist")
    assert fail("align-vectors", two.english, two.german, out, "--dictionary", no).startswith(f"{no} does not exist")
    (tmp_path / "fr.txt").write_text("chien dog\n")
    line = fail("align-vectors", two.english, two.german, out, "--dictionary", tmp_path / "fr.txt")
    assert line.startswith(f"{tmp_path}/fr.txt ") and " fit " in line
    assert not out.exists()


def test_ctrl_c_leaves_the_files_of_the_last_run(
    two: Languages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["align-vectors", two.english, two.german, tmp_path / "out.vec", "--dictionary", two.dictionary]
    succeed(*arguments)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def stop(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("spacy_xlt.transfer.align_vectors._mapped", stop)
    assert run(*arguments).exit_code != 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

"""`xlt evaluate-alignment`."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("transformers")

from spacy_xlt.data.dictionaries import is_held_out
from tests.cli.damage import DAMAGES, copy_damaged
from tests.cli.running import fail, run, succeed
from tests.encoders.tiny import LINES
from tests.records import make_records, write_csv

ENGLISH = [line for line in LINES if line.isascii()][:5]
GERMAN = ["Meine Bestellung", "Wie kann ich das Passwort ändern?", "Konto", "angekommen", "noch nicht"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("alignment")
    contents = {
        "en.txt": "\n".join(ENGLISH),
        "de.txt": "\n".join(GERMAN),
        "a.eng": "\n".join(ENGLISH),
        "a.deu": "\n".join(GERMAN),
        "en-de.dict": "".join(f"wort{i} @ word{i}\n" for i in range(30)),
    }
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf8")
    return {name: folder / name for name in contents}


def options(files: dict[str, Path]) -> list[Any]:
    pair = f"deu={files['a.eng']},{files['a.deu']}"
    texts = ["--texts", f"en={files['en.txt']}", "--texts", f"de={files['de.txt']}"]
    return ["--dictionary", f"de={files['en-de.dict']}", "--pairs", pair, *texts]


def test_figures_on_the_terminal_and_as_json(model: Path, files: dict[str, Path], tmp_path: Path) -> None:
    output = succeed("evaluate-alignment", model, *options(files), "-o", tmp_path / "new" / "m.json")
    assert os.listdir(tmp_path / "new") == ["m.json"]
    for title in ("Translations of words", "Translations of sentences", "Texts"):
        assert f"{title}: {model}" in output
    assert output.count("German (de)") == len(re.findall("^ *Mean  ", output, re.MULTILINE)) == 3
    document = json.loads((tmp_path / "new" / "m.json").read_text())
    assert document["model"] == str(model) and document["source"] == "en"
    german = document["languages"]["de"]
    assert german["fitted"] is False and "not fitted on de," in output
    assert set(german["words"]) == {"before", "after"}
    assert german["words"]["before"]["words"] == sum(is_held_out(f"word{i}") for i in range(30))
    assert german["sentences"]["before"]["pairs"] == 5
    assert german["texts"]["before"]["chance"] == 0.5


def test_after_the_projection_was_fitted(model: Path, files: dict[str, Path], tmp_path: Path) -> None:
    succeed("transfer", "project", model, tmp_path / "de", "--language", "de", "--texts", files["de.txt"])
    pair = f"de={files['a.eng']},{files['a.deu']}"
    output = succeed("evaluate-alignment", tmp_path / "de", "--pairs", pair, "-o", tmp_path / "m.json")
    assert json.loads((tmp_path / "m.json").read_text())["languages"]["de"]["fitted"] is True
    assert "not fitted" not in output and "Before / after projection." in " ".join(output.split())


def test_an_encoder_folder_alone(tiny_bert: Path, files: dict[str, Path], tmp_path: Path) -> None:
    output = succeed("evaluate-alignment", tiny_bert, *options(files), "-o", tmp_path / "m.json")
    document = json.loads((tmp_path / "m.json").read_text())
    assert document["languages"]["de"]["fitted"] is None
    assert set(document["languages"]["de"]["texts"]) == {"before"} and "/ " not in output.replace("Before / after", "")


def test_another_source(tiny_bert: Path, files: dict[str, Path]) -> None:
    pair = f"en={files['a.deu']},{files['a.eng']}"
    assert "English (en)" in succeed("evaluate-alignment", tiny_bert, "--pairs", pair, "--source", "de")


def test_the_first_lines_of_each_file(tiny_bert: Path, files: dict[str, Path], tmp_path: Path) -> None:
    pair = f"de={files['a.eng']},{files['a.deu']}"
    succeed("evaluate-alignment", tiny_bert, "--pairs", pair, "--limit", 3, "-o", tmp_path / "m.json")
    document = json.loads((tmp_path / "m.json").read_text())
    assert document["languages"]["de"]["sentences"]["before"]["pairs"] == 3


def test_texts_may_be_labelled_records_too(tiny_bert: Path, tmp_path: Path) -> None:
    csv = {
        code: write_csv(make_records(6, code, seed), tmp_path / f"{code}.csv") for seed, code in enumerate(("en", "de"))
    }
    output = succeed("evaluate-alignment", tiny_bert, *[x for code in csv for x in ("--texts", f"{code}={csv[code]}")])
    assert "Texts: " in output


def test_bad_lines_are_reported_and_strict_exits_with_1(
    tiny_bert: Path, files: dict[str, Path], tmp_path: Path
) -> None:
    dictionary = tmp_path / "d.txt"
    dictionary.write_text(files["en-de.dict"].read_text() + "one two three\n")
    texts = tmp_path / "de.txt"
    texts.write_bytes(files["de.txt"].read_bytes() + b"\n\xff\n")
    arguments: list[Any] = [
        "evaluate-alignment",
        tiny_bert,
        "--dictionary",
        f"de={dictionary}",
        "-o",
        tmp_path / "m.json",
    ]
    result = run(*arguments)
    first = f"{dictionary}:31: not a pair of words (one two three)"
    assert result.exit_code == 0 and result.stderr == f"⚠ 1 lines of {dictionary} left out (first: {first})\n"
    assert run(*arguments, "--strict").exit_code == 1 and (tmp_path / "m.json").exists()
    arguments[2:4] = ["--texts", f"en={files['en.txt']}", "--texts", f"de={texts}"]
    result = run(*arguments)
    assert f"⚠ 1 bad records left out (first: {texts}:6: not UTF-8)" in result.stderr
    assert (tmp_path / "m.quarantine.jsonl").exists()
    assert run(*arguments, "--strict").exit_code == 1


# What cannot be measured


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "nothing to evaluate"),
        (["--texts", "de"], "--texts 'de'"),
        (["--dictionary", "d.txt"], "--dictionary 'd.txt'"),
        (["--texts", "klingon=a.txt"], "'klingon'"),
        (["--pairs", "de=a,b", "--pairs", "deu=c,d"], "--pairs is given twice for 'de'"),
        (["--pairs", "de=a.txt"], "--pairs de=a.txt"),
        (["--pairs", "de=no.eng,no.deu"], "no.eng does not exist"),
        (["--dictionary", "de=no.txt"], "no.txt does not exist"),
        (["--texts", "de=no.txt"], "no.txt does not exist"),
        (["--limit", "0"], "--limit is 0"),
    ],
)
def test_wrong_options(tiny_bert: Path, arguments: list[str], named: str) -> None:
    assert named in fail("evaluate-alignment", tiny_bert, *arguments)


def test_texts_without_those_of_the_source(tiny_bert: Path, files: dict[str, Path]) -> None:
    line = fail("evaluate-alignment", tiny_bert, "--texts", f"de={files['de.txt']}")
    assert "'en'" in line


def test_a_folder_that_is_no_model(files: dict[str, Path], tmp_path: Path) -> None:
    line = fail("evaluate-alignment", tmp_path, *options(files))
    assert line.startswith(f"{tmp_path} is not a model folder")


@pytest.mark.parametrize(("file", "left", "message"), DAMAGES[:3])
def test_a_damaged_model(
    file: str, left: int, message: str, model: Path, files: dict[str, Path], tmp_path: Path
) -> None:
    assert message in fail("evaluate-alignment", copy_damaged(model, tmp_path / "m", file, left), *options(files))

"""The command `xlt transfer project`."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language

pytest.importorskip("transformers")

from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from tests.cli.damage import DAMAGES, copy_damaged
from tests.cli.running import fail, run, succeed
from tests.records import make_records, write_csv

SWAHILI = ["Oda yangu bado haijafika.", "Ankara si sahihi.", "Mjumbe amechelewa."]
GERMAN = ["Wo ist mein Paket?", "Die Rechnung ist falsch."]
ENGLISH = [record.text for record in make_records(6)]


@pytest.fixture(scope="module")
def swahili(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "sw.txt"
    path.write_text("\n".join(SWAHILI))
    return path


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def scores(folder: Path, texts: list[str], language: str) -> list[dict[str, float]]:
    """With the language given, so that nothing depends on its detection."""
    nlp = spacy.load(folder)
    docs = [nlp.make_doc(text) for text in texts]
    for doc in docs:
        doc._.language = language
    return [doc.cats for doc in nlp.pipe(docs)]


def languages(folder: Path) -> dict[str, int]:
    return find_pipe(spacy.load(folder), Projector).counts


def test_adds_a_language_and_moves_no_other(model: Path, swahili: Path, tmp_path: Path) -> None:
    german = tmp_path / "de.txt"
    german.write_text("\n".join(GERMAN))
    succeed("transfer", "project", model, tmp_path / "de", "--language", "de", "--texts", german)
    output = succeed("transfer", "project", tmp_path / "de", tmp_path / "both", "--language", "swh", "--texts", swahili)
    assert output.startswith(f"✔ {tmp_path}/both: ") and "sw 3 texts" in output and "de, en, sw" in output
    assert languages(tmp_path / "both") == {"en": 24, "de": 2, "sw": 3}
    for texts, code in ((ENGLISH, "en"), (GERMAN, "de")):
        assert scores(tmp_path / "both", texts, code) == scores(tmp_path / "de", texts, code)
    assert scores(tmp_path / "both", SWAHILI, "sw") != scores(tmp_path / "de", SWAHILI, "sw")
    assert scores(tmp_path / "de", ENGLISH, "en") == scores(model, ENGLISH, "en")


def test_the_records_can_name_their_languages(model: Path, tmp_path: Path) -> None:
    rows = [{"body": text, "code": code} for code, texts in (("sw", SWAHILI), ("de", GERMAN)) for text in texts]
    texts = write_jsonl(tmp_path / "mixed.jsonl", rows)
    options = ["--texts", texts, "--text", "body", "--lang", "code"]
    assert "fitted on de 2, sw 3 texts" in succeed("transfer", "project", model, tmp_path / "out", *options)
    assert languages(tmp_path / "out") == {"en": 24, "sw": 3, "de": 2}


def test_several_files_each_with_its_language(model: Path, swahili: Path, data: Path, tmp_path: Path) -> None:
    options = ["--language", "sw", "--texts", swahili, "--language", "en", "--texts", data]
    assert "fitted on en 24, sw 3 texts" in succeed("transfer", "project", model, tmp_path / "out", *options)


def test_a_model_can_be_extended_in_its_place(model: Path, swahili: Path, tmp_path: Path) -> None:
    options = ["--language", "sw", "--texts", swahili]
    succeed("transfer", "project", model, tmp_path / "out", *options)
    succeed("transfer", "project", tmp_path / "out", tmp_path / "out", *options)
    assert languages(tmp_path / "out") == {"en": 24, "sw": 3}
    assert os.listdir(tmp_path) == ["out"]


def test_bad_records_go_to_quarantine_and_strict_stops(model: Path, tmp_path: Path) -> None:
    texts = write_jsonl(tmp_path / "a.jsonl", [{"text": "Habari", "lang": "sw"}, {"text": 3}, {"lang": "sw"}])
    arguments = ["transfer", "project", model, tmp_path / "out", "--texts", texts]
    assert run(*arguments, "--strict").exit_code == 1 and not (tmp_path / "out").exists()
    result = run(*arguments)
    assert result.exit_code == 0 and "⚠ 2 bad records left out" in result.stderr
    reasons = [json.loads(line)["reason"] for line in (tmp_path / "out.quarantine.jsonl").read_text().splitlines()]
    assert reasons == ["'text' is not a text", "no field 'text'; it has: lang"]


def test_translations_a_dictionary_and_an_aligner(model: Path, tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("Where is my parcel?\nThe invoice is wrong.\n")
    (tmp_path / "de.txt").write_text("\n".join(GERMAN) + "\n")
    (tmp_path / "words").write_text("Paket @ parcel\nRechnung @ invoice\n@\n")
    pairs = f"de={tmp_path}/en.txt,{tmp_path}/de.txt"
    arguments = ["--pairs", pairs, "--dictionary", f"de={tmp_path}/words", "--aligner", "RidgeToIdentity"]
    result = run("transfer", "project", model, tmp_path / "out", *arguments)
    assert result.exit_code == 0 and "⚠ 1 lines of" in result.stderr
    assert "de 4 texts" in result.stdout
    projector = find_pipe(spacy.load(tmp_path / "out"), Projector)
    assert type(projector.aligner).__name__ == "RidgeToIdentity" and projector.maps["de"].matrix is not None
    assert run("transfer", "project", model, tmp_path / "strict", *arguments, "--strict").exit_code == 1
    assert not (tmp_path / "strict").exists()


# What cannot be done


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--texts, --pairs or --dictionary"),
        (["--pairs", "de=a.txt"], "--pairs de=a.txt"),
        (["--pairs", "a.txt,b.txt"], "--pairs 'a.txt,b.txt'"),
        (["--dictionary", "de=no"], "no does not exist"),
        (["--dictionary", "klingon=no"], "'klingon=no'"),
    ],
)
def test_options_that_say_too_little(model: Path, tmp_path: Path, options: list[str], message: str) -> None:
    assert message in fail("transfer", "project", model, tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


def test_an_unknown_aligner(model: Path, swahili: Path, tmp_path: Path) -> None:
    options = ["--language", "sw", "--texts", swahili, "--aligner", "Magic"]
    line = fail("transfer", "project", model, tmp_path / "out", *options)
    assert "'Magic'" in line


@pytest.mark.parametrize(
    ("content", "language", "message"),
    [
        ("", "sw", "no usable record"),
        ("\n \n", "sw", "no usable record"),
        ("\u200b\ufeff\n", "sw", "'sw'"),
        ("Habari\n", "klingon", "'klingon'"),
        ("Habari\n", "xx", "no language"),
    ],
)
def test_a_language_without_data_or_without_a_name(
    model: Path, tmp_path: Path, content: str, language: str, message: str
) -> None:
    (tmp_path / "texts.txt").write_text(content)
    line = fail(
        "transfer", "project", model, tmp_path / "out", "--language", language, "--texts", tmp_path / "texts.txt"
    )
    assert message in line
    assert not (tmp_path / "out").exists()


def test_texts_without_a_language(model: Path, swahili: Path, tmp_path: Path) -> None:
    line = fail("transfer", "project", model, tmp_path / "out", "--texts", swahili)
    assert "no language" in line


def test_as_many_languages_as_files(model: Path, swahili: Path, tmp_path: Path) -> None:
    options = ["--language", "sw", "--language", "de", "--texts", swahili]
    line = fail("transfer", "project", model, tmp_path / "out", *options)
    assert "1 --texts" in line and "2 --language" in line


def test_a_missing_file_and_a_missing_model(model: Path, swahili: Path, tmp_path: Path) -> None:
    line = fail("transfer", "project", model, tmp_path / "out", "--language", "sw", "--texts", tmp_path / "no.txt")
    assert f"{tmp_path}/no.txt" in line
    line = fail("transfer", "project", tmp_path / "no", tmp_path / "out", "--language", "sw", "--texts", swahili)
    assert f"{tmp_path}/no" in line


def test_a_wrong_column(model: Path, tmp_path: Path) -> None:
    texts = write_csv(make_records(2), tmp_path / "a.csv")
    line = fail("transfer", "project", model, tmp_path / "out", "--texts", texts, "--text", "body")
    assert str(texts) in line and "'body'" in line and "--text" in line


@pytest.mark.parametrize(("file", "left", "message"), DAMAGES)
def test_a_damaged_model(file: str, left: int, message: str, model: Path, swahili: Path, tmp_path: Path) -> None:
    damaged = copy_damaged(model, tmp_path / "damaged", file, left)
    line = fail("transfer", "project", damaged, tmp_path / "out", "--language", "sw", "--texts", swahili)
    assert message in line
    assert os.listdir(tmp_path) == ["damaged"]


def test_an_output_that_holds_something_else(model: Path, swahili: Path, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("mine")
    line = fail("transfer", "project", model, tmp_path, "--language", "sw", "--texts", swahili)
    assert str(tmp_path) in line
    assert os.listdir(tmp_path) == ["note"]


def test_ctrl_c_while_saving_leaves_the_old_model(
    model: Path, swahili: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--language", "sw", "--texts", swahili]
    succeed("transfer", "project", model, tmp_path / "out", *options)

    def stop(self: Language, path: Path, **options: Any) -> None:
        (Path(path) / "config.cfg").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Language, "to_disk", stop)
    assert run("transfer", "project", tmp_path / "out", tmp_path / "out", *options).exit_code != 0
    assert os.listdir(tmp_path) == ["out"] and languages(tmp_path / "out") == {"en": 24, "sw": 3}

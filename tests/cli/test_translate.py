"""The commands `xlt translate` and `xlt transfer add-translator`."""

import json
from pathlib import Path

import pytest
import spacy

from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.translator import DocTranslator
from tests.cli.running import fail, succeed


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    path = tmp_path / "en_sw.tsv"
    path.write_text("parcel\tkifurushi\nmy\tchangu\npassword\tnenosiri\n", encoding="utf8")
    return path


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.csv"
    path.write_text('text,label,lang\n"kifurushi changu, tafadhali",order,sw\nnenosiri,account,sw\n', encoding="utf8")
    return path


def test_records_are_translated(tickets: Path, dictionary: Path, tmp_path: Path) -> None:
    out = tmp_path / "english.jsonl"
    succeed("translate", tickets, "--to", "en", "--dictionary", f"sw={dictionary}", "--output", out)
    rows = [json.loads(line) for line in out.read_text(encoding="utf8").splitlines()]
    assert rows == [
        {"text": "parcel my tafadhali", "label": "order", "lang": "en", "original": "kifurushi changu, tafadhali"},
        {"text": "password", "label": "account", "lang": "en", "original": "nenosiri"},
    ]


def test_parallel_sentences_of_unlabeled_texts(dictionary: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("kifurushi changu\n", encoding="utf8")
    out = tmp_path / "pairs.tsv"
    options = ["--language", "sw", "--unlabeled", "--dictionary", f"sw={dictionary}"]
    succeed("translate", tmp_path / "texts.txt", "--to", "English", *options, "--output", out)
    assert out.read_text(encoding="utf8") == "kifurushi changu\tparcel my\n"


def test_a_dictionary_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_bytes("text,lang\ncaf\u00e9 fran\u00e7ais,fr\n".encode("cp1252"))
    (tmp_path / "words.tsv").write_bytes("coffee\tcaf\u00e9\nFrench\tfran\u00e7ais\n".encode("cp1252"))
    out = tmp_path / "pairs.tsv"
    options = ["--unlabeled", "--encoding", "cp1252", "--dictionary", f"fr={tmp_path / 'words.tsv'}"]
    succeed("translate", tmp_path / "texts.csv", "--to", "en", *options, "--output", out)
    assert out.read_text(encoding="utf8") == "caf\u00e9 fran\u00e7ais\tcoffee French\n"


def test_wrong_options(tickets: Path, dictionary: Path, tmp_path: Path) -> None:
    both = ["--dictionary", f"sw={dictionary}", "--translator", "apertium"]
    assert "--translator" in fail("translate", tickets, "--to", "en", *both, "--output", tmp_path / "a.jsonl")
    assert "--translator" in fail("translate", tickets, "--to", "en", "--output", tmp_path / "a.jsonl")
    assert "a.csv" in fail("translate", tickets, "--to", "en", *both[:2], "--output", tmp_path / "a.csv")
    assert "Use --to." in fail("translate", tickets, "--to", "sw", *both[:2], "--output", tmp_path / "a.jsonl")
    assert not (tmp_path / "a.jsonl").exists()


def test_dictionaries_are_added_to_a_model(model: Path, dictionary: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    printed = succeed("transfer", "add-translator", model, out, "--dictionary", f"sw={dictionary}")
    assert "sw" in printed and "0.5" in printed
    nlp = spacy.load(out)
    assert find_pipe(nlp, DocTranslator).languages == ["sw"]
    doc = nlp.make_doc("kifurushi changu")
    doc._.language = "sw"
    assert nlp(doc)._.xlt_translation == "parcel my"


def test_words_of_parallel_sentences(model: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "news.tsv", tmp_path / "out"
    lines = ("The parcel is late.\tKifurushi kimechelewa.", "I lost a parcel.\tNimepoteza kifurushi.")
    file.write_text("\n".join(lines))
    succeed("transfer", "add-translator", model, out, "--pairs", f"sw={file}")
    assert "parcel" in spacy.load(out)("Kifurushi changu kiko wapi? Nimekingoja.")._.xlt_translation


def test_a_translator_or_a_dictionary_must_be_given(model: Path, tmp_path: Path) -> None:
    assert "--dictionary" in fail("transfer", "add-translator", model, tmp_path / "out")
    assert not (tmp_path / "out").exists()

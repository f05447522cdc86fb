"""`xlt classify`."""

import re
from pathlib import Path

import pytest
import spacy
from thinc.util import has_gpu

pytest.importorskip("transformers")

from tests.cli.damage import copy_damaged
from tests.cli.running import fail, run, succeed


def rows(output: str) -> list[list[str]]:
    """The cells of the printed table, the header left out."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if line.startswith("│")]


def test_texts_as_arguments(model: Path) -> None:
    found = rows(succeed("classify", model, "My invoice is wrong", "Wo bleibt mein Paket?", "[red]not markup[/red]"))
    nlp = spacy.load(model)
    for text, language, label, probability in found:
        doc = nlp(text)
        assert language == doc._.language
        assert label == max(doc.cats, key=doc.cats.__getitem__)
        assert re.fullmatch(r"[01]\.\d\d", probability) and float(probability) >= 0.5
    assert [row[0] for row in found] == ["My invoice is wrong", "Wo bleibt mein Paket?", "[red]not markup[/red]"]


def test_a_file_with_one_text_per_line(model: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_bytes("\ufeffone\r\n\n  \ntwo\x1b\x85still two\ncaf".encode() + b"\xe9\n")
    output = succeed("classify", model, "--file", tmp_path / "texts.txt")
    texts = [row[0] for row in rows(output)]
    assert texts == ["one", "two still two", "caf\ufffd"]


def test_a_file_with_a_byte_order_mark(model: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_bytes("café\nthé\n".encode("utf-16"))
    assert [row[0] for row in rows(succeed("classify", model, "--file", tmp_path / "texts.txt"))] == ["café", "thé"]


def test_texts_from_stdin(model: Path) -> None:
    assert [row[0] for row in rows(succeed("classify", model, stdin="one\ntwo\n"))] == ["one", "two"]
    assert rows(succeed("classify", model, stdin="")) == []


def test_texts_that_are_hard_to_take(model: Path) -> None:
    texts = ["", " ", "123", "😀", "a\ud800b"]
    assert len(rows(succeed("classify", model, *texts))) == len(texts)


def test_a_text_that_is_too_long(model: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("word " * 200_001)
    line = fail("classify", model, "--file", tmp_path / "texts.txt")
    assert "1000005 characters" in line and "1000000" in line


def test_what_is_missing(model: Path, tmp_path: Path) -> None:
    assert fail("classify", model, "--file", tmp_path / "no.txt").startswith(f"{tmp_path}/no.txt ")
    assert str(tmp_path / "no") in fail("classify", tmp_path / "no", "text")
    spacy.blank("xx").to_disk(tmp_path / "m")
    assert "TextCategorizer" in fail("classify", tmp_path / "m", "text")


def test_a_damaged_model(model: Path, tmp_path: Path) -> None:
    damaged = copy_damaged(model, tmp_path / "m", "xlt_textcat/model", 200)
    assert "damaged" in fail("classify", damaged, "text")


@pytest.mark.skipif(has_gpu, reason="there is a GPU")
def test_a_gpu_that_is_not_there(model: Path) -> None:
    line = fail("classify", model, "text", "--gpu-id", 0)
    assert "GPU 0" in line


def test_a_pipeline_without_a_detector_shows_no_language(model: Path, tmp_path: Path) -> None:
    nlp = spacy.load(model)
    nlp.remove_pipe("xlt_langdetect")
    nlp.to_disk(tmp_path / "m")
    ((_, language, label, _),) = rows(run("classify", tmp_path / "m", "text").stdout)
    assert language in ("", "xx") and label in ("billing", "delivery")

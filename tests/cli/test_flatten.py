"""The command `xlt flatten`."""

import os
from pathlib import Path

import numpy as np
import pytest
import spacy

pytest.importorskip("spacy_transformers")

from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.projector import Projector
from tests.cli.running import fail, run, succeed
from tests.records import make_records

TEXTS = [record.text for record in make_records(6)]


def cats(folder: Path) -> list[float]:
    return [doc.cats["billing"] for doc in spacy.load(folder).pipe(TEXTS)]


def test_four_components_with_the_same_scores(finetuned: Path, tmp_path: Path) -> None:
    output = succeed("flatten", finetuned, tmp_path / "flat")
    assert output == f"✔ {tmp_path}/flat: xlt_langdetect, xlt_encoder, xlt_projector, xlt_textcat\n"
    np.testing.assert_allclose(cats(tmp_path / "flat"), cats(finetuned), atol=1e-5)


def test_texts_of_the_source_prepare_the_projector(finetuned: Path, data: Path, tmp_path: Path) -> None:
    succeed("flatten", finetuned, tmp_path / "flat", "--texts", data, "--source", "eng", "--languages", "en,de")
    nlp = spacy.load(tmp_path / "flat")
    assert find_pipe(nlp, Projector).counts == {"en": 24}
    assert set(find_pipe(nlp, LanguageDetector).languages) == {"de", "en"}
    (tmp_path / "sw.txt").write_text("Oda yangu bado haijafika.\n")
    succeed(
        "transfer", "project", tmp_path / "flat", tmp_path / "sw", "--language", "sw", "--texts", tmp_path / "sw.txt"
    )
    assert find_pipe(spacy.load(tmp_path / "sw"), Projector).languages == ["en", "sw"]


def test_bad_texts_go_to_quarantine(finetuned: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_bytes(b"caf\xe9\nHello\n")
    arguments = ["flatten", finetuned, tmp_path / "flat", "--texts", tmp_path / "texts.txt"]
    assert run(*arguments, "--strict").exit_code == 1 and not (tmp_path / "flat").exists()
    assert "⚠ 1 bad records left out" in run(*arguments).stderr
    assert "not UTF-8" in (tmp_path / "flat.quarantine.jsonl").read_text()


def test_a_model_that_is_flat_already(model: Path, tmp_path: Path) -> None:
    line = fail("flatten", model, tmp_path / "flat")
    assert "no transformer" in line
    assert os.listdir(tmp_path) == []


def test_what_is_missing(finetuned: Path, tmp_path: Path) -> None:
    assert "nowhere is not a model folder" in fail("flatten", tmp_path / "nowhere", tmp_path / "f")
    line = fail("flatten", finetuned, tmp_path / "f", "--texts", tmp_path / "no.txt")
    assert line == f"{tmp_path}/no.txt does not exist."


def test_an_output_that_holds_something_else(finetuned: Path, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("mine")
    assert "holds something else" in fail("flatten", finetuned, tmp_path)
    assert os.listdir(tmp_path) == ["note"]

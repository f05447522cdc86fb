"""Projecting a trained pipeline to new languages."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language

pytest.importorskip("transformers")

from spacy_xlt.errors import XltError
from spacy_xlt.models import save
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.result import Result
from spacy_xlt.transfer.project import project
from tests.toy import TEXTS, make_pipeline

RUSSIAN = [text for text, _ in TEXTS["ru"]]
PAIRS = [(source, text) for (source, _), (text, _) in zip(TEXTS["en"], TEXTS["ru"])]


@pytest.fixture
def nlp(tiny_bert: Path) -> Language:
    return make_pipeline(tiny_bert)


def test_a_new_language_from_texts(nlp: Language) -> None:
    result = project(nlp, {"ru": RUSSIAN})
    assert isinstance(result, Result) and result.accepted and result.metrics == {}
    assert result.settings["languages"] == ["ru"] and result.settings["counts"] == {"ru": 2}
    assert result.data["texts"]["texts"] == 2 and result.data["translations"]["texts"] == 0
    assert nlp.meta["xlt_transfer"] == [result.to_dict()]
    assert find_pipe(nlp, Projector).languages == ["de", "en", "ru"]


def test_files_whose_language_is_given(nlp: Language, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("\n".join(RUSSIAN), encoding="utf8")
    assert project(nlp, tmp_path / "texts.txt", language="rus").settings["counts"] == {"ru": 2}
    assert project(nlp, RUSSIAN, language="ru").settings["counts"] == {"ru": 2}


def test_translations_and_another_aligner(nlp: Language) -> None:
    result = project(nlp, translations={"ru": PAIRS}, aligner="RidgeToIdentity")
    assert result.settings["aligner"] == "RidgeToIdentity" and result.data["translations"]["texts"] == 4
    assert find_pipe(nlp, Projector).maps["ru"].matrix is not None


def test_a_model_folder_is_changed_in_place(nlp: Language, tmp_path: Path) -> None:
    save(nlp, tmp_path / "model")
    result = project(str(tmp_path / "model"), {"ru": RUSSIAN})
    loaded = spacy.load(tmp_path / "model")
    assert loaded.meta["xlt_transfer"] == [result.to_dict()]
    assert find_pipe(loaded, Projector).languages == ["de", "en", "ru"]


@pytest.mark.parametrize(
    ("data", "options", "fragment"),
    [
        ({}, {}, "nothing to fit on"),
        ({"xx": RUSSIAN}, {}, "no language"),
        ({"ru": []}, {}, "'ru'"),
        ({}, {"translations": {"en": PAIRS}}, "'en' is the source language"),
        ({"ru": RUSSIAN}, {"aligner": "Magic"}, "'Magic'"),
    ],
)
def test_bad_data(nlp: Language, data: Any, options: dict[str, Any], fragment: str) -> None:
    with pytest.raises(XltError, match=fragment):
        project(nlp, data, **options)
    assert find_pipe(nlp, Projector).languages == ["de", "en"] and "xlt_transfer" not in nlp.meta


def test_a_missing_model_folder(tmp_path: Path) -> None:
    with pytest.raises(XltError, match="no-model"):
        project(tmp_path / "no-model", {"ru": RUSSIAN})

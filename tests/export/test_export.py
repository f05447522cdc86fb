"""Pipelines with another encoder block: what is exported, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
pytest.importorskip("wordfreq")
pytest.importorskip("transformers")

from spacy_xlt.encoders.onnx_encoder import OnnxEncoder
from spacy_xlt.encoders.static_encoder import StaticEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.export import export as module
from spacy_xlt.export import student
from spacy_xlt.export.export import Parity, export, mean_accuracy
from spacy_xlt.export.student import word_probabilities
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from tests.toy import TEXTS, make_pipeline

SENTENCES = {language: [text for text, _ in texts] for language, texts in TEXTS.items()}
UNLABELLED = {language: [*texts] * (60 // len(texts)) for language, texts in SENTENCES.items()}
ENGLISH = SENTENCES["en"]


@pytest.fixture(scope="module")
def trained(tiny_bert: Path) -> Language:
    return make_pipeline(tiny_bert)


@pytest.fixture(scope="module")
def fast(trained: Language) -> tuple[Language, list[str]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(student, "LISTED_WORDS", 40)
        return export(trained, "fast", UNLABELLED)


def encoder_of(nlp: Language) -> Any:
    return find_pipe(nlp, Encoder).encoder


# quality and balanced


@pytest.mark.parametrize(("preset", "tolerance"), [("quality", 1e-4), ("balanced", 0.1)])
def test_the_scores_stay(trained: Language, preset: Any, tolerance: float) -> None:
    exported, notes = export(trained, preset, {})
    assert isinstance(encoder_of(exported), OnnxEncoder)
    assert notes[0].startswith("Cosine to the trained encoder on ")
    for text in ENGLISH:
        assert exported(text).cats == pytest.approx(trained(text).cats, abs=tolerance)


def test_the_trained_pipeline_is_left_as_it_was(trained: Language) -> None:
    before = trained(ENGLISH[0]).cats
    exported, _ = export(trained, "balanced", {})
    assert trained(ENGLISH[0]).cats == before
    assert exported.meta["name"] == trained.meta["name"]
    assert "source" in trained.config["initialize"]["components"]["xlt_encoder"]
    assert "xlt_encoder" not in exported.config["initialize"]["components"]


def test_pieces_of_other_languages_can_go(trained: Language) -> None:
    whole, _ = export(trained, "quality", {})
    exported, notes = export(trained, "quality", SENTENCES, languages=["eng", "de"])
    assert notes[0].startswith("Kept ") and notes[0].endswith(" word pieces.")
    texts = ENGLISH + SENTENCES["de"]
    np.testing.assert_allclose(encoder_of(exported).encode(texts), encoder_of(whole).encode(texts), atol=1e-6)
    assert len(encoder_of(exported).to_bytes()) < len(encoder_of(whole).to_bytes())
    with pytest.raises(XltError, match="no text of language 'sw' to count word pieces in: give it with --texts"):
        export(trained, "quality", SENTENCES, languages=["sw"])


def test_nothing_is_exported_where_the_vectors_differ(trained: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "compare", lambda *_: Parity(0.9, 0.5, 7))
    with pytest.raises(XltError, match=r"cosine 0.90000 on 7 texts\): nothing was written"):
        export(trained, "balanced", {})


def test_only_our_four_components_with_a_trained_encoder(trained: Language) -> None:
    exported, _ = export(trained, "quality", {})
    with pytest.raises(XltError, match="encoder is a OnnxEncoder: it has been exported already"):
        export(exported, "balanced", {})
    with pytest.raises(XltError, match="exactly our four components can be exported; this one has none"):
        export(spacy.blank("xx"), "quality", {})


def test_the_mean_is_over_languages() -> None:
    assert mean_accuracy({"languages": {"en": {"accuracy": 1.0}, "de": {"accuracy": 0.5}}}) == 0.75


# fast


def test_a_static_student_answers_as_its_teacher_on_what_it_has_seen(
    trained: Language, fast: tuple[Language, list[str]]
) -> None:
    nlp, notes = fast
    assert isinstance(encoder_of(nlp), StaticEncoder)
    assert encoder_of(nlp).width == encoder_of(trained).width
    best = [max(doc.cats, key=doc.cats.__getitem__) for doc in nlp.pipe(ENGLISH)]
    assert best == [label for _, label in TEXTS["en"]]
    (note,) = notes
    assert note.startswith("The student learned from 180 texts of 3 languages and knows ")


def test_a_projector_of_its_own_is_fitted_and_the_trained_one_stays(
    trained: Language, fast: tuple[Language, list[str]]
) -> None:
    assert find_pipe(fast[0], Projector).languages == ["de", "en", "ru"]
    assert find_pipe(trained, Projector).languages == ["de", "en"]


def test_the_student_is_saved_and_loaded_without_a_tokenizer(fast: tuple[Language, list[str]], tmp_path: Path) -> None:
    fast[0].to_disk(tmp_path / "fast")
    assert sorted(path.name for path in (tmp_path / "fast" / "xlt_encoder").iterdir() if path.suffix != ".json") == [
        "model.safetensors",
        "words.txt",
    ]
    texts = [*ENGLISH, "", "zzzz", "Neue Wörter 荷物 \ud83d"]
    loaded = spacy.load(tmp_path / "fast")
    for one, other in zip(fast[0].pipe(texts[:-1]), loaded.pipe(texts[:-1])):
        assert one.cats == other.cats
    assert np.isfinite(encoder_of(loaded).encode(texts)).all()


def test_the_same_texts_give_the_same_student(trained: Language, fast: tuple[Language, list[str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(student, "LISTED_WORDS", 40)
        again, _ = export(trained, "fast", UNLABELLED)
    assert encoder_of(again).to_bytes() == encoder_of(fast[0]).to_bytes()


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({}, "at least 50 of the source language 'en' .* of the source there are 0"),
        ({"en": ENGLISH[:3]}, "of the source there are 3"),
        ({**UNLABELLED, "xx": ["?"]}, "texts without a language: name it in the records"),
    ],
)
def test_too_few_texts_are_refused(trained: Language, texts: Any, message: str) -> None:
    with pytest.raises(XltError, match=message):
        export(trained, "fast", texts)


def test_words_are_those_of_the_texts_and_the_frequent_ones_of_their_languages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(student, "LISTED_WORDS", 3)
    found = word_probabilities({"en": ["Parcel, parcel! Parcel? once"], "sw": ["oda " * 3], "de": ["x" * 80]})
    assert {"parcel", "once", "oda", "the", "and", "der", "die"} <= set(found)
    assert found["parcel"] == 0.75 and found["once"] == 0.0 and found["oda"] == 1.0 and found["the"] > 0.01
    assert not any(len(word) > 24 for word in found)

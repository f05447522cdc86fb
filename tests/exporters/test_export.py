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
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.exporters import export as module
from spacy_xlt.exporters import student
from spacy_xlt.exporters.export import Similarity, describe, export, mean_accuracy
from spacy_xlt.exporters.student import word_probabilities
from spacy_xlt.models import save
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from tests.toy import TEXTS, make_pipeline

SENTENCES = {language: [text for text, _ in texts] for language, texts in TEXTS.items()}
UNLABELED = {language: [*texts] * (60 // len(texts)) for language, texts in SENTENCES.items()}
ENGLISH = SENTENCES["en"]


@pytest.fixture(scope="module")
def trained(tiny_bert: Path) -> Language:
    return make_pipeline(tiny_bert)


@pytest.fixture(scope="module")
def fast(trained: Language) -> Language:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(student, "LISTED_WORDS", 40)
        return export(trained, preset="fast", texts=UNLABELED)


def encoder_of(nlp: Language) -> Any:
    return find_pipe(nlp, Encoder).encoder


# quality and balanced


@pytest.mark.parametrize(("preset", "tolerance"), [("quality", 1e-4), ("balanced", 0.1)])
def test_the_scores_stay(trained: Language, preset: Any, tolerance: float) -> None:
    exported = export(trained, preset=preset)
    assert isinstance(encoder_of(exported), OnnxEncoder)
    facts = exported.meta["xlt_export"]
    assert facts["preset"] == preset and 0.98 < facts["lowest_cosine"] <= facts["cosine"] and facts["texts"] > 0
    assert f"{facts['cosine']:.4f}" in describe(facts)[0]
    for text in ENGLISH:
        assert exported(text).cats == pytest.approx(trained(text).cats, abs=tolerance)


def test_the_trained_pipeline_is_left_as_it_was(trained: Language) -> None:
    before = trained(ENGLISH[0]).cats
    exported = export(trained)
    assert trained(ENGLISH[0]).cats == before
    assert exported.meta["name"] == trained.meta["name"]
    assert "source" in trained.config["initialize"]["components"]["xlt_encoder"]
    assert "xlt_encoder" not in exported.config["initialize"]["components"]


def test_pieces_of_other_languages_can_be_removed(trained: Language) -> None:
    whole = export(trained, preset="quality")
    exported = export(trained, preset="quality", texts=SENTENCES, languages=["eng", "de"])
    assert whole.meta["xlt_export"]["word_pieces"] is None
    assert str(exported.meta["xlt_export"]["word_pieces"]) in describe(exported.meta["xlt_export"])[0]
    texts = ENGLISH + SENTENCES["de"]
    np.testing.assert_allclose(encoder_of(exported).encode(texts), encoder_of(whole).encode(texts), atol=1e-6)
    assert len(encoder_of(exported).to_bytes()) < len(encoder_of(whole).to_bytes())
    with pytest.raises(XltError, match="'sw'"):
        export(trained, preset="quality", texts=SENTENCES, languages=["sw"])


def test_nothing_is_exported_where_the_vectors_differ(trained: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "compare", lambda *_: Similarity(0.9, 0.5, 7))
    with pytest.raises(XltError, match="7 texts is 0.90000"):
        export(trained)


def test_only_our_four_components_with_a_trained_encoder(trained: Language) -> None:
    exported = export(trained, preset="quality")
    with pytest.raises(XltError, match="OnnxEncoder"):
        export(exported)
    with pytest.raises(XltError, match="four components.*none"):
        export(spacy.blank("xx"))


def test_a_model_folder_is_exported_to_a_folder(trained: Language, tmp_path: Path) -> None:
    save(trained, tmp_path / "model")
    exported = export(tmp_path / "model", tmp_path / "out", preset="quality")
    loaded = spacy.load(tmp_path / "out")
    assert isinstance(encoder_of(loaded), OnnxEncoder) and loaded.meta["xlt_export"] == exported.meta["xlt_export"]
    assert loaded(ENGLISH[0]).cats == pytest.approx(exported(ENGLISH[0]).cats)
    assert isinstance(encoder_of(spacy.load(tmp_path / "model")), TorchEncoder)


def test_an_unknown_preset_and_an_output_that_has_other_files(trained: Language, tmp_path: Path) -> None:
    with pytest.raises(XltError, match="'tiny'"):
        export(trained, preset="tiny")  # type: ignore[arg-type]
    (tmp_path / "note").write_text("mine")
    with pytest.raises(XltError, match=tmp_path.name):
        export(trained, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["note"]


def test_the_mean_is_over_languages() -> None:
    assert mean_accuracy({"languages": {"en": {"accuracy": 1.0}, "de": {"accuracy": 0.5}}}) == 0.75


# fast


def test_a_static_student_predicts_what_its_teacher_predicts(trained: Language, fast: Language) -> None:
    assert isinstance(encoder_of(fast), StaticEncoder)
    assert encoder_of(fast).width == encoder_of(trained).width
    best = [max(doc.cats, key=doc.cats.__getitem__) for doc in fast.pipe(ENGLISH)]
    assert best == [label for _, label in TEXTS["en"]]
    facts = fast.meta["xlt_export"]
    assert (facts["preset"], facts["texts"], facts["languages"]) == ("fast", 180, 3) and facts["agreement"] > 0.9
    (sentence,) = describe(facts)
    assert "180 texts" in sentence


def test_a_projector_of_its_own_is_fitted_and_the_trained_one_stays(trained: Language, fast: Language) -> None:
    assert find_pipe(fast, Projector).languages == ["de", "en", "ru"]
    assert find_pipe(trained, Projector).languages == ["de", "en"]


def test_the_student_is_saved_and_loaded_without_a_tokenizer(fast: Language, tmp_path: Path) -> None:
    fast.to_disk(tmp_path / "fast")
    assert sorted(path.name for path in (tmp_path / "fast" / "xlt_encoder").iterdir() if path.suffix != ".json") == [
        "model.safetensors",
        "words.txt",
    ]
    texts = [*ENGLISH, "", "zzzz", "Neue Wörter 荷物 \ud83d"]
    loaded = spacy.load(tmp_path / "fast")
    for one, other in zip(fast.pipe(texts[:-1]), loaded.pipe(texts[:-1])):
        assert one.cats == other.cats
    assert np.isfinite(encoder_of(loaded).encode(texts)).all()


def test_the_same_texts_give_the_same_student(trained: Language, fast: Language) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(student, "LISTED_WORDS", 40)
        again = export(trained, preset="fast", texts=UNLABELED)
    assert encoder_of(again).to_bytes() == encoder_of(fast).to_bytes()


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({}, "at least 50 .*'en'.* there are 0"),
        ({"en": ENGLISH[:3]}, "there are 3"),
        ({**UNLABELED, "xx": ["?"]}, "no language"),
    ],
)
def test_too_few_texts_are_refused(trained: Language, texts: Any, message: str) -> None:
    with pytest.raises(XltError, match=message):
        export(trained, preset="fast", texts=texts)


def test_words_are_those_of_the_texts_and_the_frequent_ones_of_their_languages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(student, "LISTED_WORDS", 3)
    found = word_probabilities({"en": ["Parcel, parcel! Parcel? once"], "sw": ["oda " * 3], "de": ["x" * 80]})
    assert {"parcel", "once", "oda", "the", "and", "der", "die"} <= set(found)
    assert found["parcel"] == 0.75 and found["once"] == 0.0 and found["oda"] == 1.0 and found["the"] > 0.01
    assert not any(len(word) > 24 for word in found)

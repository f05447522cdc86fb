"""Teaching an encoder with parallel sentences and dictionaries."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language

pytest.importorskip("torch")

import torch

from spacy_xlt.encoders import huggingface
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.training import loop
from spacy_xlt.training.checkpoints import Checkpoints
from spacy_xlt.training.layers import copy_model
from spacy_xlt.training.train import train
from spacy_xlt.transfer import teach as module
from spacy_xlt.transfer.teach import teach
from tests.encoders import tiny
from tests.records import make_records
from tests.transfer.tibetan import ENTRIES, PAIRS, SENTENCES

RECORDS = make_records(24)
# A language in Latin letters.
PIG = [(text, " ".join(word[1:] + word[0] + "ay" for word in text.split())) for text in SENTENCES]
FAST: dict[str, Any] = {"epochs": 10, "batch_size": 8, "learning_rate": 1e-3, "new_pieces": 50}


@pytest.fixture(scope="module")
def xlmr(tmp_path_factory: pytest.TempPathFactory) -> Path:
    raw = tiny.make_tiny_xlmr(tmp_path_factory.mktemp("raw") / "xlmr")
    huggingface.build(str(raw), raw.parent / "encoder")
    return raw.parent / "encoder"


@pytest.fixture
def nlp(xlmr: Path) -> Language:
    return train(RECORDS, encoder=xlmr)


def load(folder: Path) -> TorchEncoder:
    encoder = TorchEncoder()
    encoder.load(folder)
    return encoder


def cosine(encoder: Any, pairs: list[tuple[str, str]]) -> float:
    ours, theirs = (encoder.encode(list(side)) for side in zip(*pairs))
    return float((ours * theirs).sum(axis=1).mean())


def drift(encoder: Any, other: Any, texts: list[str]) -> float:
    return float(1 - (encoder.encode(texts) * other.encode(texts)).sum(axis=1).mean())


def test_translations_get_nearer_to_their_sources_and_the_sources_stay(xlmr: Path, tmp_path: Path) -> None:
    result = teach(xlmr, pairs={"bo": PAIRS}, dictionaries={"bo": ENTRIES}, output=tmp_path / "out", **FAST)
    old, new = load(xlmr), load(tmp_path / "out")
    gain = cosine(new, PAIRS) - cosine(old, PAIRS)
    assert result.accepted and result.method == "teach" and gain > 0.5 * (1 - cosine(old, PAIRS))
    assert drift(old, new, SENTENCES) < 0.1 * gain
    figures = result.metrics["bo (retrieval)"]
    assert figures["n"] > 0 and figures["after"] > figures["before"]
    assert result.settings["new_pieces"]["bo"] > 50 and result.settings["source"] == "en"
    assert result.data["translations"]["texts"] == 2 * (len(PAIRS) + len(ENTRIES))
    huggingface.build(str(tmp_path / "out"), tmp_path / "copy")
    np.testing.assert_allclose(load(tmp_path / "copy").encode(SENTENCES), new.encode(SENTENCES), atol=1e-6)
    assert train(RECORDS, encoder=tmp_path / "out")("My parcel is late.").cats


def test_word_embeddings_of_known_pieces_stay(xlmr: Path, tmp_path: Path) -> None:
    teach(xlmr, pairs={"bo": PAIRS, "sw": PIG}, output=tmp_path / "out", **FAST)
    old, new = (load(folder).model.get_input_embeddings().weight for folder in (xlmr, tmp_path / "out"))
    assert len(new) > len(old) and torch.equal(new[: len(old)], old)


def test_a_dictionary_alone_teaches_sentences_translated_word_by_word(xlmr: Path, tmp_path: Path) -> None:
    options = {**FAST, "rehearsal": {"en": SENTENCES}, "dictionaries": {"bo": ENTRIES}, "output": tmp_path / "out"}
    result = teach(xlmr, **options)
    assert result.accepted and result.settings["languages"]["bo"] > len(ENTRIES)
    old, new = load(xlmr), load(tmp_path / "out")
    assert cosine(new, PAIRS) - cosine(old, PAIRS) > 0.5 * (1 - cosine(old, PAIRS))


def test_rehearsed_texts_keep_their_vectors(xlmr: Path, tmp_path: Path) -> None:
    german = [text.replace("My order", "Meine Bestellung") for text in SENTENCES]
    found = {}
    for name, rehearsal in (("without", {}), ("with", {"de": german})):
        teach(xlmr, pairs={"sw": PIG}, rehearsal=rehearsal, output=tmp_path / name, **FAST)
        found[name] = drift(load(xlmr), load(tmp_path / name), german)
    assert found["with"] < found["without"]


def test_a_pipeline_keeps_its_head_and_its_source(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "model")
    texts = [record.text for record in RECORDS]
    head = nlp.get_pipe("xlt_textcat").to_bytes()  # type: ignore[attr-defined]
    before = cosine(find_pipe(nlp, Encoder), PAIRS)
    result = teach(nlp, pairs={"bo": PAIRS}, dev=RECORDS, **FAST)
    assert result.accepted and nlp.meta["xlt_transfer"][-1]["method"] == "teach"
    assert set(result.metrics) == {"bo (retrieval)", "en"} and result.metrics["en"]["n"] == len(RECORDS)
    assert nlp.get_pipe("xlt_textcat").to_bytes() == head  # type: ignore[attr-defined]
    assert cosine(find_pipe(nlp, Encoder), PAIRS) > before
    teach(tmp_path / "model", pairs={"bo": PAIRS}, dev=RECORDS, **FAST)
    for one, other in zip(nlp.pipe(texts), spacy.load(tmp_path / "model").pipe(texts)):
        assert one.cats == pytest.approx(other.cats, abs=1e-5)


def test_the_projection_of_a_taught_language_moves_with_its_vectors(nlp: Language) -> None:
    encoder, projector = find_pipe(nlp, Encoder), find_pipe(nlp, Projector)
    theirs = [text for _, text in PIG]
    old = encoder.encode(theirs)
    projector.fit({"sw": old, "de": old[:5]})
    before = {code: projector.map_of(code) for code in ("sw", "de", "en")}
    assert teach(nlp, pairs={"sw": PIG}, **FAST).accepted
    new = encoder.encode(theirs)
    step = projector.map_of("sw").origin - before["sw"].origin
    np.testing.assert_allclose(projector.means["sw"], old.mean(axis=0) + step, atol=1e-6)
    assert np.linalg.norm(projector.means["sw"] - new.mean(axis=0)) < 0.5 * np.linalg.norm((new - old).mean(axis=0))
    for code in ("de", "en"):
        np.testing.assert_array_equal(projector.map_of(code).origin, before[code].origin)


def ruined(encoder: TorchEncoder, *args: Any, **options: Any) -> Any:
    model = copy_model(encoder.model)
    for values in model.encoder.parameters():
        values.data.normal_(generator=torch.Generator().manual_seed(0))
    return model


def test_a_worse_encoder_is_rejected_and_everything_is_as_before(
    nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    component, projector = find_pipe(nlp, Encoder), find_pipe(nlp, Projector)
    texts = [*SENTENCES, *(text for _, text in PAIRS)]
    vectors, tokenizer, model = component.encode(texts), component.encoder.tokenizer_json, component.encoder.model  # type: ignore[attr-defined]
    projector.fit({"bo": component.encode([text for _, text in PAIRS])})
    maps = projector.to_bytes()
    monkeypatch.setattr(module, "fit_vectors", ruined)
    result = teach(nlp, pairs={"bo": PAIRS}, dictionaries={"bo": ENTRIES}, dev=RECORDS, **FAST)
    assert not result.accepted and result.settings["halvings"] == 2
    assert component.encoder.model is model and component.encoder.tokenizer_json == tokenizer  # type: ignore[attr-defined]
    np.testing.assert_allclose(component.encode(texts), vectors, atol=1e-6)
    assert projector.to_bytes() == maps
    assert nlp.meta["xlt_transfer"][-1]["accepted"] is False


def test_an_exception_leaves_the_pipeline_as_it_was(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    component = find_pipe(nlp, Encoder)
    model, vectors = component.encoder.model, component.encode(SENTENCES)  # type: ignore[attr-defined]

    def stop(*args: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "fit_vectors", stop)
    with pytest.raises(KeyboardInterrupt):
        teach(nlp, pairs={"bo": PAIRS}, **FAST)
    assert component.encoder.model is model  # type: ignore[attr-defined]
    np.testing.assert_allclose(component.encode(SENTENCES), vectors, atol=1e-6)


def test_a_killed_run_resumes_to_the_same_bits(xlmr: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {**FAST, "epochs": 1, "pairs": {"bo": PAIRS}, "dictionaries": {"bo": ENTRIES}}
    teach(xlmr, output=tmp_path / "whole", **options)
    monkeypatch.setattr(loop, "CHECKPOINT_STEPS", 3)
    save, saved = Checkpoints.save, []

    def save_and_stop(self: Checkpoints, epoch: int) -> None:
        save(self, epoch)
        saved.append(epoch)
        if len(saved) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoints, "save", save_and_stop)
    for resumes in (False, True):
        options["checkpoint"] = tmp_path / "state"
        if not resumes:
            with pytest.raises(KeyboardInterrupt):
                teach(xlmr, output=tmp_path / "resumed", **options)
            assert not (tmp_path / "resumed").exists()
        else:
            teach(xlmr, output=tmp_path / "resumed", **options)
    assert len(saved) > 2 and not (tmp_path / "state").exists()
    whole, resumed = (load(tmp_path / name).model for name in ("whole", "resumed"))
    assert all(torch.equal(one, other) for one, other in zip(whole.parameters(), resumed.parameters()))


def test_lines_that_do_not_match_are_a_warning(xlmr: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The translations look like English.
    monkeypatch.setattr(module, "check_sides", lambda *args: [])
    pairs = [(text, text.replace("My order", "Agizo langu")) for text in SENTENCES * 10]
    pairs = [(f"{ours} {number}", f"{theirs} {number}") for number, (ours, theirs) in enumerate(pairs)]
    shifted = [(ours, theirs) for (ours, _), (_, theirs) in zip(pairs, [*pairs[307:], *pairs[:307]])]
    options = {**FAST, "epochs": 0.1}
    assert not any(
        "own translation" in note for note in teach(xlmr, pairs={"sw": pairs}, output=tmp_path / "a", **options).notes
    )
    result = teach(xlmr, pairs={"sw": shifted}, output=tmp_path / "b", **options)
    assert any("'sw'" in note and "own translation" in note for note in result.notes)


def test_an_encoder_has_no_labels(xlmr: Path, tmp_path: Path) -> None:
    with pytest.raises(XltError, match="no labels"):
        teach(xlmr, pairs={"bo": PAIRS}, dev=RECORDS, output=tmp_path / "out")


def test_no_folder_of_an_encoder_or_a_model(tmp_path: Path) -> None:
    with pytest.raises(XltError, match="nothing-here"):
        teach(tmp_path / "nothing-here", pairs={"bo": PAIRS})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_teaches_on_a_gpu(xlmr: Path, tmp_path: Path) -> None:
    spacy.require_gpu()
    try:
        result = teach(xlmr, pairs={"bo": PAIRS}, dictionaries={"bo": ENTRIES}, output=tmp_path / "out", **FAST)
    finally:
        spacy.require_cpu()
    assert result.accepted and cosine(load(tmp_path / "out"), PAIRS) > cosine(load(xlmr), PAIRS)

"""Continued pretraining of masked language models."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from spacy_xlt.encoders import huggingface
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.training import pretrain as module
from spacy_xlt.training.pretrain import pretrain
from spacy_xlt.training.train import train
from tests.encoders import tiny
from tests.records import make_records

TEXTS = {"en": [record.text for record in make_records(24)], "xx": list(tiny.LINES)}
FAST = {"epochs": 4, "learning_rate": 3e-3}


@pytest.fixture(scope="module", params=["bert", "xlmr"])
def raw(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders as the Hub has them. The XLM-R folder has a head, unlike that of tests/encoders."""
    folder = tmp_path_factory.mktemp("raw") / request.param
    if request.param == "bert":
        return tiny.make_tiny_bert(folder)
    from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaForMaskedLM

    tiny.make_tiny_xlmr(folder)
    config = XLMRobertaConfig.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return tiny._save(folder, tokenizer, XLMRobertaForMaskedLM, config)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_tiny_bert(tmp_path_factory.mktemp("bert") / "raw")


def vectors(folder: Path) -> np.ndarray:
    encoder = TorchEncoder()
    encoder.load(folder)
    return encoder.encode(["My order"])


def test_the_loss_falls_and_a_classifier_can_be_trained_on_the_encoder(raw: Path, tmp_path: Path) -> None:
    result = pretrain(raw, TEXTS, tmp_path / "out", **FAST)  # type: ignore[arg-type]
    loss = result.metrics["loss"]
    assert result.method == "pretrain" and result.accepted and loss["after"] < loss["before"] and loss["n"] > 0
    assert result.data["texts"]["texts"] == 24 + len(tiny.LINES) and result.settings["languages"] == ["en", "xx"]
    huggingface.build(str(raw), tmp_path / "before")
    assert np.abs(vectors(tmp_path / "before") - vectors(tmp_path / "out")).max() > 1e-3
    nlp = train(make_records(24), encoder=tmp_path / "out")
    assert nlp("My parcel is late.").cats.keys() == {"billing", "delivery"}


def test_the_same_seed_gives_the_same_encoder(bert: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("same", 0), ("other", 1)):
        assert pretrain(bert, TEXTS, tmp_path / name, seed=seed, epochs=1, learning_rate=3e-3).accepted
    np.testing.assert_array_equal(vectors(tmp_path / "one"), vectors(tmp_path / "same"))
    assert (vectors(tmp_path / "one") != vectors(tmp_path / "other")).any()


def test_a_killed_run_resumes(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretrain(bert, TEXTS, tmp_path / "whole", epochs=2, learning_rate=3e-3)
    real, calls = module.EarlyStopping.__call__, []

    def stop_after_the_first_epoch(self: Any, end: Any) -> bool:
        calls.append(end.epoch)
        if calls == [1]:
            raise KeyboardInterrupt
        return real(self, end)

    monkeypatch.setattr(module.EarlyStopping, "__call__", stop_after_the_first_epoch)
    options: dict[str, Any] = {"epochs": 2, "learning_rate": 3e-3, "checkpoint": tmp_path / "state"}
    with pytest.raises(KeyboardInterrupt):
        pretrain(bert, TEXTS, tmp_path / "resumed", **options)
    assert (tmp_path / "state").is_dir() and not (tmp_path / "resumed").exists()
    pretrain(bert, TEXTS, tmp_path / "resumed", **options)
    assert calls == [1, 2] and not (tmp_path / "state").exists()
    np.testing.assert_allclose(vectors(tmp_path / "resumed"), vectors(tmp_path / "whole"), atol=1e-6)


def test_nothing_is_written_if_the_loss_does_not_fall(bert: Path, tmp_path: Path) -> None:
    diverged = pretrain(bert, TEXTS, tmp_path / "diverged", epochs=1, learning_rate=10.0)
    assert not diverged.accepted and not (tmp_path / "diverged").exists()


@pytest.mark.parametrize(("texts", "number"), [({"sw": ["Habari"] * 30}, 1), ({}, 0)])
def test_too_few_texts(tmp_path: Path, texts: Any, number: int) -> None:
    with pytest.raises(XltError, match=f"not {number}"):
        pretrain(tmp_path, texts, tmp_path / "out")


def test_an_encoder_without_the_head(tiny_encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(XltError, match="masked language model"):
        pretrain(tiny_encoder, TEXTS, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(XltError, match="no such model"):
        pretrain(tmp_path / "no such model", TEXTS, tmp_path / "out")

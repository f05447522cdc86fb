"""Continued masked-language modelling."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.training.pretrain import IGNORED, _Noise, pretrain
from spacy_xlt.training.train import train
from tests.encoders import tiny
from tests.records import make_records

TEXTS = {"en": [record.text for record in make_records(24)], "xx": list(tiny.LINES)}


@pytest.fixture(scope="module", params=["bert", "xlmr"])
def raw(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders as the Hub has them; XLM-R's with its head, which tests/encoders leaves out."""
    folder = tmp_path_factory.mktemp("raw") / request.param
    if request.param == "bert":
        return tiny.make_tiny_bert(folder)
    from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaForMaskedLM

    tiny.make_tiny_xlmr(folder)
    config = XLMRobertaConfig.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return tiny._save(folder, tokenizer, XLMRobertaForMaskedLM, config)


def test_reads_saves_and_is_trained_on(raw: Path, tmp_path: Path) -> None:
    card = pretrain(raw, tmp_path / "out", TEXTS, epochs=4, rate=3e-3)
    assert card["loss_after"] < card["loss_before"] and card["texts"] == 24 + len(tiny.LINES)
    before, after = TorchEncoder(), TorchEncoder()
    from spacy_xlt.encoders import huggingface

    huggingface.build(str(raw), tmp_path / "before")
    before.load(tmp_path / "before")
    after.load(tmp_path / "out")
    assert np.abs(before.encode(["My order"]) - after.encode(["My order"])).max() > 1e-3
    nlp = train(make_records(24), encoder=tmp_path / "out")
    assert nlp("My parcel is late.").cats.keys() == {"billing", "delivery"}


def test_hides_what_bert_hides() -> None:
    noise = _Noise(mask=4, specials={0, 1, 2, 3, 4}, pieces=1000, padding=0)
    windows = [[2, *range(5, 105), 3]] * 200
    ids, there, goal = noise(windows, np.random.default_rng(0))
    guessed = goal != IGNORED
    assert there.all() and not guessed[:, [0, -1]].any()
    assert guessed.mean() == pytest.approx(0.15, abs=0.01)
    assert (ids[guessed] == 4).mean() == pytest.approx(0.8, abs=0.02)
    assert (ids[guessed] == goal[guessed]).mean() == pytest.approx(0.1, abs=0.02)
    original = np.array(windows)
    assert (ids[~guessed] == original[~guessed]).all() and (goal[guessed] == original[guessed]).all()
    assert (noise([[2, 7, 3]], np.random.default_rng(1))[2] != IGNORED).sum() == 1


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"sw": ["Habari"] * 30}, "Masked-language modelling needs at least 10 different texts, not 1."),
        ({}, "Masked-language modelling needs at least 10 different texts, not 0."),
    ],
)
def test_too_few_texts(tmp_path: Path, texts: Any, message: str) -> None:
    with pytest.raises(XltError) as caught:
        pretrain(tmp_path, tmp_path / "out", texts)
    assert str(caught.value) == message


def test_an_encoder_without_the_head(tiny_encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(XltError, match="has no (head that guesses masked words|masked language model)"):
        pretrain(tiny_encoder, tmp_path / "out", TEXTS)
    assert not (tmp_path / "out").exists()


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(XltError, match="is no Hugging Face folder"):
        pretrain(tmp_path / "no", tmp_path / "out", TEXTS)

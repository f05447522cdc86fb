"""Self-training."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language

from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.training.model_state import get_layer, predictions, set_layer, take_snapshot
from spacy_xlt.transfer import self_train as module
from spacy_xlt.transfer.self_train import self_train
from tests.records import make_records
from tests.toy import TEXTS, make_pipeline

SOURCE = [Record(text, (label,), "en", "en.csv") for text, label in TEXTS["en"]]
RUSSIAN = [f"{text} {i}" for i in range(6) for text, _ in TEXTS["ru"]]


@pytest.fixture
def bert(tiny_bert: Path) -> Language:
    return make_pipeline(tiny_bert)


@pytest.mark.parametrize("method", ["frozen", "finetune"])
def test_every_architecture(tiny_encoder: Path, tmp_path: Path, method: Any) -> None:
    nlp = make_pipeline(tiny_encoder)
    before, model = get_layer(nlp), take_snapshot(nlp).model
    result = self_train(nlp, {"ru": RUSSIAN}, source=SOURCE, method=method, rounds=1, dev=SOURCE)
    assert result.method == "self-train" and result.data["texts"]["texts"] == 12
    if result.kept and result.chosen["best_round"]:
        assert np.abs(get_layer(nlp).weight - before.weight).max() > 0
        assert find_pipe(nlp, Projector).languages == ["de", "en", "ru"]
        assert (take_snapshot(nlp).model is model) == (method == "frozen")
    nlp.to_disk(tmp_path / "out")
    assert spacy.load(tmp_path / "out")(RUSSIAN[0]).cats == pytest.approx(nlp(RUSSIAN[0]).cats, abs=1e-5)


def test_learns_what_it_is_sure_of(bert: Language) -> None:
    # Less sure than it was trained to be: else there may be nothing left to learn.
    layer = get_layer(bert)
    set_layer(bert, Layer(0.1 * layer.weight, 0.1 * layer.bias))
    records = [Record(record.text, (), "de", "") for record in make_records(20)]
    believed = module._Believed(bert, records, [], module.FIRST_SHARE)
    assert 0 < len(believed.rows) < 20
    labels = believed.labels[believed.rows]

    def loss() -> float:
        found = predictions(bert, believed.records)
        return float(-(believed.importance * np.log(found[np.arange(len(labels)), labels])).sum())

    before = loss()
    self_train(bert, {"de": [record.text for record in records]}, rounds=1)
    assert loss() < before


def test_a_killed_run_goes_on_at_its_round(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = make_pipeline(tiny_bert)
    monkeypatch.setattr(module, "SETTLED", 0.0)
    self_train(whole, {"ru": RUSSIAN}, source=SOURCE, rounds=3)
    real, calls = module.set_layer, []

    def dies_in_round_3(nlp: Language, layer: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        real(nlp, layer)

    killed = make_pipeline(tiny_bert)
    untouched = get_layer(killed)
    monkeypatch.setattr(module, "set_layer", dies_in_round_3)
    with pytest.raises(KeyboardInterrupt):
        self_train(killed, {"ru": RUSSIAN}, source=SOURCE, rounds=3, checkpoint=tmp_path / "rounds")
    np.testing.assert_array_equal(get_layer(killed).weight, untouched.weight)
    assert len(calls) == 3
    resumed = make_pipeline(tiny_bert)
    self_train(resumed, {"ru": RUSSIAN}, source=SOURCE, rounds=3, checkpoint=tmp_path / "rounds")
    assert len(calls) == 4 and not (tmp_path / "rounds").exists()
    np.testing.assert_array_equal(get_layer(resumed).weight, get_layer(whole).weight)


def test_the_rounds_of_another_run_are_not_gone_on_with(bert: Language, tiny_bert: Path, tmp_path: Path) -> None:
    other = make_pipeline(tiny_bert)
    other.meta["xlt_rounds"] = {"key": "another", "done": 2}
    other.to_disk(tmp_path / "rounds")
    assert self_train(bert, {"ru": RUSSIAN}, rounds=1, checkpoint=tmp_path / "rounds").chosen["best_round"] == 1


def test_the_best_round_by_dev_stands(bert: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    before = get_layer(bert)
    scores = iter([0.5, 0.6, 0.4])
    monkeypatch.setattr(module, "_score", lambda nlp, dev: next(scores))
    monkeypatch.setattr(module, "SETTLED", 0.0)
    assert self_train(bert, {"ru": RUSSIAN}, rounds=3).chosen["best_round"] == 1
    assert np.abs(get_layer(bert).weight - before.weight).max() > 0


def test_a_first_round_that_dev_speaks_against_is_said(bert: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    before = get_layer(bert)
    scores = iter([0.5, 0.4])
    monkeypatch.setattr(module, "_score", lambda nlp, dev: next(scores))
    result = self_train(bert, {"de": [f"{text} {i}" for i in range(6) for text, _ in TEXTS["de"]]}, rounds=3)
    assert result.chosen["best_round"] == 0
    assert result.notes == ["Nothing was learned: the first round made dev worse. The model stays as it is."]
    np.testing.assert_array_equal(get_layer(bert).weight, before.weight)


# What cannot be done


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({}, "There is no unlabelled text to learn from: give some with --texts."),
        ({"xx": RUSSIAN}, "There are texts without a language: name it with --language, or in the field 'lang'."),
        (
            {"ru": ["Один"] * 30},
            "Self-training needs at least 10 different texts of each language; of 'ru' there is 1.",
        ),
        ({"ru": []}, "Self-training needs at least 10 different texts of each language; of 'ru' there are 0."),
    ],
)
def test_bad_texts(bert: Language, texts: dict[str, list[str]], message: str) -> None:
    with pytest.raises(XltError) as caught:
        self_train(bert, texts)
    assert str(caught.value) == message


def test_a_head_of_several_labels(tiny_bert: Path) -> None:
    nlp = make_pipeline(tiny_bert, textcat="xlt_textcat_multilabel")
    with pytest.raises(XltError, match="exactly one label a text"):
        self_train(nlp, {"ru": RUSSIAN})


def test_texts_of_another_language_are_noticed(bert: Language) -> None:
    (note,) = self_train(bert, {"sw": RUSSIAN}, rounds=1).notes
    assert note == "12 of 12 texts of language 'sw' look like 'ru': is that the right file?"

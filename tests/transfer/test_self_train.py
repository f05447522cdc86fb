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
from spacy_xlt.models import save
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.training.model_state import get_layer, predictions, set_layer, take_snapshot
from spacy_xlt.transfer import self_train as module
from spacy_xlt.transfer.self_train import FIRST_FRACTION, label, self_train
from tests.records import make_records
from tests.toy import TEXTS, make_pipeline

SOURCE = [Record(text, (label,), "en", "en.csv") for text, label in TEXTS["en"]]
RUSSIAN = [f"{text} {i}" for i in range(6) for text, _ in TEXTS["ru"]]
GERMAN = [f"{text} {i}" for i in range(6) for text, _ in TEXTS["de"]]


@pytest.fixture
def bert(tiny_bert: Path) -> Language:
    return make_pipeline(tiny_bert)


@pytest.mark.parametrize("method", ["frozen", "finetune"])
def test_every_architecture(tiny_encoder: Path, tmp_path: Path, method: Any) -> None:
    nlp = make_pipeline(tiny_encoder)
    before, model = get_layer(nlp), take_snapshot(nlp).model
    result = self_train(nlp, {"ru": RUSSIAN}, source=SOURCE, method=method, rounds=1)
    assert result.method == "self-train" and result.data["texts"]["texts"] == 12
    assert result.accepted and result.settings["best_round"] == 1
    assert np.abs(get_layer(nlp).weight - before.weight).max() > 0
    assert find_pipe(nlp, Projector).languages == ["de", "en", "ru"]
    assert (take_snapshot(nlp).model is model) == (method == "frozen")
    nlp.to_disk(tmp_path / "out")
    assert spacy.load(tmp_path / "out")(RUSSIAN[0]).cats == pytest.approx(nlp(RUSSIAN[0]).cats, abs=1e-5)


def test_a_rejected_result_leaves_the_model(bert: Language) -> None:
    before = get_layer(bert)
    wrong = [Record(text, (next(name for name in ("order", "account") if name != gold),), "en", "")
             for text, gold in TEXTS["en"]]  # fmt: skip
    # Swapped labels as source: what is learned from them is wrong.
    result = self_train(bert, {"de": GERMAN}, source=wrong, rounds=1, dev=[*SOURCE, *SOURCE])
    assert result.settings["best_round"] == 0 or not result.accepted
    np.testing.assert_array_equal(get_layer(bert).weight, before.weight)


def test_learns_the_most_confident_predictions(bert: Language) -> None:
    # Less confident than it was trained to be, so that there is something to learn.
    layer = get_layer(bert)
    set_layer(bert, Layer(0.1 * layer.weight, 0.1 * layer.bias))
    records = [Record(record.text, (), "de", "") for record in make_records(20)]
    pseudo = label(bert, records, [], FIRST_FRACTION)
    assert 0 < len(pseudo.rows) < 20
    labels = pseudo.predicted[pseudo.rows]

    def loss() -> float:
        found = predictions(bert, pseudo.records)
        return float(-(pseudo.weights * np.log(found[np.arange(len(labels)), labels])).sum())

    before = loss()
    self_train(bert, {"de": [record.text for record in records]}, rounds=1)
    assert loss() < before


def test_a_killed_run_resumes_at_its_round(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = make_pipeline(tiny_bert)
    monkeypatch.setattr(module, "MIN_CHANGE", 0.0)
    self_train(whole, {"ru": RUSSIAN}, source=SOURCE, rounds=3)
    real, calls = module.set_layer, []

    def stop_in_round_3(nlp: Language, layer: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        real(nlp, layer)

    killed = make_pipeline(tiny_bert)
    untouched = get_layer(killed)
    monkeypatch.setattr(module, "set_layer", stop_in_round_3)
    with pytest.raises(KeyboardInterrupt):
        self_train(killed, {"ru": RUSSIAN}, source=SOURCE, rounds=3, checkpoint=tmp_path / "rounds")
    np.testing.assert_array_equal(get_layer(killed).weight, untouched.weight)
    assert len(calls) == 3
    resumed = make_pipeline(tiny_bert)
    self_train(resumed, {"ru": RUSSIAN}, source=SOURCE, rounds=3, checkpoint=tmp_path / "rounds")
    assert len(calls) == 4 and not (tmp_path / "rounds").exists()
    np.testing.assert_array_equal(get_layer(resumed).weight, get_layer(whole).weight)


def test_the_checkpoint_of_another_run_is_ignored(bert: Language, tiny_bert: Path, tmp_path: Path) -> None:
    other = make_pipeline(tiny_bert)
    other.meta["xlt_rounds"] = {"key": "another", "done": 2}
    other.to_disk(tmp_path / "rounds")
    assert self_train(bert, {"ru": RUSSIAN}, rounds=1, checkpoint=tmp_path / "rounds").settings["best_round"] == 1


def test_a_damaged_checkpoint(bert: Language, tmp_path: Path) -> None:
    (tmp_path / "rounds").mkdir()
    (tmp_path / "rounds" / "config.cfg").write_text("[nlp")
    with pytest.raises(XltError, match="rounds"):
        self_train(bert, {"ru": RUSSIAN}, checkpoint=tmp_path / "rounds")


def test_the_best_round_on_the_development_data_is_kept(bert: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    before = get_layer(bert)
    scores = iter([0.5, 0.6, 0.4])
    monkeypatch.setattr(module, "_score", lambda nlp, dev: next(scores))
    monkeypatch.setattr(module, "MIN_CHANGE", 0.0)
    assert self_train(bert, {"ru": RUSSIAN}, rounds=3).settings["best_round"] == 1
    assert np.abs(get_layer(bert).weight - before.weight).max() > 0


def test_a_first_round_that_is_worse_on_the_development_data(bert: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    before = get_layer(bert)
    scores = iter([0.5, 0.4])
    monkeypatch.setattr(module, "_score", lambda nlp, dev: next(scores))
    result = self_train(bert, {"de": GERMAN}, rounds=3)
    assert result.settings["best_round"] == 0 and len(result.notes) == 1
    np.testing.assert_array_equal(get_layer(bert).weight, before.weight)


def test_a_model_folder_is_changed_in_place(bert: Language, tmp_path: Path) -> None:
    save(bert, tmp_path / "model")
    result = self_train(tmp_path / "model", {"ru": RUSSIAN}, rounds=1)
    loaded = spacy.load(tmp_path / "model")
    assert loaded.meta["xlt_transfer"] == [result.to_dict()]
    assert find_pipe(loaded, Projector).languages == ["de", "en", "ru"]


# What cannot be done


@pytest.mark.parametrize(
    ("texts", "fragment"),
    [
        ({}, "no unlabeled text"),
        ({"xx": RUSSIAN}, "no language"),
        ({"ru": ["Один"] * 30}, "'ru' there is 1"),
        ({"ru": []}, "'ru'"),
    ],
)
def test_bad_texts(bert: Language, texts: dict[str, list[str]], fragment: str) -> None:
    with pytest.raises(XltError, match=fragment):
        self_train(bert, texts)


def test_no_round(bert: Language) -> None:
    with pytest.raises(XltError, match="not 0"):
        self_train(bert, {"ru": RUSSIAN}, rounds=0)


def test_a_multilabel_head(tiny_bert: Path) -> None:
    nlp = make_pipeline(tiny_bert, textcat="xlt_textcat_multilabel")
    with pytest.raises(XltError, match="exactly one label"):
        self_train(nlp, {"ru": RUSSIAN})


def test_texts_of_another_language_are_noticed(bert: Language) -> None:
    (note,) = self_train(bert, {"sw": RUSSIAN}, rounds=1).notes
    assert "12 of 12" in note and "'sw'" in note and "'ru'" in note

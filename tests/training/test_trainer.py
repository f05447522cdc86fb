"""Training encoder and head together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language

from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.training.callbacks import EarlyStopping
from spacy_xlt.training.examples import TrainingExample, make_examples
from spacy_xlt.training.head import TorchHead
from spacy_xlt.training.layers import copy_model
from spacy_xlt.training.loop import EpochEnd
from spacy_xlt.training.model_state import (
    average_weights,
    interpolate_weights,
    interpolate_with,
    predictions,
    restore,
    take_snapshot,
)
from spacy_xlt.training.network import EncoderNetwork
from spacy_xlt.training.settings import TrainingSettings
from spacy_xlt.training.trainer import count_layers, finetune, soften, trainable_encoder, training_windows
from tests.toy import LABELS, TEXTS, make_pipeline

torch = pytest.importorskip("torch")

RECORDS = [Record(text, (label,), code, code) for code in ("en", "de", "ru") for text, label in TEXTS[code]]


@pytest.fixture
def bert(tiny_bert: Path) -> Language:
    return make_pipeline(tiny_bert)


def examples(nlp: Language) -> list[TrainingExample]:
    return make_examples(RECORDS, list(nlp.get_pipe("xlt_textcat").labels))  # type: ignore[attr-defined]


def loss(nlp: Language) -> float:
    found = predictions(nlp, RECORDS)
    columns = [list(nlp.get_pipe("xlt_textcat").labels).index(record.labels[0]) for record in RECORDS]  # type: ignore[attr-defined]
    return float(-np.log(found[np.arange(len(RECORDS)), columns]).mean())


def test_learns_in_every_architecture_and_leaves_the_word_embeddings(tiny_encoder: Path, tmp_path: Path) -> None:
    nlp = make_pipeline(tiny_encoder)
    before, old = loss(nlp), take_snapshot(nlp).model
    state, weights = torch.random.get_rng_state(), [parameter.clone() for parameter in old.parameters()]
    finetune(nlp, examples(nlp), TrainingSettings(epochs=40, learning_rate=3e-4))
    assert loss(nlp) < 0.7 * before
    assert torch.equal(torch.random.get_rng_state(), state)
    # The old model can be put back.
    assert all(torch.equal(one, other) for one, other in zip(weights, old.parameters()))
    new = take_snapshot(nlp).model
    assert new is not old and not new.training
    assert new.get_input_embeddings().weight.data_ptr() == old.get_input_embeddings().weight.data_ptr()
    nlp.to_disk(tmp_path / "out")
    assert spacy.load(tmp_path / "out")(RECORDS[0].text).cats == pytest.approx(nlp(RECORDS[0].text).cats, abs=1e-5)


def test_the_torch_head_is_the_head(tiny_bert: Path) -> None:
    embed = {"@architectures": "spacy-xlt.DocEmbedding.v1"}
    mlp = {
        "model": {"@architectures": "spacy-xlt.TextCatMLP.v1", "exclusive_classes": True, "hidden": 8, "embed": embed}
    }
    for config in ({}, {"xlt_textcat": mlp}):
        nlp = make_pipeline(tiny_bert, config=config)
        head = TorchHead(nlp, torch.device("cpu"))
        vectors = torch.tensor(find_pipe(nlp, Encoder).encode([record.text for record in RECORDS]))
        scores = head.scores(head.project(vectors, [record.language for record in RECORDS]))
        found = torch.softmax(scores, dim=1).detach().numpy()
        np.testing.assert_allclose(found, predictions(nlp, RECORDS), atol=1e-5)
        np.testing.assert_allclose(head.layer().weight, take_snapshot(nlp).layer.weight, rtol=1e-5)


def test_the_same_seed_gives_the_same_weights(tiny_bert: Path) -> None:
    found = []
    for seed in (0, 0, 1):
        nlp = make_pipeline(tiny_bert)
        finetune(nlp, examples(nlp), TrainingSettings(epochs=2, batch_size=4, learning_rate=1e-3, seed=seed))
        found.append(predictions(nlp, RECORDS))
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()


def test_goes_back_a_share_of_the_way(tiny_bert: Path) -> None:
    found = []
    for share in (1.0, 0.5, 0.0):
        nlp = make_pipeline(tiny_bert)
        start = take_snapshot(nlp)
        finetune(nlp, examples(nlp), TrainingSettings(epochs=1, learning_rate=1e-3))
        interpolate_with(nlp, start, share)
        snapshot = take_snapshot(nlp)
        found.append([snapshot.layer.weight, *(values.detach().numpy() for values in snapshot.model.parameters())])
    start = take_snapshot(make_pipeline(tiny_bert))
    np.testing.assert_allclose(found[0][0], start.layer.weight, atol=1e-6)
    for old, weights in zip(found[0][1:], start.model.parameters()):
        np.testing.assert_allclose(old, weights.detach().numpy(), atol=1e-6)
    for old, middle, new in zip(*found):
        np.testing.assert_allclose(middle, (old + new) / 2, atol=1e-6)
    assert any((old != new).any() for old, new in zip(found[0], found[2]))


def test_the_mean_of_trainings(tiny_bert: Path) -> None:
    nlp = make_pipeline(tiny_bert)
    start, tuned, found = take_snapshot(nlp), [], []

    def weights() -> list[np.ndarray]:
        now = take_snapshot(nlp)
        return [
            now.layer.weight,
            now.layer.bias,
            *(values.detach().numpy().copy() for values in now.model.parameters()),
        ]

    for seed in range(3):
        restore(nlp, start)
        finetune(nlp, examples(nlp), TrainingSettings(epochs=2, batch_size=4, learning_rate=1e-3, seed=seed))
        tuned.append(take_snapshot(nlp))
        found.append(weights())
    average_weights(nlp, tuned)
    assert all((one != other).any() for one, other in zip(found[0][:2], found[2]))
    for mean, *each in zip(weights(), *found):
        np.testing.assert_allclose(mean, np.mean(each, axis=0), atol=1e-6)


def test_weights_of_models_of_different_shapes_are_not_averaged(tiny_bert: Path) -> None:
    nlp = make_pipeline(tiny_bert)
    start = take_snapshot(nlp)
    finetune(nlp, examples(nlp), TrainingSettings(epochs=1, learning_rate=1e-3), layers=[0])
    # With one layer less: by position, the old second layer would be taken for what comes after it.
    with pytest.raises(XltError, match=r"encoder\.layer\.1\."):
        interpolate_with(nlp, start)
    with pytest.raises(XltError, match=r"encoder\.layer\.1\."):
        interpolate_weights(start.model, take_snapshot(nlp).model, 0.5)
    more = Layer(np.zeros((3, 4), dtype=np.float32), np.zeros(3, dtype=np.float32))
    with pytest.raises(XltError, match=r"\(3, 4\)"):
        average_weights(nlp, [start, replace(start, layer=more)])


def test_weights_are_averaged_by_name_in_whatever_order_they_come() -> None:
    one, other = torch.nn.Module(), torch.nn.Module()
    for model, names, value in ((one, "ab", 0.0), (other, "ba", 1.0)):
        for name in names:
            model.register_parameter(name, torch.nn.Parameter(torch.full((2,), value + 10.0 * (name == "b"))))
    interpolate_weights(one, other, 0.5)
    assert one.a.tolist() == [0.5, 0.5] and one.b.tolist() == [10.5, 10.5]


def test_learns_vectors_without_labels(bert: Language) -> None:
    encoder = find_pipe(bert, Encoder)
    texts = [record.text for record in RECORDS]
    goals = np.roll(encoder.encode(texts), 1, axis=0)
    before = (encoder.encode(texts) * goals).sum(axis=1).mean()
    finetune(
        bert,
        [TrainingExample(t, "en", vector=goal) for t, goal in zip(texts, goals)],
        TrainingSettings(epochs=30, learning_rate=1e-3),
    )
    assert (encoder.encode(texts) * goals).sum(axis=1).mean() > before + 0.3 * (1 - before)


def test_drops_layers(tiny_encoder: Path, tmp_path: Path) -> None:
    nlp = make_pipeline(tiny_encoder)
    assert count_layers(nlp) == 2
    finetune(nlp, examples(nlp), TrainingSettings(epochs=1, learning_rate=1e-3), layers=[0])
    assert count_layers(nlp) == 1
    nlp.to_disk(tmp_path / "out")
    loaded = spacy.load(tmp_path / "out")
    assert count_layers(loaded) == 1
    assert loaded(RECORDS[0].text).cats == pytest.approx(nlp(RECORDS[0].text).cats, abs=1e-5)


def test_long_and_blank_texts(bert: Language) -> None:
    target = np.array([1.0, 0.0], dtype=np.float32)
    finetune(
        bert,
        [TrainingExample("word " * 500, "en", target), TrainingExample(" ", "en", target)],
        TrainingSettings(epochs=1, learning_rate=1e-3),
    )
    with pytest.raises(XltError, match="no text"):
        finetune(bert, [TrainingExample(" ", "en", target)], TrainingSettings(epochs=1, learning_rate=1e-3))


def test_softening_is_a_temperature_of_the_scores() -> None:
    scores = np.array([[2.0, 0.0, -1.0]])
    for exclusive in (True, False):

        def of(values: np.ndarray, exclusive: bool = exclusive) -> np.ndarray:
            powers = np.exp(values)
            return powers / powers.sum(axis=1, keepdims=True) if exclusive else powers / (1 + powers)

        np.testing.assert_allclose(soften(of(scores), 2.0, exclusive), of(scores / 2), atol=1e-6)


def test_another_kind_of_encoder(bert: Language) -> None:
    find_pipe(bert, Encoder).encoder = type("Static", (), {"is_loaded": True, "width": 4})()
    with pytest.raises(XltError, match="Static"):
        finetune(
            bert,
            [TrainingExample("a", "en", np.zeros(len(LABELS), dtype=np.float32))],
            TrainingSettings(epochs=1, learning_rate=1e-3),
        )


# Frozen layers, long texts, checkpoints


def test_frozen_layers_stay_as_they_are(tiny_bert: Path) -> None:
    nlp = make_pipeline(tiny_bert)
    before = {name: values.clone() for name, values in take_snapshot(nlp).model.named_parameters()}
    finetune(nlp, examples(nlp), TrainingSettings(epochs=5, learning_rate=1e-3, freeze_layers=1))
    changed = {name for name, values in take_snapshot(nlp).model.named_parameters() if (values != before[name]).any()}
    assert changed and all(name.startswith("encoder.layer.1.") for name in changed)
    assert len(take_snapshot(nlp).model.encoder.layer) == 2


def test_upper_layers_on_stored_states_give_the_vectors_of_the_whole_model(tiny_bert: Path) -> None:
    nlp = make_pipeline(tiny_bert)
    encoder = trainable_encoder(nlp)
    texts = [record.text for record in RECORDS]
    windows = training_windows(encoder, texts, 128)
    whole = find_pipe(nlp, Encoder).encode(texts)
    for freeze_layers in (0, 1):
        network = EncoderNetwork(
            copy_model(encoder.model),
            windows,
            pooling=encoder.settings.pooling,
            device=torch.device("cpu"),
            bfloat16=False,
            freeze_layers=freeze_layers,
        )
        np.testing.assert_allclose(network(range(len(texts))).detach().numpy(), whole, atol=1e-5)


@pytest.mark.parametrize("freeze_layers", [2, 7])
def test_too_many_frozen_layers(freeze_layers: int, bert: Language) -> None:
    with pytest.raises(XltError, match=f"not {freeze_layers}"):
        finetune(bert, examples(bert), TrainingSettings(freeze_layers=freeze_layers))


@pytest.mark.parametrize("tiny_encoder", ["mt5"], indirect=True)
def test_layers_of_t5_cannot_be_frozen(tiny_encoder: Path) -> None:
    nlp = make_pipeline(tiny_encoder)
    with pytest.raises(XltError, match="T5"):
        finetune(nlp, examples(nlp), TrainingSettings(freeze_layers=1))


def test_of_a_long_text_evenly_spread_windows_are_read(bert: Language) -> None:
    text = " ".join(f"word{number}" for number in range(600))
    encoder = trainable_encoder(bert)
    for max_length, number in ((128, 1), (256, 2), (512, 4)):
        ((*windows,),) = training_windows(encoder, [text], max_length)
        assert len(windows) == number and max(map(len, windows)) <= 128
    short, blank = training_windows(encoder, ["My parcel", " "], 128)
    assert len(short) == 1 and blank == []


def test_a_killed_training_resumes_with_the_weights_of_one_that_was_not(tiny_bert: Path, tmp_path: Path) -> None:
    settings = TrainingSettings(epochs=4, learning_rate=1e-3, average_epochs=2)

    def killed(end: EpochEnd) -> None:
        if end.epoch == 3:
            raise KeyboardInterrupt

    whole, resumed = make_pipeline(tiny_bert), make_pipeline(tiny_bert)
    finetune(whole, examples(whole), settings)
    with pytest.raises(KeyboardInterrupt):
        finetune(resumed, examples(resumed), settings, callbacks=[killed], checkpoint=tmp_path / "state")
    ended: list[int] = []
    finetune(
        resumed,
        examples(resumed),
        settings,
        callbacks=[lambda end: ended.append(end.epoch)],
        checkpoint=tmp_path / "state",
    )
    assert ended == [4] and not (tmp_path / "state").exists()
    np.testing.assert_allclose(predictions(resumed, RECORDS), predictions(whole, RECORDS), atol=1e-6)


def test_a_damaged_checkpoint_is_named(bert: Language, tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"damaged")
    with pytest.raises(XltError, match=str(tmp_path)):
        finetune(bert, examples(bert), TrainingSettings(epochs=1), checkpoint=tmp_path)


def test_early_stopping_ends_a_training_whose_score_does_not_rise(bert: Language) -> None:
    scores = iter([0.5, 0.6, 0.6, 0.9])
    ended: list[int] = []
    finetune(
        bert,
        examples(bert),
        TrainingSettings(epochs=4),
        callbacks=[lambda end: ended.append(end.epoch), EarlyStopping(lambda: next(scores))],
    )
    assert ended == [1, 2, 3]


@pytest.mark.parametrize(
    ("setting", "value"), [("epochs", 0), ("learning_rate", -1.0), ("batch_size", 0), ("max_length", 3)]
)
def test_settings_that_make_no_sense(setting: str, value: float) -> None:
    with pytest.raises(XltError, match=f"{setting} .*{value}"):
        TrainingSettings(**{setting: value})  # type: ignore[arg-type]

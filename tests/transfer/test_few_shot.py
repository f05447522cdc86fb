"""Few-shot transfer."""

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
from spacy_xlt.result import Result
from spacy_xlt.training.model_state import get_layer, make_features, take_snapshot
from spacy_xlt.transfer.few_shot import (
    OLD_WEIGHT,
    RUNS,
    Candidate,
    Task,
    choose,
    cross_validation,
    draw,
    few_shot,
    label_weights,
)
from tests.toy import LABELS, TEXTS, make_pipeline

FOLDS = [np.flatnonzero(np.arange(60) // 3 % 5 == fold) for fold in range(5)]


def records(code: str) -> list[Record]:
    return [Record(text, (label,), code, f"{code}.csv:{i}") for i, (text, label) in enumerate(TEXTS[code], start=2)]


def correct(nlp: Language, texts: list[Record]) -> int:
    docs = [nlp.make_doc(record.text) for record in texts]
    for doc, record in zip(docs, texts):
        doc._.language = record.language
    found = [max(doc.cats, key=doc.cats.__getitem__) for doc in nlp.pipe(docs)]
    return sum(label == record.labels[0] for label, record in zip(found, texts))


@pytest.fixture
def nlp(tiny_encoder: Path) -> Language:
    """Each architecture."""
    return make_pipeline(tiny_encoder)


@pytest.fixture
def bert(tiny_bert: Path) -> Language:
    return make_pipeline(tiny_bert)


def test_learns_the_target_texts_and_keeps_the_source(nlp: Language, tmp_path: Path) -> None:
    # Swapped labels and almost no penalty: the target texts can only be learned by heart.
    target = [Record(r.text, (LABELS[1 - LABELS.index(r.labels[0])],), "ru", r.location) for r in records("ru")]
    result = few_shot(nlp, target, source=records("en"), l2=0.0001)
    assert isinstance(result, Result) and result.settings["joint"] and result.settings["languages"] == ["ru"]
    assert correct(nlp, target) == 2 and correct(nlp, records("en")) == 6
    nlp.to_disk(tmp_path / "out")
    loaded = spacy.load(tmp_path / "out")
    assert loaded(target[0].text).cats == pytest.approx(nlp(target[0].text).cats)
    (noted,) = loaded.meta["xlt_transfer"]
    assert noted == result.to_dict()


def test_without_source_texts_the_weights_start_from_the_source(bert: Language) -> None:
    before = get_layer(bert)
    result = few_shot(bert, records("ru"), l2=1e6)
    assert result.settings["joint"] is False
    np.testing.assert_allclose(get_layer(bert).weight, before.weight, atol=1e-4)


def test_a_new_language_is_projected_first(bert: Language) -> None:
    few_shot(bert, records("ru"))
    assert find_pipe(bert, Projector).languages == ["de", "en", "ru"]


def test_the_same_seed_gives_the_same_model(tiny_bert: Path) -> None:
    layers = []
    for _ in range(2):
        nlp = make_pipeline(tiny_bert)
        few_shot(nlp, [*records("ru"), *records("de")], source=records("en"), seed=3)
        layers.append(get_layer(nlp))
    np.testing.assert_array_equal(layers[0].weight, layers[1].weight)


def test_a_hidden_layer_and_several_labels(tiny_bert: Path) -> None:
    mlp = {"model": {"@architectures": "spacy-xlt.TextCatMLP.v1", "exclusive_classes": False, "hidden": 8, "scale": 5.0,
                     "embed": {"@architectures": "spacy-xlt.DocEmbedding.v1"}}}  # fmt: skip
    nlp = make_pipeline(tiny_bert, config={"xlt_textcat_multilabel": mlp}, textcat="xlt_textcat_multilabel")
    both = Record("Пароль и заказ.", LABELS, "ru", "ru.csv:9")
    texts = [*records("ru"), both]
    few_shot(nlp, texts, l2=0.001)
    assert make_features(nlp, texts).shape == (3, 8)
    doc = nlp.make_doc(both.text)
    doc._.language = "ru"
    assert min(nlp(doc).cats.values()) > 0.5


def make_task(right: bool, scale: float, n: int = 60) -> Task:
    """A layer that classifies the target texts correctly, or swaps two labels; `scale` is the size of its weights."""
    chance = np.random.default_rng(0)
    gold = np.eye(3)[np.arange(n) % 3]
    rows = (gold + chance.normal(scale=0.6, size=gold.shape)).astype(np.float32)
    weight = np.eye(3) if right else np.eye(3)[[1, 0, 2]]
    layer = Layer((scale * weight).astype(np.float32), np.zeros(3, np.float32))
    return Task(rows, gold, np.ones(n), np.repeat(rows, 2, axis=0), np.repeat(gold, 2, axis=0), layer, True)


@pytest.mark.parametrize("scale", [5.0, 50.0])
def test_a_correct_layer_stays_whatever_its_confidence(scale: float) -> None:
    task = make_task(True, scale)
    assert choose(task, cross_validation(task, FOLDS)) is None


def test_a_wrong_layer_is_replaced() -> None:
    task = make_task(False, 10.0)
    chosen = choose(task, cross_validation(task, FOLDS))
    assert isinstance(chosen, Candidate)
    gold, right = task.gold.argmax(axis=1), make_task(True, 10.0).layer
    accuracies = [(layer(task.features).argmax(axis=1) == gold).mean() for layer in (task.fit(chosen), right)]
    assert accuracies[0] > accuracies[1] - 0.05 > (task.layer(task.features).argmax(axis=1) == gold).mean() + 0.1


def test_development_data_of_the_target_decide(bert: Language, tmp_path: Path) -> None:
    bert.to_disk(tmp_path)
    mixed_up = [Record(r.text, (LABELS[1 - LABELS.index(r.labels[0])],), "ru", r.location) for r in records("ru")]
    few_shot(bert, mixed_up, source=records("en"), dev=[*mixed_up, *records("en")])
    assert correct(bert, mixed_up) == 2
    other = spacy.load(tmp_path)
    before = correct(other, records("ru"))
    few_shot(other, mixed_up, source=records("en"), dev=[*records("ru"), *records("en")])
    assert correct(other, records("ru")) >= before


def test_labels_are_weighted_by_their_frequency_in_the_source() -> None:
    def texts(code: str, counts: tuple[int, int]) -> list[Record]:
        return [Record("", (label,), code, "") for label, n in zip(LABELS, counts) for _ in range(n)]

    target = [*texts("de", (4, 4)), *texts("ru", (1, 2))]
    weights = label_weights(target, texts("en", (299, 99)), LABELS)
    np.testing.assert_allclose(weights[:8], [1.5] * 4 + [0.5] * 4)
    np.testing.assert_allclose(weights[8:], [2.25, 0.375, 0.375])
    assert label_weights(target, [], LABELS).tolist() == [1.0] * 11
    assert label_weights([Record("", LABELS, "de", "")], target, LABELS).tolist() == [1.0]


def test_some_texts_of_a_large_source_are_drawn() -> None:
    texts = [Record(str(i), (LABELS[i % 2],), "en", "") for i in range(100)]
    assert draw(texts, 100, seed=0) is texts
    drawn = draw(texts, 40, seed=0)
    assert len(drawn) == len(set(drawn)) == 40 and drawn == sorted(drawn, key=texts.index)
    assert draw(texts, 40, seed=0) == drawn != draw(texts, 40, seed=1)


def test_fine_tuning_averages_runs_and_interpolates_with_the_old_weights(bert: Language) -> None:
    model = take_snapshot(bert).model
    result = few_shot(bert, records("ru"), source=records("en"), method="finetune", epochs=2, freeze_layers=1)
    assert result.settings["runs"] == RUNS and result.settings["old_weight"] == OLD_WEIGHT
    assert result.settings["freeze_layers"] == 1 and result.settings["epochs"] == 2
    old, new = (list(each.encoder.layer.parameters()) for each in (model, take_snapshot(bert).model))
    half = len(old) // 2
    assert all(bool((one == other).all()) for one, other in zip(old[:half], new[:half]))
    assert any(bool((one != other).any()) for one, other in zip(old[half:], new[half:]))


def test_a_model_folder_is_changed_in_place(bert: Language, tmp_path: Path) -> None:
    save(bert, tmp_path / "model")
    result = few_shot(tmp_path / "model", records("ru"), l2=1.0)
    loaded = spacy.load(tmp_path / "model")
    assert loaded.meta["xlt_transfer"] == [result.to_dict()]
    few_shot(bert, records("ru"), l2=1.0)
    np.testing.assert_allclose(get_layer(loaded).weight, get_layer(bert).weight, atol=1e-5)


def test_a_model_folder_stays_if_the_data_are_wrong(bert: Language, tmp_path: Path) -> None:
    save(bert, tmp_path / "model")
    with pytest.raises(XltError):
        few_shot(str(tmp_path / "model"), records("ru")[:1])
    assert "xlt_transfer" not in spacy.load(tmp_path / "model").meta


# What cannot be done


def test_an_unknown_method(bert: Language) -> None:
    with pytest.raises(XltError, match="'magic'"):
        few_shot(bert, records("ru"), method="magic")  # type: ignore[arg-type]


def changed(number: int, **fields: Any) -> list[Record]:
    texts = records("ru")
    return [Record(**{**vars(r), **(fields if i == number else {})}) for i, r in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "fragments"),
    [
        ([], []),
        (changed(0, labels=("weather",)), ["ru.csv:2", "'weather'"]),
        (records("ru")[:1], ["'account'", "'ru'"]),
        (changed(0, language="xx"), ["ru.csv:2", "language"]),
        (changed(1, text=TEXTS["ru"][0][0]), ["ru.csv:3", "ru.csv:2"]),
        (changed(1, labels=LABELS), ["ru.csv:3", "2 labels"]),
    ],
)
def test_bad_labels(bert: Language, texts: list[Record], fragments: list[str]) -> None:
    before = get_layer(bert)
    with pytest.raises(XltError) as caught:
        few_shot(bert, texts)
    assert all(fragment in str(caught.value) for fragment in fragments)
    np.testing.assert_array_equal(get_layer(bert).weight, before.weight)


def test_one_text_repeated_counts_once(bert: Language, tiny_bert: Path) -> None:
    few_shot(bert, [*records("ru"), *records("ru"), *records("ru")], l2=1.0)
    other = make_pipeline(tiny_bert)
    few_shot(other, records("ru"), l2=1.0)
    np.testing.assert_array_equal(get_layer(bert).weight, get_layer(other).weight)


def test_texts_of_another_language_are_noticed(bert: Language) -> None:
    texts = [Record(f"{r.text} {i}", r.labels, "sw", "") for i in range(3) for r in records("ru")]
    (note,) = few_shot(bert, texts, l2=1.0).notes
    assert "6 of 6" in note and "'sw'" in note and "'ru'" in note


def test_a_pipeline_without_our_head(tiny_bert: Path) -> None:
    nlp = spacy.blank("xx")
    with pytest.raises(XltError, match="TextCategorizer"):
        few_shot(nlp, records("ru"))


def test_names_of_fields_are_passed_on_and_the_language_is_that_of_the_data_alone(tiny_bert: Path) -> None:
    nlp = make_pipeline(tiny_bert)
    german = [{"body": text, "queue": label} for text, label in TEXTS["de"]]
    english = [{"body": text, "queue": label, "lang": "en"} for text, label in TEXTS["en"]]
    result = few_shot(nlp, german, source=english, dev=english, text="body", label="queue", language="German")
    assert result.settings["languages"] == ["de"] and set(result.metrics) == {"en"}

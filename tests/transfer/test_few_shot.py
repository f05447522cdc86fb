"""Few-shot transfer on the frozen encoder."""

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
from spacy_xlt.training.model_state import get_layer, make_features
from spacy_xlt.transfer.few_shot import (
    FOLDS,
    _Candidate,
    _Problem,
    choose,
    cross_validation,
    draw,
    few_shot,
    label_weights,
    make_folds,
)
from tests.toy import LABELS, TEXTS, make_pipeline


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
    # As good as learned by heart: the texts say opposite things to the head that has only seen English.
    target = [Record(r.text, (LABELS[1 - LABELS.index(r.labels[0])],), "ru", r.location) for r in records("ru")]
    result = few_shot(nlp, target, source=records("en"), strength=0.0001, weights={"ru": 2.0})
    assert result.chosen["joint"] and result.chosen["languages"] == ["ru"]
    assert correct(nlp, target) == 2 and correct(nlp, records("en")) == 6
    nlp.to_disk(tmp_path / "out")
    loaded = spacy.load(tmp_path / "out")
    assert loaded(target[0].text).cats == pytest.approx(nlp(target[0].text).cats)
    (noted,) = loaded.meta["xlt_transfer"]
    assert noted["data"] == result.data and noted["reason"] == result.reason


def test_without_source_texts_the_weights_start_from_the_source(bert: Language) -> None:
    before = get_layer(bert)
    result = few_shot(bert, records("ru"), strength=1e6)
    assert result.chosen["joint"] is False
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
    few_shot(nlp, texts, strength=0.001)
    assert make_features(nlp, texts).shape == (3, 8)
    doc = nlp.make_doc(both.text)
    doc._.language = "ru"
    assert min(nlp(doc).cats.values()) > 0.5


def test_folds_spread_every_label_and_language() -> None:
    texts = [Record(str(i), (LABELS[i % 2],), code, "") for code in ("de", "ru") for i in range(20)]
    folds = make_folds(texts, seed=0)
    for fold in range(FOLDS):
        there = [(r.language, r.labels) for r, f in zip(texts, folds) if f == fold]
        assert len(there) == 8 and len(set(there)) == 4
    assert (folds != make_folds(texts, seed=1)).any()


def make_problem(right: bool, sure: float, n: int = 60) -> _Problem:
    """A layer that is right (or has two labels mixed up) about the target texts, and as sure of it as `sure`."""
    chance = np.random.default_rng(0)
    gold = np.eye(3)[np.arange(n) % 3]
    rows = (gold + chance.normal(scale=0.6, size=gold.shape)).astype(np.float32)
    weight = np.eye(3) if right else np.eye(3)[[1, 0, 2]]
    layer = Layer((sure * weight).astype(np.float32), np.zeros(3, np.float32))
    return _Problem(rows, gold, np.ones(n), np.repeat(rows, 2, axis=0), np.repeat(gold, 2, axis=0), layer, True)


@pytest.mark.parametrize("sure", [5.0, 50.0])
def test_a_layer_that_is_right_stays_however_sure_it_is(sure: float) -> None:
    problem = make_problem(True, sure)
    assert choose(problem, cross_validation(problem, np.arange(60) // 3 % FOLDS)) is None


def test_a_layer_that_is_wrong_is_learned_anew_or_far_away() -> None:
    problem = make_problem(False, 10.0)
    chosen = choose(problem, cross_validation(problem, np.arange(60) // 3 % FOLDS))
    assert isinstance(chosen, _Candidate)
    gold, right = problem.gold.argmax(axis=1), make_problem(True, 10.0).layer
    accuracies = [(layer(problem.features).argmax(axis=1) == gold).mean() for layer in (problem.fit(chosen), right)]
    assert accuracies[0] > accuracies[1] - 0.05 > (problem.layer(problem.features).argmax(axis=1) == gold).mean() + 0.1


def test_dev_texts_of_the_target_decide_where_there_are_some(bert: Language, tmp_path: Path) -> None:
    bert.to_disk(tmp_path)
    mixed_up = [Record(r.text, (LABELS[1 - LABELS.index(r.labels[0])],), "ru", r.location) for r in records("ru")]
    few_shot(bert, mixed_up, source=records("en"), dev=[*mixed_up, *records("en")])
    assert correct(bert, mixed_up) == 2
    other = spacy.load(tmp_path)
    before = correct(other, records("ru"))
    few_shot(other, mixed_up, source=records("en"), dev=[*records("ru"), *records("en")])
    assert correct(other, records("ru")) >= before


def test_labels_count_by_their_share_in_the_source() -> None:
    def texts(code: str, counts: tuple[int, int]) -> list[Record]:
        return [Record("", (label,), code, "") for label, n in zip(LABELS, counts) for _ in range(n)]

    target = [*texts("de", (4, 4)), *texts("ru", (1, 2))]
    weights = label_weights(target, texts("en", (299, 99)), LABELS)
    np.testing.assert_allclose(weights[:8], [1.5] * 4 + [0.5] * 4)
    np.testing.assert_allclose(weights[8:], [2.25, 0.375, 0.375])
    assert label_weights(target, [], LABELS).tolist() == [1.0] * 11
    assert label_weights([Record("", LABELS, "de", "")], target, LABELS).tolist() == [1.0]


def test_of_a_large_source_some_are_drawn() -> None:
    texts = [Record(str(i), (LABELS[i % 2],), "en", "") for i in range(100)]
    assert draw(texts, 100, seed=0) is texts
    drawn = draw(texts, 40, seed=0)
    assert len(drawn) == len(set(drawn)) == 40 and drawn == sorted(drawn, key=texts.index)
    assert draw(texts, 40, seed=0) == drawn != draw(texts, 40, seed=1)


# What cannot be done


def changed(number: int, **fields: Any) -> list[Record]:
    texts = records("ru")
    return [Record(**{**vars(r), **(fields if i == number else {})}) for i, r in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "There is no labelled text of a target language: give some with --texts."),
        (changed(0, labels=("weather",)), "ru.csv:2: the model does not know the label 'weather'; it knows"),
        (records("ru")[:1], "There is no text of 'account' among those of language 'ru': give at least one a label."),
        (changed(0, language="xx"), "ru.csv:2: a text without a language: name it with --language, or in the field"),
        (changed(1, text=TEXTS["ru"][0][0]), "ru.csv:3: the same text as in ru.csv:2 with another label"),
        (changed(1, labels=LABELS), "ru.csv:3: 2 labels, but the model gives exactly one."),
    ],
)
def test_bad_labels(bert: Language, texts: list[Record], message: str) -> None:
    before = get_layer(bert)
    with pytest.raises(XltError) as caught:
        few_shot(bert, texts)
    assert str(caught.value).startswith(message)
    np.testing.assert_array_equal(get_layer(bert).weight, before.weight)


def test_one_text_repeated_counts_once(bert: Language, tiny_bert: Path) -> None:
    few_shot(bert, [*records("ru"), *records("ru"), *records("ru")], strength=1.0)
    other = make_pipeline(tiny_bert)
    few_shot(other, records("ru"), strength=1.0)
    np.testing.assert_array_equal(get_layer(bert).weight, get_layer(other).weight)


def test_texts_of_another_language_are_noticed(bert: Language) -> None:
    texts = [Record(f"{r.text} {i}", r.labels, "sw", "") for i in range(3) for r in records("ru")]
    result = few_shot(bert, texts, strength=1.0)
    assert result.notes == ["6 of 6 texts of language 'sw' look like 'ru': is that the right file?"]


def test_a_pipeline_without_our_head(tiny_bert: Path) -> None:
    nlp = spacy.blank("xx")
    with pytest.raises(XltError, match="has no TextCategorizer component"):
        few_shot(nlp, records("ru"))

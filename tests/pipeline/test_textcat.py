"""`xlt_textcat` and `xlt_textcat_multilabel`."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_xlt.errors import XltError
from tests.toy import ANNOTATING, COMPONENTS, LABELS, TEXTS, initialize, make_examples, make_pipeline, train

BLANK = ["", " ", "\n\t"]
EMBED = {"@architectures": "spacy-xlt.DocEmbedding.v1"}
MLP = {"@architectures": "spacy-xlt.TextCatMLP.v1", "hidden": 16, "embed": EMBED}
MULTI = ("order", "account", "urgent")


@pytest.fixture(scope="module")
def nlp(tiny_bert: Path) -> Language:
    """Trained on English. Tests leave it as it is."""
    return make_pipeline(tiny_bert)


def multilabel_examples(nlp: Language) -> list[Example]:
    """The English texts: every other one is urgent as well, the last one is nothing at all."""
    examples = make_examples(nlp, labels=MULTI)
    for example in examples[::2]:
        example.reference.cats["urgent"] = 1.0
    examples[-1].reference.cats = dict.fromkeys(MULTI, 0.0)
    return examples


@pytest.fixture(scope="module")
def multilabel(tiny_bert: Path) -> Language:
    nlp = spacy.blank("xx")
    for name in (*COMPONENTS[:3], "xlt_textcat_multilabel"):
        nlp.add_pipe(name)
    examples = multilabel_examples(nlp)
    initialize(nlp, tiny_bert, examples)
    train(nlp, examples)
    return nlp


def best(doc: Doc) -> str:
    return max(doc.cats, key=lambda label: doc.cats[label])


def scores(nlp: Language, texts: list[str], **settings: Any) -> list[dict[str, float]]:
    return [doc.cats for doc in nlp.pipe(texts, **settings)]


# Learning


@pytest.mark.parametrize("model", [None, MLP], ids=["linear", "mlp"])
def test_a_toy_task_is_learned(tiny_encoder: Path, model: dict[str, Any] | None) -> None:
    nlp = make_pipeline(tiny_encoder, config={"xlt_textcat": {"model": model}} if model else None)
    assert [best(nlp(text)) for text, _ in TEXTS["en"]] == [label for _, label in TEXTS["en"]]


def test_before_training_all_labels_are_equal(tiny_bert: Path) -> None:
    nlp = spacy.blank("xx")
    for name in COMPONENTS:
        nlp.add_pipe(name)
    initialize(nlp, tiny_bert, make_examples(nlp))
    assert nlp("My order").cats == {"order": 0.5, "account": 0.5}


def test_scores_of_exclusive_labels_add_up_to_1(nlp: Language) -> None:
    for doc in nlp.pipe([text for text, _ in TEXTS["en"] + TEXTS["ru"]] + BLANK):
        assert list(doc.cats) == list(LABELS)
        assert all(type(score) is float and 0 <= score <= 1 for score in doc.cats.values())
        assert sum(doc.cats.values()) == pytest.approx(1, abs=1e-6)


def test_multilabel_learns_each_label_by_itself(multilabel: Language) -> None:
    for example in multilabel_examples(multilabel):
        cats = multilabel(example.text).cats
        assert {label: score >= 0.5 for label, score in cats.items()} == example.reference.cats


def test_the_same_seed_gives_the_same_scores(tiny_bert: Path, nlp: Language) -> None:
    texts = [text for text, _ in TEXTS["en"]]
    assert scores(make_pipeline(tiny_bert), texts) == scores(nlp, texts)


def test_learning_does_not_touch_the_embeddings(tiny_bert: Path, nlp: Language) -> None:
    untrained = spacy.blank("xx")
    untrained.add_pipe("xlt_encoder")
    initialize(untrained, tiny_bert, make_examples(untrained))
    text = TEXTS["en"][0][0]
    np.testing.assert_allclose(nlp(text)._.xlt_embedding, untrained(text)._.xlt_embedding, atol=1e-6)


# Empty texts


def test_empty_texts_get_the_prior_of_the_head_in_any_company(nlp: Language) -> None:
    head: Any = nlp.get_pipe("xlt_textcat")
    bias = head.model.get_ref("output_layer").get_param("b")
    prior = np.exp(bias) / np.exp(bias).sum()
    text = TEXTS["en"][0][0]
    for batch in ([""], [" "], BLANK, [text, ""], ["", text], [*BLANK, text, text]):
        for given, cats in zip(batch, scores(nlp, batch)):
            if given != text:
                np.testing.assert_allclose(list(cats.values()), prior, atol=1e-6)
    assert nlp("").cats != nlp(text).cats


def test_empty_texts_get_the_prior_of_multilabel_heads_too(multilabel: Language) -> None:
    head: Any = multilabel.get_pipe("xlt_textcat_multilabel")
    bias = head.model.get_ref("output_layer").layers[0].get_param("b")
    for cats in scores(multilabel, BLANK) + scores(multilabel, ["", "My order"])[:1]:
        np.testing.assert_allclose(list(cats.values()), 1 / (1 + np.exp(-bias)), atol=1e-6)


def test_no_texts(nlp: Language) -> None:
    head: Any = nlp.get_pipe("xlt_textcat")
    assert list(nlp.pipe([])) == []
    assert head.predict([]).shape == (0, len(LABELS))


# Labels


def test_labels_come_from_the_examples(nlp: Language) -> None:
    head: Any = nlp.get_pipe("xlt_textcat")
    assert head.labels == LABELS
    assert nlp.meta["labels"]["xlt_textcat"] == list(LABELS)


def test_labels_can_be_given_at_initialisation(tiny_bert: Path) -> None:
    nlp = spacy.blank("xx")
    for name in COMPONENTS:
        nlp.add_pipe(name)
    nlp.config["initialize"]["components"]["xlt_textcat"] = {"labels": ["other", *LABELS]}
    initialize(nlp, tiny_bert, make_examples(nlp))
    assert list(nlp("My order").cats) == ["other", *LABELS]


def test_a_label_cannot_be_added_to_a_trained_head(nlp: Language) -> None:
    head: Any = nlp.get_pipe("xlt_textcat")
    with pytest.raises(ValueError, match="E922"):
        head.add_label("other")
    assert head.labels == LABELS


def test_one_label_is_not_enough(tiny_bert: Path) -> None:
    nlp = spacy.blank("xx")
    for name in COMPONENTS:
        nlp.add_pipe(name)
    with pytest.raises(ValueError, match="E867"):
        initialize(nlp, tiny_bert, make_examples(nlp, labels=("order",)))


# In other pipelines


def test_it_joins_a_pipeline_that_is_there(tiny_bert: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    for name in COMPONENTS:
        nlp.add_pipe(name)
    examples = make_examples(nlp)
    initialize(nlp, tiny_bert, examples)
    train(nlp, examples)
    doc = nlp("My order has not arrived and I want my money back. Where is it?")
    assert len(list(doc.sents)) == 2
    assert best(doc) == "order"


def test_a_trained_head_can_be_sourced(nlp: Language) -> None:
    other = spacy.blank("xx")
    for name in COMPONENTS:
        other.add_pipe(name, source=nlp)
    texts = [text for text, _ in TEXTS["en"]]
    assert scores(other, texts) == scores(nlp, texts)


def test_without_projector_it_reads_the_embedding(tiny_bert: Path) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_encoder")
    model = {
        "@architectures": "spacy-xlt.TextCatLinear.v1",
        "embed": {"@architectures": "spacy-xlt.DocEmbedding.v1", "attribute": "xlt_embedding"},
    }
    nlp.add_pipe("xlt_textcat", config={"model": model})
    examples = make_examples(nlp)
    initialize(nlp, tiny_bert, examples)
    train(nlp, examples, annotates=["xlt_encoder"])
    assert [best(nlp(text)) for text, _ in TEXTS["en"]] == [label for _, label in TEXTS["en"]]


# Errors


@pytest.mark.parametrize(
    ("names", "mend"), [(["xlt_textcat"], "xlt_projector"), (["xlt_encoder", "xlt_textcat"], "xlt_projector")]
)
def test_a_missing_component_is_named_at_initialisation(tiny_bert: Path, names: list[str], mend: str) -> None:
    nlp = spacy.blank("xx")
    for name in names:
        nlp.add_pipe(name)
    if "xlt_encoder" in names:
        nlp.config["initialize"]["components"]["xlt_encoder"] = {"source": str(tiny_bert)}
    with pytest.raises(XltError, match=f"put {mend} before it"):
        nlp.initialize(lambda: make_examples(nlp))


def test_a_component_that_is_switched_off_is_named(nlp: Language) -> None:
    with nlp.select_pipes(disable="xlt_projector"), pytest.raises(XltError, match="put xlt_projector before it"):
        nlp("text")


def test_forgotten_annotating_components_are_named(tiny_bert: Path) -> None:
    nlp = spacy.blank("xx")
    for name in COMPONENTS:
        nlp.add_pipe(name)
    examples = make_examples(nlp)
    initialize(nlp, tiny_bert, examples)
    with pytest.raises(XltError, match="annotating_components"):
        train(nlp, examples, steps=1, annotates=[])


def test_wrong_categories_are_refused(nlp: Language) -> None:
    doc = nlp.make_doc("My order")
    both = Example.from_dict(doc, {"cats": {"order": 1.0, "account": 1.0}})
    with pytest.raises(ValueError, match="E895"):
        nlp.update([both], annotates=ANNOTATING)


# Examples and scores


def test_initialisation_leaves_references_as_they_are(tiny_bert: Path) -> None:
    nlp = spacy.blank("xx")
    for name in COMPONENTS:
        nlp.add_pipe(name)
    examples = make_examples(nlp)
    for example in examples:
        example.reference._.language = "xx"
    initialize(nlp, tiny_bert, examples)
    for example in examples:
        assert example.reference._.language == "xx"
        assert example.reference._.xlt_embedding is None


def test_scores_of_evaluation(nlp: Language) -> None:
    examples = make_examples(nlp, "en", "de")
    for label in LABELS:
        examples[0].reference.cats[label] = 1 - examples[0].reference.cats[label]  # a mistake in the gold
    german = [best(nlp(text)) == label for text, label in TEXTS["de"]]
    found = nlp.evaluate(examples)
    assert {"cats_score", "cats_macro_f", "cats_micro_f", "cats_f_per_type", "cats_macro_auc"} <= set(found)
    assert set(found["cats_f_per_type"]) == set(LABELS)
    by_language = found["cats_by_language"]
    assert set(by_language) == {"en", "de"}
    assert by_language["en"]["n"] == 6
    assert by_language["en"]["accuracy"] == pytest.approx(5 / 6)
    assert by_language["de"]["accuracy"] == pytest.approx(np.mean(german))
    assert 0 < by_language["en"]["macro_f1"] < 1
    assert found["cats_micro_f"] == pytest.approx((5 + sum(german)) / 8)


def test_scores_of_multilabel_evaluation(multilabel: Language) -> None:
    found = multilabel.evaluate(multilabel_examples(multilabel))
    assert found["cats_by_language"]["en"] == {"n": 6, "accuracy": 1.0, "macro_f1": 1.0}
    assert found["cats_macro_f"] == pytest.approx(1)

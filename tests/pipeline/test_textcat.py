"""`xlt_textcat` and `xlt_textcat_multilabel`."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_nlp
from thinc.api import Adam

from spacy_xlt.errors import XltError
from spacy_xlt.training.pipeline import read_packaged_config
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


def untrained_multilabel(tiny_bert: Path) -> tuple[Language, list[Example]]:
    """A pipeline with several labels a text, initialized, and examples for it."""
    nlp = spacy.blank("xx")
    for name in (*COMPONENTS[:3], "xlt_textcat_multilabel"):
        nlp.add_pipe(name)
    examples = multilabel_examples(nlp)
    initialize(nlp, tiny_bert, examples)
    return nlp, examples


@pytest.fixture(scope="module")
def multilabel(tiny_bert: Path) -> Language:
    nlp, examples = untrained_multilabel(tiny_bert)
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


def test_labels_can_be_given_at_initialization(tiny_bert: Path) -> None:
    nlp = spacy.blank("xx")
    for name in COMPONENTS:
        nlp.add_pipe(name)
    nlp.config["initialize"]["components"]["xlt_textcat"] = {"labels": ["other", *LABELS]}
    initialize(nlp, tiny_bert, make_examples(nlp))
    assert list(nlp("My order").cats) == ["other", *LABELS]


def test_a_label_can_be_added_to_a_trained_head_and_learned(tiny_bert: Path, tmp_path: Path) -> None:
    nlp = make_pipeline(tiny_bert)
    head: Any = nlp.get_pipe("xlt_textcat")
    before = [doc.cats for doc in nlp.pipe(text for text, _ in TEXTS["en"])]
    assert head.add_label("weather") == 1 and head.add_label("weather") == 0
    for old, doc in zip(before, nlp.pipe(text for text, _ in TEXTS["en"])):
        assert doc.cats == pytest.approx({**old, "weather": 0.0}, abs=1e-3)
    examples = make_examples(nlp, labels=(*LABELS, "weather"))
    rain = Example.from_dict(nlp.make_doc("It rains today."), {"cats": {"weather": 1.0, "order": 0.0, "account": 0.0}})
    train(nlp, [*examples, rain], steps=100)
    assert [best(nlp(text)) for text, _ in TEXTS["en"]] == [label for _, label in TEXTS["en"]]
    assert best(nlp("It rains today.")) == "weather"
    nlp.to_disk(tmp_path / "model")
    assert spacy.load(tmp_path / "model")("It rains today.").cats == nlp("It rains today.").cats


# Fitted exactly


def write_dev(nlp: Language, examples: list[Example], path: Path) -> str:
    DocBin(docs=[example.reference for example in examples], store_user_data=True).to_disk(path)
    return str(path)


def init_with_dev(
    encoder: Path, folder: Path, head: str = "xlt_textcat", config: dict[str, Any] | None = None
) -> tuple[Language, list[Example]]:
    nlp = spacy.blank("xx")
    for name in COMPONENTS[:3]:
        nlp.add_pipe(name)
    nlp.add_pipe(head, config=config or {})
    examples = make_examples(nlp) if head == "xlt_textcat" else multilabel_examples(nlp)
    nlp.config["initialize"]["components"][head] = {"dev": write_dev(nlp, examples, folder / "dev.spacy")}
    initialize(nlp, encoder, examples)
    return nlp, examples


def test_with_development_texts_a_head_is_fitted_before_the_first_step(tiny_bert: Path, tmp_path: Path) -> None:
    nlp, _ = init_with_dev(tiny_bert, tmp_path)
    assert [best(nlp(text)) for text, _ in TEXTS["en"]] == [label for _, label in TEXTS["en"]]


def test_a_multilabel_head_gets_a_threshold_for_each_label_which_it_keeps(tiny_bert: Path, tmp_path: Path) -> None:
    nlp, examples = init_with_dev(tiny_bert, tmp_path, "xlt_textcat_multilabel")
    head: Any = nlp.get_pipe("xlt_textcat_multilabel")
    assert head.cfg["threshold"] is None and list(head.cfg["thresholds"]) == list(MULTI)
    assert nlp.evaluate(examples)["cats_macro_f"] == 1.0
    other: Any = spacy.blank("xx").add_pipe("xlt_textcat_multilabel")
    assert other.from_bytes(head.to_bytes()).cfg["thresholds"] == pytest.approx(head.cfg["thresholds"])


def test_a_threshold_that_is_set_wins_over_the_chosen_ones(tiny_bert: Path, tmp_path: Path) -> None:
    nlp, examples = init_with_dev(tiny_bert, tmp_path, "xlt_textcat_multilabel")
    head: Any = nlp.get_pipe("xlt_textcat_multilabel")
    head.cfg["threshold"] = 0.0
    found = nlp.evaluate(examples)
    # Every text gets every label, and only a text with all of them is right.
    assert all(figures["r"] == 1.0 for figures in found["cats_f_per_type"].values())
    assert found["cats_by_language"]["en"]["accuracy"] == 0.0
    head.cfg["threshold"] = 1.1
    assert nlp.evaluate(examples)["cats_by_language"]["en"]["macro_f1"] == 0.0


def test_a_hidden_layer_cannot_be_fitted_exactly(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(XltError, match=r"dev = null.*max_steps"):
        init_with_dev(tiny_bert, tmp_path, config={"model": MLP})


def test_a_sigmoid_head_that_starts_out_wrong_is_put_right_by_the_training_loop(tiny_bert: Path) -> None:
    """With the gradient of a squared error, a saturated sigmoid would stay where it is."""
    nlp, examples = untrained_multilabel(tiny_bert)
    head: Any = nlp.get_pipe("xlt_textcat_multilabel")
    head.model.get_ref("output_layer").layers[0].get_param("b")[:] = [-20.0, 20.0, -20.0]
    optimizer = Adam(0.1)
    for _ in range(150):
        nlp.update(
            [Example(nlp.make_doc(example.text), example.reference) for example in examples],
            sgd=optimizer,
            annotates=ANNOTATING,
        )
    assert nlp.evaluate(examples)["cats_macro_f"] > 0.9


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


def test_another_text_categorizer_upstream_does_not_touch_the_gold(tiny_bert: Path) -> None:
    for other, its_name in (("textcat", "stock"), ("xlt_textcat", "first")):
        nlp = spacy.blank("xx")
        for name in COMPONENTS[:3]:
            nlp.add_pipe(name)
        nlp.add_pipe(other, name=its_name)
        nlp.add_pipe("xlt_textcat")
        examples = make_examples(nlp)
        initialize(nlp, tiny_bert, examples)
        head: Any = nlp.get_pipe("xlt_textcat")
        assert head.labels == LABELS
        assert all(sorted(example.reference.cats.values()) == [0.0, 1.0] for example in examples)


URGENCY = ("hurry", "no hurry")


def urgency_examples(nlp: Language) -> list[Example]:
    """The English texts of the toy task with another kind of label."""
    examples = make_examples(nlp, labels=URGENCY)
    for number, example in enumerate(examples):
        example.reference.cats = {label: float(place == number // 3) for place, label in enumerate(URGENCY)}
    return examples


@pytest.mark.parametrize("frozen", [False, True])
def test_a_second_head_is_trained_on_sourced_components(
    frozen: bool, tiny_bert: Path, nlp: Language, tmp_path: Path
) -> None:
    """As `spacy train` does it: sourced and frozen components are disabled while it initializes."""
    nlp.to_disk(tmp_path / "model")
    DocBin(docs=[each.reference for each in urgency_examples(nlp)], store_user_data=True).to_disk(tmp_path / "b.spacy")
    paths = {f"paths.{name}": str(tmp_path / "b.spacy") for name in ("train", "dev")}
    config = read_packaged_config(False, paths)
    for name in COMPONENTS:
        config["components"][name] = {"source": str(tmp_path / "model")}
    config["components"]["urgency"] = {"factory": "xlt_textcat"}
    config["nlp"]["pipeline"] = [*COMPONENTS, "urgency"]
    config["initialize"]["components"] = {"urgency": {"dev": "${paths.dev}"}}
    config["training"]["frozen_components"] = [*COMPONENTS] if frozen else ["xlt_textcat"]
    both = init_nlp(config)
    train_nlp(both, tmp_path, stdout=io.StringIO(), stderr=io.StringIO())
    both = spacy.load(tmp_path / "model-best")
    read: list[str] = []
    encoder: Any = both.get_pipe("xlt_encoder")
    encode = encoder.encoder.encode
    encoder.encoder.encode = lambda texts: read.extend(texts) or encode(texts)
    texts = [text for text, _ in TEXTS["en"]]
    for number, (doc, old) in enumerate(zip(both.pipe(texts), nlp.pipe(texts))):
        assert {label: doc.cats[label] for label in LABELS} == pytest.approx(old.cats, abs=1e-5)
        assert max(URGENCY, key=doc.cats.__getitem__) == URGENCY[number // 3]
    # Two heads, and every text is encoded once.
    assert sorted(read) == sorted(texts)


# Errors


@pytest.mark.parametrize(
    ("names", "advice"), [(["xlt_textcat"], "xlt_projector"), (["xlt_encoder", "xlt_textcat"], "xlt_projector")]
)
def test_a_missing_component_is_named_at_initialization(tiny_bert: Path, names: list[str], advice: str) -> None:
    nlp = spacy.blank("xx")
    for name in names:
        nlp.add_pipe(name)
    if "xlt_encoder" in names:
        nlp.config["initialize"]["components"]["xlt_encoder"] = {"source": str(tiny_bert)}
    with pytest.raises(XltError, match=f"put {advice} before it"):
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


def test_initialization_leaves_references_as_they_are(tiny_bert: Path) -> None:
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

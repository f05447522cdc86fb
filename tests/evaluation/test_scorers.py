"""The scorers of spaCy's training log."""

import pytest
import spacy
from spacy.training import Example

from spacy_xlt.evaluation.scorers import (
    make_langdetect_scorer,
    make_textcat_multilabel_scorer,
    make_textcat_scorer,
)
from tests.evaluation.fakes import fit, make_fake_pipeline

NLP = spacy.blank("xx")
LABELS = ["a", "b"]


def example(
    gold: dict[str, float], predicted: dict[str, float], language: str | None = "en", detected: str | None = "xx"
) -> Example:
    reference, doc = NLP.make_doc("t"), NLP.make_doc("t")
    reference.cats, doc.cats = gold, predicted
    reference._.language, doc._.language = language, detected
    return Example(doc, reference)


A, B = {"a": 1.0, "b": 0.0}, {"a": 0.0, "b": 1.0}
ONE_LABEL = [
    example(A, {"a": 0.9, "b": 0.1}),
    example(B, {"a": 0.3, "b": 0.7}),
    example(A, {"a": 0.2, "b": 0.8}, "de"),
    example(B, {"a": 0.4, "b": 0.6}, "de"),
]


def test_cats_by_language() -> None:
    scores = make_textcat_scorer()(ONE_LABEL, labels=LABELS, threshold=0.0)
    # German: gold a b, predicted b b.
    assert scores["cats_by_language"] == {
        "de": {"n": 2, "accuracy": 0.5, "macro_f1": pytest.approx((0 + 2 / 3) / 2)},
        "en": {"n": 2, "accuracy": 1.0, "macro_f1": 1.0},
    }


def test_spacys_own_scores_are_there_too() -> None:
    scores = make_textcat_scorer()(ONE_LABEL, labels=LABELS, threshold=0.0)
    # Gold a b a b, predicted a b b b: F1 of a is 2 / 3, of b 4 / 5.
    assert scores["cats_macro_f"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert scores["cats_micro_f"] == pytest.approx(0.75)
    assert set(scores["cats_f_per_type"]) == {"a", "b"}


@pytest.mark.parametrize(("threshold", "accuracy"), [(0.5, 0.5), (0.3, 1.0)])
def test_multilabel_by_language_keeps_to_the_threshold(threshold: float, accuracy: float) -> None:
    both = {"a": 1.0, "b": 1.0}
    examples = [example(both, {"a": 0.9, "b": 0.4}), example(both, {"a": 0.6, "b": 0.7})]
    scores = make_textcat_multilabel_scorer()(examples, labels=LABELS, threshold=threshold)
    assert scores["cats_by_language"]["en"]["n"] == 2
    assert scores["cats_by_language"]["en"]["accuracy"] == accuracy


C = {"c": 1.0}
NONE = {"a": 0.0, "b": 0.0}


@pytest.mark.parametrize("gold", [C, {**NONE, **C}])
def test_gold_that_the_model_does_not_know_is_wrong(gold: dict[str, float]) -> None:
    """Not gold of the first label."""
    scores = make_textcat_scorer()([example(gold, A), example(B, B)], labels=LABELS)
    # Gold c b, predicted a b.
    assert scores["cats_by_language"] == {"en": {"n": 2, "accuracy": 0.5, "macro_f1": pytest.approx(1 / 3)}}


def test_multilabel_gold_that_the_model_does_not_know_is_wrong() -> None:
    scores = make_textcat_multilabel_scorer()([example({**A, **C}, A), example(B, B)], labels=LABELS, threshold=0.5)
    assert scores["cats_by_language"] == {"en": {"n": 2, "accuracy": 0.5, "macro_f1": pytest.approx(2 / 3)}}


def test_gold_may_be_a_distribution() -> None:
    scores = make_textcat_scorer()([example({"a": 0.4, "b": 0.35, "c": 0.25}, A)], labels=LABELS)
    assert scores["cats_by_language"] == {"en": {"n": 1, "accuracy": 1.0, "macro_f1": 1.0}}


def test_texts_without_gold_do_not_count() -> None:
    one_label = [example({}, A), example(NONE, A), example(B, B), example({}, A, "de")]
    scores = make_textcat_scorer()(one_label, labels=LABELS)
    assert scores["cats_by_language"] == {"en": {"n": 1, "accuracy": 1.0, "macro_f1": 1.0}}
    # Of several labels none can apply.
    scores = make_textcat_multilabel_scorer()([example({}, A), example(NONE, A)], labels=LABELS, threshold=0.5)
    assert scores["cats_by_language"] == {"en": {"n": 1, "accuracy": 0.0, "macro_f1": 0.0}}


def test_no_language_is_the_unknown_language() -> None:
    examples = [example(A, A, None), example(B, B, "xx"), example(A, A, "de", None)]
    scores = make_textcat_scorer()(examples, labels=LABELS)
    assert {code: figures["n"] for code, figures in scores["cats_by_language"].items()} == {"de": 1, "xx": 2}
    assert make_langdetect_scorer()(examples) == {"language_accuracy": 0.0}


def test_language_accuracy_is_over_the_texts_whose_language_is_known() -> None:
    examples = [
        example(A, A, "en", "en"),
        example(A, A, "de", "en"),
        example(A, A, "de", "xx"),
        example(A, A, "sw", "sw"),
        example(A, A, "xx", "en"),
    ]
    assert make_langdetect_scorer()(examples) == {"language_accuracy": 0.5}


def test_a_gold_language_may_name_its_script() -> None:
    examples = [
        example(A, A, "zho_Hant", "zh"),
        example(A, B, "zh", "zh"),
        example(A, A, "srp_Latn", "hr"),
        example(A, A, "und", "en"),
    ]
    assert make_langdetect_scorer()(examples) == {"language_accuracy": 2 / 3}
    by_language = make_textcat_scorer()(examples, labels=LABELS, threshold=0.0)["cats_by_language"]
    assert {language: figures["n"] for language, figures in by_language.items()} == {"sr": 1, "xx": 1, "zh": 2}


def test_without_any_known_language_there_is_no_accuracy() -> None:
    assert make_langdetect_scorer()([example(A, A, "xx", "en")]) == {"language_accuracy": None}
    assert make_langdetect_scorer()([]) == {"language_accuracy": None}


@pytest.mark.parametrize("name", ["textcat_scorer", "textcat_multilabel_scorer", "langdetect_scorer"])
def test_the_scorers_are_found_by_name(name: str) -> None:
    assert callable(spacy.registry.scorers.get(f"spacy-xlt.{name}.v1")())


def test_nlp_evaluate_scores_a_pipeline_by_language() -> None:
    nlp = make_fake_pipeline()
    fit(nlp)
    examples = []
    for text, cats, language in [("en: a", A, "en"), ("de: b", B, "de"), ("de: a", B, "de"), ("en: b", B, "sw")]:
        item = Example.from_dict(nlp.make_doc(text), {"cats": cats})
        item.reference._.language = language
        examples.append(item)
    scores = nlp.evaluate(examples)
    assert {code: figures["accuracy"] for code, figures in scores["cats_by_language"].items()} == {
        "en": 1.0,
        "de": 0.5,
        "sw": 1.0,
    }
    assert scores["language_accuracy"] == 0.75

"""Evaluation of a pipeline, against figures computed by hand on a fake one."""

from typing import Any

import pytest
from spacy.language import Language
from spacy.tokens import Doc

from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.document import check_document
from spacy_xlt.evaluation.evaluate import evaluate
from tests.evaluation.fakes import LABELS, fit, make_fake_pipeline


def record(text: str, *labels: str, language: str | None = None) -> Record:
    return Record(text, labels, language or text[:2], f"test.csv:{text}")


# English: 3 of 4 right. German: 2 of 3 right after the projection and 1 of 3 before; one text in it is detected as
# English, which is wrong and does no harm.
RECORDS = [
    record("en: a", "a"),
    record("en: a", "a"),
    record("en: b", "b"),
    record("en: b", "a"),
    record("de: b", "b"),
    record("de: a", "b"),
    record("en: b", "b", language="de"),
]


@pytest.fixture
def nlp() -> Language:
    pipeline = make_fake_pipeline()
    fit(pipeline)
    return pipeline


def figures(metrics: dict[str, Any], code: str, *keys: str) -> list[Any]:
    return [metrics["languages"][code][key] for key in keys]


def test_the_figures_of_each_language(nlp: Language) -> None:
    metrics = evaluate(nlp, RECORDS)
    assert (metrics["source"], metrics["labels"], metrics["n"], metrics["multilabel"]) == ("en", LABELS, 7, False)
    # English: gold a a b a, predicted a a b b; F1 of a is 2 * 2 / (3 + 2), of b 2 * 1 / (1 + 2).
    assert figures(metrics, "en", "n", "accuracy", "macro_f1", "gap", "langid_accuracy") == [
        4,
        0.75,
        pytest.approx((4 / 5 + 2 / 3) / 2, abs=1e-4),
        0.0,
        1.0,
    ]
    # German: gold b b b, predicted b a b; F1 of a is 0, of b 2 * 2 / (3 + 2).
    assert figures(metrics, "de", "n", "accuracy", "macro_f1", "gap", "langid_accuracy") == [
        3,
        0.6667,
        pytest.approx((0 + 4 / 5) / 2, abs=1e-4),
        0.0833,
        0.6667,
    ]
    low, high = metrics["languages"]["de"]["ci95"]
    assert low < 0.6667 < high


def test_before_the_projection(nlp: Language) -> None:
    before = evaluate(nlp, RECORDS)["before_projection"]
    # German: gold b b b, predicted a a b.
    assert figures(before, "de", "n", "accuracy", "gap") == [3, 0.3333, 0.4167]
    assert figures(before, "en", "n", "accuracy", "gap") == [4, 0.75, 0.0]


def test_the_mean_is_over_the_other_languages(nlp: Language) -> None:
    more = [*RECORDS, record("en: b", "b", language="fr"), record("en: a", "b", language="fr")]
    metrics = evaluate(nlp, more)
    assert metrics["mean"]["languages"] == 2
    assert metrics["mean"]["accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 2, abs=1e-4)
    assert metrics["mean"]["langid_accuracy"] == pytest.approx((2 / 3 + 0) / 2, abs=1e-4)
    assert metrics["before_projection"]["mean"]["accuracy"] == pytest.approx((1 / 3 + 1 / 2) / 2, abs=1e-4)


def test_before_equals_a_pipeline_without_a_projector_and_after_does_not(nlp: Language) -> None:
    metrics = evaluate(nlp, RECORDS)
    without = evaluate(make_fake_pipeline(projector=False, attribute="xlt_embedding"), RECORDS)
    assert "before_projection" not in without
    assert metrics["before_projection"] == {key: without[key] for key in ("languages", "mean")}
    assert metrics["languages"] != without["languages"]


def test_before_equals_after_where_the_projector_is_not_fitted() -> None:
    metrics = evaluate(make_fake_pipeline(), RECORDS)
    assert metrics["before_projection"] == {key: metrics[key] for key in ("languages", "mean")}


def test_evaluating_changes_nothing(nlp: Language) -> None:
    first = evaluate(nlp, RECORDS)
    assert evaluate(nlp, RECORDS) == first
    assert nlp("de: b").cats["b"] > 0.5


def test_records_without_a_language_count_under_the_detected_one(nlp: Language) -> None:
    metrics = evaluate(nlp, [record("en: a", "a"), record("de: b", "b", language="xx")])
    assert figures(metrics, "de", "n", "accuracy") == [1, 1.0]
    assert list(metrics["languages"]) == ["en", "de"]


@Language.component("tests_german_with_script")
def write_german(doc: Doc) -> Doc:
    if doc.text.startswith("de"):
        doc._.language = "deu_Latn"
    return doc


def test_a_language_with_its_script_counts_as_the_language(nlp: Language) -> None:
    nlp.add_pipe("tests_german_with_script", first=True)
    metrics = evaluate(
        nlp, [record("en: a", "a"), record("de: b", "b", language="xx"), record("de: a", "a", language="de")]
    )
    assert figures(metrics, "de", "n", "langid_accuracy") == [2, 1.0]
    assert list(metrics["languages"]) == ["en", "de"]


def test_records_without_a_language_and_a_pipeline_without_a_detector() -> None:
    nlp = make_fake_pipeline(detector=False)
    metrics = evaluate(nlp, [record("en: a", "a"), record("de: a", "a", language="xx")])
    assert list(metrics["languages"]) == ["en", "xx"]
    assert metrics["languages"]["en"]["langid_accuracy"] is None and metrics["mean"]["langid_accuracy"] is None


def test_the_projectors_source_counts_before_the_named_one(nlp: Language) -> None:
    assert evaluate(nlp, RECORDS, source="de")["source"] == "en"
    without = make_fake_pipeline(projector=False, attribute="xlt_embedding")
    metrics = evaluate(without, RECORDS, source="de")
    assert metrics["source"] == "de" and metrics["languages"]["de"]["gap"] == 0.0


def test_without_texts_of_the_source_there_is_no_gap(nlp: Language) -> None:
    metrics = evaluate(nlp, RECORDS[4:])
    assert metrics["languages"]["de"]["gap"] is None and metrics["mean"]["gap"] is None


def test_the_result_is_a_metrics_document(nlp: Language) -> None:
    check_document({"model": "m", "data": ["d"], **evaluate(nlp, RECORDS)}, "test")


# Several labels


def test_multilabel_figures_are_exact_matches() -> None:
    nlp = make_fake_pipeline(head="xlt_textcat_multilabel")
    records = [
        record("en: a", "a"),
        record("en: both", "a", "b"),
        record("en: both", "a"),
        record("en: b"),
    ]
    metrics = evaluate(nlp, records)
    assert metrics["multilabel"] is True
    # Gold a, ab, a, none; predicted a, ab, ab, b: F1 of a 1, of b 2 * 1 / (1 + 3).
    assert figures(metrics, "en", "n", "accuracy", "macro_f1") == [4, 0.5, 0.75]


def test_multilabel_keeps_to_the_threshold_of_the_head() -> None:
    nlp = make_fake_pipeline(head="xlt_textcat_multilabel")
    both = [record("en: both", "a", "b")]
    assert evaluate(nlp, both)["languages"]["en"]["accuracy"] == 1.0
    nlp.get_pipe("xlt_textcat_multilabel").cfg["threshold"] = 1.0  # type: ignore[attr-defined]
    assert evaluate(nlp, both)["languages"]["en"]["accuracy"] == 0.0


# What cannot be evaluated


def test_a_label_that_the_model_does_not_know_is_named_with_its_place(nlp: Language) -> None:
    with pytest.raises(XltError, match=r"^test\.csv:de: b: the model does not know the label 'c'; it knows a, b\.$"):
        evaluate(nlp, [*RECORDS, record("de: b", "c")])


def test_several_labels_where_the_model_gives_one(nlp: Language) -> None:
    with pytest.raises(XltError, match=r"^test\.csv:en: a: 2 labels, but the model gives exactly one"):
        evaluate(nlp, [record("en: a", "a", "b")])


def test_a_pipeline_without_a_text_categorizer(nlp: Language) -> None:
    nlp.remove_pipe("xlt_textcat")
    with pytest.raises(XltError, match="has no TextCategorizer component"):
        evaluate(nlp, RECORDS)

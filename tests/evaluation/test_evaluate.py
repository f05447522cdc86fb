"""Evaluation of a pipeline, compared with figures computed by hand for a fake one."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spacy.language import Language
from spacy.tokens import Doc

from spacy_xlt import progress
from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError, XltWarning
from spacy_xlt.evaluation.document import Figures, Metrics
from spacy_xlt.evaluation.evaluate import evaluate
from spacy_xlt.evaluation.predictions import digest_of
from spacy_xlt.evaluation.report import Report
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
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


def figures(part: Metrics | Figures, code: str, *keys: str) -> list[Any]:
    return [getattr(part.languages[code], key) for key in keys]


def before_projection(report: Metrics) -> Figures:
    assert report.before_projection is not None
    return report.before_projection


def test_the_figures_of_each_language(nlp: Language) -> None:
    report = evaluate(nlp, RECORDS)
    assert (report.source, report.labels, report.n, report.multilabel) == ("en", LABELS, 7, False)
    # English: gold a a b a, predicted a a b b; F1 of a is 2 * 2 / (3 + 2), of b 2 * 1 / (1 + 2).
    assert figures(report, "en", "n", "accuracy", "macro_f1", "gap", "langid_accuracy") == [
        4,
        0.75,
        pytest.approx((4 / 5 + 2 / 3) / 2, abs=1e-4),
        0.0,
        1.0,
    ]
    # German: gold b b b, predicted b a b; F1 of a is 0, of b 2 * 2 / (3 + 2).
    assert figures(report, "de", "n", "accuracy", "macro_f1", "gap", "langid_accuracy") == [
        3,
        pytest.approx(2 / 3),
        pytest.approx((0 + 4 / 5) / 2),
        pytest.approx(3 / 4 - 2 / 3),
        pytest.approx(2 / 3),
    ]
    low, high = report.languages["de"].ci95
    assert low < 0.6667 < high


def test_before_the_projection(nlp: Language) -> None:
    before = before_projection(evaluate(nlp, RECORDS))
    # German: gold b b b, predicted a a b.
    assert figures(before, "de", "n", "accuracy", "gap") == [3, pytest.approx(1 / 3), pytest.approx(3 / 4 - 1 / 3)]
    assert figures(before, "en", "n", "accuracy", "gap") == [4, 0.75, 0.0]


def test_the_mean_is_over_the_other_languages(nlp: Language) -> None:
    more = [*RECORDS, record("en: b", "b", language="fr"), record("en: a", "b", language="fr")]
    report = evaluate(nlp, more)
    assert report.mean.languages == 2
    assert report.mean.accuracy == pytest.approx((2 / 3 + 1 / 2) / 2, abs=1e-4)
    assert report.mean.langid_accuracy == pytest.approx((2 / 3 + 0) / 2, abs=1e-4)
    assert before_projection(report).mean.accuracy == pytest.approx((1 / 3 + 1 / 2) / 2, abs=1e-4)


def test_before_equals_a_pipeline_without_a_projector_and_after_does_not(nlp: Language) -> None:
    report = evaluate(nlp, RECORDS)
    without = evaluate(make_fake_pipeline(projector=False, attribute="xlt_embedding"), RECORDS)
    assert without.before_projection is None and "before_projection" not in without.to_dict()
    assert before_projection(report) == Figures(languages=without.languages, mean=without.mean)
    assert report.languages != without.languages


def test_before_equals_after_where_the_projector_is_not_fitted() -> None:
    report = evaluate(make_fake_pipeline(), RECORDS)
    assert before_projection(report) == Figures(languages=report.languages, mean=report.mean)


def test_evaluating_changes_nothing(nlp: Language) -> None:
    first, second = (evaluate(nlp, RECORDS).model_copy(update={"docs_per_second": None}) for _ in range(2))
    assert first == second
    assert nlp("de: b").cats["b"] > 0.5


def test_records_without_a_language_count_under_the_detected_one(nlp: Language) -> None:
    report = evaluate(nlp, [record("en: a", "a"), record("de: b", "b", language="xx")])
    assert figures(report, "de", "n", "accuracy") == [1, 1.0]
    assert list(report.languages) == ["en", "de"]


@Language.component("tests_german_with_script")
def write_german(doc: Doc) -> Doc:
    if doc.text.startswith("de"):
        doc._.language = "deu_Latn"
    return doc


def test_a_language_with_its_script_counts_as_the_language(nlp: Language) -> None:
    nlp.add_pipe("tests_german_with_script", first=True)
    report = evaluate(
        nlp, [record("en: a", "a"), record("de: b", "b", language="xx"), record("de: a", "a", language="de")]
    )
    assert figures(report, "de", "n", "langid_accuracy") == [2, 1.0]
    assert list(report.languages) == ["en", "de"]


def test_records_without_a_language_and_a_pipeline_without_a_detector() -> None:
    nlp = make_fake_pipeline(detector=False)
    report = evaluate(nlp, [record("en: a", "a"), record("de: a", "a", language="xx")])
    assert list(report.languages) == ["en", "xx"]
    assert report.languages["en"].langid_accuracy is None and report.mean.langid_accuracy is None


def test_the_source_is_the_one_of_the_projector_unless_it_is_named(nlp: Language) -> None:
    find_pipe(nlp, Projector).source = "de"
    report = evaluate(nlp, RECORDS)
    assert report.source == "de" and report.languages["de"].gap == 0.0
    report = evaluate(nlp, RECORDS, source="English")
    assert report.source == "en" and report.languages["en"].gap == 0.0


def test_the_source_without_a_projector_is_english_unless_it_is_named() -> None:
    nlp = make_fake_pipeline(projector=False, attribute="xlt_embedding")
    assert evaluate(nlp, RECORDS).source == "en"
    assert evaluate(nlp, RECORDS, source="de").source == "de"


def test_without_texts_of_the_source_there_is_no_gap(nlp: Language) -> None:
    report = evaluate(nlp, RECORDS[4:])
    assert report.languages["de"].gap is None and report.mean.gap is None


def test_the_report_is_a_valid_metrics_document(nlp: Language) -> None:
    report = evaluate(nlp, RECORDS)
    assert Report.parse(json.loads(json.dumps(report.to_dict())), "test") == report


def test_the_report_names_the_pipeline_and_the_files(nlp: Language, tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    path.write_text('{"text": "en: a", "label": "a", "lang": "en"}\n{"text": "de: b", "label": "b"}\n')
    report = evaluate(nlp, path)
    assert (report.model, report.data, report.n) == ("xx_pipeline", [str(path)], 2)
    assert evaluate(nlp, [str(path)]).data == [str(path)]
    assert evaluate(nlp, RECORDS).data == []


def test_a_named_language_is_that_of_all_texts(nlp: Language) -> None:
    records = [record("en: a", "a"), record("de: b", "b", language="xx")]
    assert list(evaluate(nlp, records, language="French").languages) == ["fr"]


def test_a_model_folder_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(XltError, match=re.escape(str(tmp_path / "m"))):
        evaluate(tmp_path / "m", RECORDS)


@pytest.mark.parametrize(("show", "terminal"), [(True, True), (False, True), (True, False)])
def test_the_progress_bar_is_for_terminals(
    nlp: Language, show: bool, terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "in_notebook", lambda: terminal)
    evaluate(nlp, RECORDS, progress=show)
    assert ("7/7" in capsys.readouterr().err) == (show and terminal)


def test_the_prediction_for_each_text(nlp: Language) -> None:
    report = evaluate(nlp, RECORDS)
    assert report.predictions is not None and report.docs_per_second
    assert [each.digest for each in report.predictions] == [digest_of(each.text) for each in RECORDS]
    assert RECORDS[0].text not in str(report.to_dict()["predictions"])
    assert [each.gold for each in report.predictions] == [list(each.labels) for each in RECORDS]
    for code, of_language in report.languages.items():
        rows = [each for each in report.predictions if each.language == code]
        assert np.mean([each.correct for each in rows]) == pytest.approx(of_language.accuracy)
        assert of_language.confusion is not None and of_language.calibration is not None
        assert sum(sum(row.values()) for row in of_language.confusion.values()) == len(rows)
        assert sum(each.n for each in of_language.calibration.bins) == len(rows)
        assert all(0.5 <= each.confidence <= 1.0 for each in rows if each.confidence is not None)


def test_languages_are_grouped(nlp: Language) -> None:
    groups = evaluate(nlp, RECORDS).groups
    assert groups is not None
    assert {kind: list(each) for kind, each in groups.items()} == {
        "script": ["Latin"],
        "family": ["Indo-European"],
        "resources": ["class 5"],
    }
    assert groups["script"]["Latin"].codes == ["de"]
    assert groups["script"]["Latin"].accuracy == pytest.approx(2 / 3)


def test_test_texts_in_the_training_data_are_reported_and_refused(nlp: Language) -> None:
    assert evaluate(nlp, RECORDS).contamination is None
    clean = evaluate(nlp, RECORDS, train=[{"text": "EN? C!"}], strict=True).contamination
    assert clean is not None and (clean.train, clean.n) == (1, 0)
    found = evaluate(nlp, RECORDS, train=[{"text": "fr: a"}, {"text": "DE - b!"}]).contamination
    assert found is not None and found.languages == {"de": sum(each.text == "de: b" for each in RECORDS)}
    assert found.examples[0].train == "item:2"
    with pytest.raises(XltError, match="1 of 7 .*item:1"):
        evaluate(nlp, RECORDS, train=["DE - b!"], strict=True)
    with pytest.raises(XltError, match="training data"):
        evaluate(nlp, RECORDS, strict=True)


# Several labels


def test_multilabel_figures_are_exact_matches() -> None:
    nlp = make_fake_pipeline(head="xlt_textcat_multilabel")
    records = [
        record("en: a", "a"),
        record("en: both", "a", "b"),
        record("en: both", "a"),
        record("en: b"),
    ]
    report = evaluate(nlp, records)
    assert report.multilabel is True
    # Gold a, ab, a, none; predicted a, ab, ab, b: F1 of a 1, of b 2 * 1 / (1 + 3).
    assert figures(report, "en", "n", "accuracy", "macro_f1") == [4, 0.5, 0.75]


def test_multilabel_keeps_to_the_threshold_of_the_head() -> None:
    nlp = make_fake_pipeline(head="xlt_textcat_multilabel")
    both = [record("en: both", "a", "b")]
    assert evaluate(nlp, both).languages["en"].accuracy == 1.0
    nlp.get_pipe("xlt_textcat_multilabel").cfg["threshold"] = 1.0  # type: ignore[attr-defined]
    assert evaluate(nlp, both).languages["en"].accuracy == 0.0


# Labels that the model does not have


def test_the_model_is_wrong_where_it_does_not_have_the_label(nlp: Language) -> None:
    with pytest.warns(XltWarning, match=r"'c' \(in 2 of 9 texts\)"):
        report = evaluate(nlp, [*RECORDS, record("de: b", "c"), record("de: a", "c")])
    assert report.labels == ["a", "b", "c"]
    # The other texts are classified as without these.
    assert figures(report, "en", "n", "accuracy") == [4, 0.75]
    # Gold b b b c c, predicted b a b b a: F1 of a 0, of b 2 * 2 / (3 + 3), of c 0.
    assert figures(report, "de", "n", "accuracy") == [5, 0.4]
    assert report.languages["de"].macro_f1 == pytest.approx((0 + 2 / 3 + 0) / 3, abs=1e-4)
    assert before_projection(report).languages["de"].n == 5
    assert report.predictions is not None
    assert [each.gold for each in report.predictions[-2:]] == [["c"], ["c"]]
    assert Metrics.parse(json.loads(json.dumps(report.to_dict())), "x").labels == ["a", "b", "c"]
    assert "c" in report.to_html()


def test_several_labels_of_which_the_model_lacks_one() -> None:
    nlp = make_fake_pipeline(head="xlt_textcat_multilabel")
    with pytest.warns(XltWarning, match=r"'c' \(in 1 of 2 texts\)"):
        report = evaluate(nlp, [record("en: a", "a", "c"), record("en: b", "b")])
    assert figures(report, "en", "n", "accuracy") == [2, 0.5]


# What cannot be evaluated


def test_texts_without_any_label_of_the_model(nlp: Language) -> None:
    with pytest.raises(XltError, match=r"^test\.csv:de: b.*'c'.*a, b"):
        evaluate(nlp, [record("de: b", "c"), record("en: a", "d")])


def test_several_labels_where_the_model_gives_one(nlp: Language) -> None:
    with pytest.raises(XltError, match=r"^test\.csv:en: a.* 2 labels"):
        evaluate(nlp, [record("en: a", "a", "b")])


def test_a_pipeline_without_a_text_categorizer(nlp: Language) -> None:
    nlp.remove_pipe("xlt_textcat")
    with pytest.raises(XltError, match="TextCategorizer"):
        evaluate(nlp, RECORDS)

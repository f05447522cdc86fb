"""`xlt.estimate`: the languages, the verdicts, and what is shown."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from rich.console import Console
from spacy.language import Language

pytest.importorskip("scipy")

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.estimate import Estimate, estimate
from spacy_xlt.evaluation.expected import LanguageEstimate, estimate_languages
from spacy_xlt.evaluation.source import read_source
from spacy_xlt.heads.confidence import META_KEY, source_figures, sum_confidence
from spacy_xlt.training.model_state import get_layer
from tests.evaluation.fakes import fit, make_fake_pipeline

ENGLISH, GERMAN = ["en: a", "en: b", "en: both"] * 10, ["de: a", "de: b"] * 10


@pytest.fixture
def nlp() -> Language:
    pipeline = make_fake_pipeline()
    fit(pipeline)
    return pipeline


def with_source(nlp: Language) -> Language:
    """Store figures of a source whose predictions are sure and right in 9 of 10 texts."""
    rows = np.array([[1.0, 0.0]] * 50 + [[0.0, 1.0]] * 50)
    gold = np.eye(2)[[0] * 45 + [1] * 55]
    nlp.meta[META_KEY] = source_figures(rows, gold, get_layer(nlp)).to_dict()
    return nlp


def test_each_language_has_its_estimate(nlp: Language) -> None:
    found = estimate(with_source(nlp), [*ENGLISH, *GERMAN])
    assert {code: each.n for code, each in found.languages.items()} == {"en": 30, "de": 20}
    assert found.source_accuracy == 0.95 and found.notes == []
    # All German predictions are as confident as those of the source. A third of the English ones have low confidence.
    english, german = found.languages["en"], found.languages["de"]
    assert english.accuracy is not None and german.accuracy is not None
    assert english.accuracy < german.accuracy
    assert english.figures["sure"] == pytest.approx(2 / 3) and german.figures["sure"] == 1.0


def test_a_language_that_a_record_names_counts(nlp: Language) -> None:
    assert list(estimate(nlp, {"fr": GERMAN}).languages) == ["fr"]
    assert list(estimate(nlp, GERMAN, language="French").languages) == ["fr"]


def test_without_figures_of_the_source_a_note_says_so(nlp: Language) -> None:
    alone = estimate(nlp, GERMAN)
    assert alone.source_accuracy is None and len(alone.notes) == 1
    assert alone.languages["de"].accuracy is not None


def test_figures_of_a_head_that_was_trained_again_are_not_used(nlp: Language) -> None:
    with_source(nlp)
    output: Any = nlp.get_pipe("xlt_textcat").model.get_ref("output_layer")  # type: ignore[attr-defined]
    output.set_param("b", np.array([0.5, 0.0], dtype="f"))
    assert estimate(nlp, GERMAN).source_accuracy is None


def test_too_few_texts_are_not_estimated(nlp: Language) -> None:
    found = estimate(nlp, [*ENGLISH, *GERMAN[:19]]).languages["de"]
    assert (found.n, found.accuracy, found.interval, found.verdict) == (19, None, None, "too few texts")
    assert estimate(nlp, GERMAN[:20]).languages["de"].accuracy is not None


def test_the_verdict_compares_the_interval_with_the_minimum() -> None:
    sums = {"de": sum_confidence(np.array([[0.9, 0.1]] * 200))}
    low, high = estimate_languages(sums, None)["de"].interval or (0.0, 0.0)
    for minimum, verdict in ((low, "usable"), ((low + high) / 2, "check by hand"), (high + 0.001, "not usable")):
        assert estimate_languages(sums, None, minimum)["de"].verdict == verdict


@pytest.mark.parametrize("minimum", [-0.1, 70])
def test_a_minimum_that_is_no_accuracy(nlp: Language, minimum: float) -> None:
    with pytest.raises(XltError, match=str(minimum)) as error:
        estimate(nlp, GERMAN, minimum=minimum)
    assert error.value.parameter == "minimum"


def test_multilabel_models_have_no_estimate() -> None:
    with pytest.raises(XltError, match="multilabel"):
        estimate(make_fake_pipeline(head="xlt_textcat_multilabel"), GERMAN)


def test_estimating_changes_nothing(nlp: Language) -> None:
    before = nlp("de: b").cats
    assert estimate(nlp, GERMAN) == estimate(nlp, GERMAN)
    assert nlp("de: b").cats == before


def test_a_pipeline_without_detector_and_projector() -> None:
    nlp = make_fake_pipeline(detector=False, projector=False, attribute="xlt_embedding")
    assert list(estimate(nlp, GERMAN).languages) == ["xx"]


# What is shown


def make_estimate(**values: Any) -> Estimate:
    figures = {"confidence": 0.8123}
    languages = {
        "de": LanguageEstimate(200, 0.8, (0.71, 0.86), "usable", figures),
        "xx[red]": LanguageEstimate(3, None, None, "too few texts", figures),
    }
    return Estimate(**{"model": "m <b>", "minimum": 0.7, "languages": languages, "source_accuracy": 0.9, **values})


def test_the_table_shows_intervals_and_verdicts() -> None:
    out = io.StringIO()
    make_estimate(notes=["A note."]).table(Console(file=out, width=100))
    lines = out.getvalue().splitlines()
    (german,) = [line.split() for line in lines if "German" in line]
    assert german == ["German", "(de)", "200", "80.0", "(71.0–86.0)", "81.2", "usable"]
    assert any("[red]" in line and "too few texts" in line for line in lines)
    assert "A note." in out.getvalue() and "203 unlabeled texts" in out.getvalue()


def test_the_notebook_table_escapes_names() -> None:
    html = make_estimate()._repr_html_()
    assert "m &lt;b&gt;" in html and "<td>80.0 (71.0–86.0)</td>" in html and "<b>" not in html


def test_the_dictionary_is_json() -> None:
    content = json.loads(json.dumps(make_estimate().to_dict()))
    assert content["languages"]["de"]["interval"] == [0.71, 0.86] and content["minimum"] == 0.7


def test_a_head_that_is_not_ours_has_no_figures_of_the_source(tmp_path: Path) -> None:
    nlp = spacy.blank("de")
    nlp.add_pipe("textcat").add_label("x")  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "m")
    assert read_source(tmp_path / "m") is None


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(XltError, match="missing"):
        estimate(tmp_path / "missing", GERMAN)

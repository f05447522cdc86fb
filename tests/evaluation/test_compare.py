"""The comparison of two models."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.compare import compare
from spacy_xlt.evaluation.document import Prediction
from spacy_xlt.evaluation.report import Report
from tests.evaluation.documents import document, make_report
from tests.evaluation.fakes import fit, make_fake_pipeline

LANGUAGES = ["en", "de", "sw", "zh", "ar", "hi", "fr", "es", "it", "pt", "ru", "tr", "vi", "ja"]
N = 204


def report(correct: dict[str, Sequence[bool]], model: str = "m", **changes: Any) -> Report:
    """A report whose predictions are correct or not. The texts are numbered."""
    return make_report(
        model=model,
        predictions=[
            {
                "digest": f"{code} {number}",
                "language": code,
                "gold": ["ab"[number % 2]],
                "predicted": ["ab"[(number + (not hit)) % 2]],
                "confidence": 0.9,
                "detected": code,
            }
            for code, hits in correct.items()
            for number, hit in enumerate(hits)
        ],
        **changes,
    )


def draw(accuracy: float, seed: int, hard: float = 0.0, languages: Sequence[str] = LANGUAGES) -> dict[str, np.ndarray]:
    """Which texts a model gets right. hard: how much texts are difficult for the model in all languages alike."""
    chance = np.random.default_rng(seed)
    shift = hard * chance.normal(size=N)
    return {code: chance.random(N) + shift < accuracy for code in languages}


def flip(hits: dict[str, np.ndarray], code: str, count: int) -> dict[str, np.ndarray]:
    """Make `count` correct predictions of a language wrong."""
    rows = np.flatnonzero(hits[code])[:count]
    return {**hits, code: np.isin(np.arange(N), rows, invert=True) & hits[code]}


def test_a_model_that_is_worse_in_one_language() -> None:
    hits = draw(0.85, seed=0)
    found = compare(report(hits, "old"), report(flip(hits, "sw", 25), "new"))
    assert (found.a, found.b) == ("old", "new")
    assert found.languages["sw"].verdict == "worse"
    assert found.languages["sw"].difference == pytest.approx(-25 / N)
    assert found.languages["sw"].n == N and found.languages["sw"].a == pytest.approx(hits["sw"].mean())
    assert all(each.verdict == "unknown" for code, each in found.languages.items() if code != "sw")
    assert "sw" in found.regressions
    back = compare(report(flip(hits, "sw", 25)), report(hits))
    assert back.languages["sw"].verdict == "better" and back.regressions == []


def test_a_small_drop_in_all_languages_is_seen_overall() -> None:
    hits = worse = draw(0.85, seed=1)
    for code in LANGUAGES:
        # Other texts in each language, so that the drop is no property of a few parallel texts.
        worse = {**worse, code: hits[code] & (np.arange(N) % 40 != LANGUAGES.index(code))}
    found = compare(report(hits), report(worse))
    assert [each.verdict for each in found.languages.values()] == ["unknown"] * len(LANGUAGES)
    assert found.overall.verdict == "worse" and found.regressions == ["overall"]
    low, high = found.overall.interval
    assert low < found.overall.difference < high < 0


@pytest.mark.parametrize("hard", [0.0, 0.4])
def test_equal_models_raise_at_most_one_false_alarm_in_20(hard: float) -> None:
    """hard: each model has its own weak spots in all languages, so differences on translations are not independent."""
    alarms = 0
    for seed in range(20):
        first, second = (draw(0.85, 2 * seed + number, hard, LANGUAGES[:3]) for number in range(2))
        alarms += bool(compare(report(first), report(second)).regressions)
    assert alarms <= 1


def test_a_model_is_not_worse_than_itself() -> None:
    same = report(draw(0.85, seed=0))
    found = compare(same, same)
    assert found.regressions == [] and found.overall.p == 1.0 and found.overall.interval == (0.0, 0.0)


def test_reports_are_read_from_files_in_any_order_of_texts(tmp_path: Path) -> None:
    hits = {"en": [True, True, False], "de": [True, False, True]}
    first = report(hits)
    first.to_json(tmp_path / "a.json")
    assert first.predictions is not None
    turned = first.model_copy(update={"predictions": first.predictions[::-1]})
    turned.to_json(tmp_path / "b.json")
    found = compare(tmp_path / "a.json", str(tmp_path / "b.json"))
    assert found.overall.difference == 0.0 and found.overall.a == pytest.approx(2 / 3)
    assert json.loads(json.dumps(found.to_dict()))["languages"]["en"]["verdict"] == "unknown"


def test_every_language_has_the_same_weight_overall() -> None:
    first = report({"en": [True] * 10, "de": [True] * 2})
    second = report({"en": [True] * 10, "de": [True, False]})
    assert compare(first, second).overall.difference == pytest.approx(-0.25)


def test_models_are_evaluated_on_the_data() -> None:
    good, other = make_fake_pipeline(), make_fake_pipeline()
    fit(good)
    data = [("de: b", "b"), ("de: a", "a")] * 20
    found = compare(other, good, data, language="de", progress=False)
    # Without the projection, the model takes each German `b` for an `a`.
    assert (found.languages["de"].a, found.languages["de"].b) == (0.5, 1.0)
    assert found.languages["de"].verdict == "better"
    with pytest.raises(XltError, match="pipeline"):
        compare(good, other)


def test_reports_of_different_texts_are_refused() -> None:
    one, two = report({"en": [True, True]}), report({"en": [True, True, False]})
    for first, second in ((one, two), (two, one)):
        with pytest.raises(XltError, match="English.* a "):
            compare(first, second)
    assert one.predictions is not None
    other = Prediction(**{**one.predictions[0].model_dump(), "gold": ["b"]})
    with pytest.raises(XltError, match="English.* [ab] "):
        compare(one, one.model_copy(update={"predictions": [other, one.predictions[1]]}))


def test_a_report_without_predictions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(json.dumps(document(model="old model")))
    with pytest.raises(XltError, match="old model"):
        compare(tmp_path / "m.json", tmp_path / "m.json")


def test_the_table_fits_80_columns_and_escapes_names(capsys: pytest.CaptureFixture[str]) -> None:
    hits = draw(0.85, seed=0)
    found = compare(report(hits, "<b>old</b>"), report(flip(hits, "sw", 25), "[red]new"))
    found.table()
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines) and "[red]new" in lines[0]
    assert any("Swahili (sw)" in line and line.rstrip().endswith("worse") for line in lines)
    assert "&lt;b&gt;old" in found._repr_html_() and "<b>" not in found._repr_html_()

"""Any function as a detector."""

from typing import Any

import pytest
import spacy
from spacy.util import registry

from spacy_xlt.detectors.base import Detector
from spacy_xlt.detectors.callable import CallableDetector
from spacy_xlt.errors import XltError


def detect(answer: Any, languages: Any = None, text: str = "some text") -> list[tuple[str, float]]:
    return CallableDetector(lambda text: answer).detect([text], languages)[0]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("deu", [("de", 1.0)]),
        (("zh", 0.75), [("zh", 0.75)]),
        (("zh-cn", 0.75), [("zho_Hans", 0.75)]),
        ([("zho_Hans", 0.5), ("zh-TW", 0.25), ("zh_Hant", 0.125)], [("zho_Hans", 0.5), ("zho_Hant", 0.375)]),
        ([("arz_Arab", 0.5), ("deu_Latn", 0.25)], [("arz_Arab", 0.5), ("de", 0.25)]),
        ([("xx", 0.5), ("de", 0.25)], [("xx", 0.5), ("de", 0.25)]),
        ([("en", 0.25), ("de", 0.5)], [("de", 0.5), ("en", 0.25)]),
        ([["pt-BR", 0.25], ["pt", 0.25]], [("pt", 0.5)]),
        ([], []),
        (None, []),
        ("und", [("xx", 1.0)]),
    ],
)
def test_valid_answers_of_a_function(answer: Any, expected: list[tuple[str, float]]) -> None:
    assert detect(answer) == expected


@pytest.mark.parametrize("answer", [3, ("de", 2.0), [("de",)], ["de"], [("de", "much")], {"de": -1}])
def test_an_invalid_answer_is_an_error(answer: Any) -> None:
    with pytest.raises(XltError, match="return a language code"):
        detect(answer)


def test_the_prior_keeps_the_sum_of_the_probabilities() -> None:
    answer = [("en", 0.5), ("de", 0.3), ("fr", 0.1)]
    assert detect(answer, ["de", "fr"]) == [("de", pytest.approx(0.675)), ("fr", pytest.approx(0.225))]
    assert detect(answer, {"de": 1, "fr": 3}) == [("de", pytest.approx(0.45)), ("fr", pytest.approx(0.45))]
    assert detect(answer, ["ja"]) == []


def test_a_prior_with_scripts() -> None:
    answer = [("zho_Hans", 0.5), ("zho_Hant", 0.25), ("ja", 0.125)]
    assert detect(answer, ["zh"]) == [("zho_Hans", pytest.approx(0.583333)), ("zho_Hant", pytest.approx(0.291667))]
    assert detect(answer, ["zh_Hant"]) == [("zho_Hant", 0.875)]
    assert detect(("zh", 0.5), ["zh_Hant"]) == [("zh", 0.5)]


def test_the_prior_does_not_change_the_probability_of_no_known_language() -> None:
    answer = [("xx", 0.5), ("de", 0.25), ("en", 0.25)]
    assert detect(answer, ["de"]) == [("de", 0.5), ("xx", 0.5)]
    assert detect(answer, ["ja"]) == [("xx", 0.5)]


def test_the_function_gets_prepared_texts_and_none_without_letters() -> None:
    asked: list[str] = []
    detector = CallableDetector(lambda text: asked.append(text))
    assert isinstance(detector, Detector)
    assert detector.detect(["", "12", "@user", "siehe https://a.b/c"]) == [[], [], [], []]
    assert asked == ["siehe"]


def test_in_a_config_the_function_is_a_registered_block() -> None:
    registry.misc.register("tests.always_german.v1", func=lambda: lambda text: ("de", 0.9))
    detector = {"@xlt_detectors": "spacy-xlt.Callable.v1", "function": {"@misc": "tests.always_german.v1"}}
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_langdetect", config={"detector": detector})
    doc = nlp("whatever this is")
    assert (doc._.language, doc._.language_score) == ("de", 0.9)

"""From scores to probabilities: prior, temperature, scripts, mixtures."""

from collections.abc import Sequence

import numpy as np
import pytest

from spacy_xlt.detectors import calibration
from spacy_xlt.detectors.base import Detector
from spacy_xlt.detectors.calibration import CLASSES, length_classes, read_calibration
from spacy_xlt.detectors.parts import split_scripts
from spacy_xlt.detectors.scoring import Scores, ScoringDetector
from spacy_xlt.errors import XltError


class Fixed(ScoringDetector):
    """Scores that are in the text: the count of each language's letter."""

    name = "fixed"
    asked: int = 0

    @property
    def languages(self) -> Sequence[str]:
        return ["de", "en", "fr", "ja", "ru", "uk", "zh"]

    def score(self, texts: Sequence[str], languages: tuple[str, ...]) -> Scores:
        self.asked += len(texts)
        letters = {"de": "d", "en": "e", "fr": "f", "ru": "р", "uk": "у", "zh": "我", "ja": "本"}
        return np.array([[text.count(letters[code]) for code in languages] for text in texts], dtype=np.float32)


def softmax(*scores: float) -> list[float]:
    exponentials = np.exp(scores)
    return list(exponentials / exponentials.sum())


def detect(text: str, languages: object = None) -> dict[str, float]:
    return dict(Fixed().detect([text], languages)[0])  # type: ignore[arg-type]


def test_it_is_a_detector() -> None:
    assert isinstance(Fixed(), Detector)


def test_probabilities_are_the_softmax_of_the_scores_of_a_script() -> None:
    found = detect("dde f")
    de, en, fr = softmax(2, 1, 1)
    assert found == {
        "de": pytest.approx(de, abs=1e-6),
        "en": pytest.approx(en, abs=1e-6),
        "fr": pytest.approx(fr, abs=1e-6),
    }
    assert list(found) == ["de", "en", "fr"]


def test_probabilities_are_multiplied_by_the_prior() -> None:
    found = detect("dde f", {"deu": 1.0, "en-GB": 3.0})
    weights = np.array([1.0, 3.0]) * softmax(2, 1)
    assert found == pytest.approx(dict(zip(("de", "en"), weights / weights.sum())), abs=1e-6)
    assert detect("dde f", {"de": 10.0, "en": 30.0}) == found
    assert detect("dde f", ["de", "en"]) == pytest.approx(dict(zip(("de", "en"), softmax(2, 1))), abs=1e-6)


def test_the_scores_are_divided_by_the_temperature_of_their_length(monkeypatch: pytest.MonkeyPatch) -> None:
    temperatures = {"open": [1.0] * len(CLASSES), "prior": [1.0] * len(CLASSES)}
    temperatures["prior"][CLASSES.index("1 word")] = 4.0
    monkeypatch.setattr(calibration, "read_calibration", lambda: {"temperatures": {"fixed": temperatures}})
    assert detect("ddddde", ["de", "en"])["de"] == pytest.approx(softmax(5 / 4, 1 / 4)[0], abs=1e-6)
    assert detect("ddd de", ["de", "en"])["de"] == pytest.approx(softmax(4, 1)[0], abs=1e-6)
    assert detect("ddddde")["de"] == pytest.approx(softmax(5, 1, 0)[0], abs=1e-6)


def test_a_script_identifies_or_limits_the_languages() -> None:
    assert set(detect("рррр у")) == {"ru", "uk"}
    assert detect("рррр у", ["ru", "de", "fr"]) == {"ru": 1.0}
    assert detect("ひらがな") == {"ja": 1.0}
    assert detect("한국어") == {"ko": 1.0}  # whether the model knows it or not
    assert detect("dddd", ["ru", "uk"]) == {}
    assert detect("한국어", ["ru", "uk"]) == {}


def test_the_model_is_used_only_if_a_script_has_several_languages() -> None:
    detector = Fixed()
    detector.detect(["한국어", "ひらがな", "", "12"])
    detector.detect(["рр", "ррр"], ["ru", "en", "fr"])
    assert detector.asked == 0
    detector.detect(["dd", "рр"])
    assert detector.asked == 2


def test_chinese_characters_without_kana_are_less_japanese_the_more_there_are() -> None:
    japanese = [detect(text, ["zh", "ja"]).get("ja", 0.0) for text in ("日", "日日", "日日日日")]
    assert 0.5 > japanese[0] > japanese[1] > japanese[2]


def test_mixed_scripts_give_each_language_its_share() -> None:
    found = detect("dddddddddd рррррррррр")
    assert found["de"] == pytest.approx(0.5, abs=0.01) and found["ru"] == pytest.approx(0.5, abs=0.01)
    assert sum(found.values()) <= 1.0


def test_a_batch_gives_what_single_texts_give() -> None:
    texts = ["dd e", "рр у", "", "한", "dd рр", "我", "f"] * 3
    assert Fixed().detect(texts) == [Fixed().detect([text])[0] for text in texts]


def test_a_prior_without_a_known_language_is_an_error() -> None:
    with pytest.raises(XltError, match="Fixed knows none of the languages ig, yo"):
        detect("dd", ["yo", "ig"])
    assert detect("dd", ["yo", "de"]) == {"de": 1.0}
    assert detect("dd", ["ko"]) == {}


# The classes of length


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ok", "1 short word"),
        ("Rechnung", "1 word"),
        ("meine Rechnung", "2 words"),
        ("wo ist sie", "< 20 letters"),
        ("wo ist meine andere Rechnung", "< 32 letters"),
        ("我", "< 20 letters"),
        ("我两周前订购的包裹", "< 32 letters"),
        ("wo ist sie " * 30, "longer"),
    ],
)
def test_classes_of_length(text: str, name: str) -> None:
    assert CLASSES[length_classes(split_scripts([text]))[0]] == name


def test_the_calibration_is_complete() -> None:
    found = read_calibration()
    assert found["classes"] == list(CLASSES)
    assert set(found["temperatures"]) == {"langdetect", "ngrams", "py3langid", "fasttext", "lingua"}
    for fitted in found["temperatures"].values():
        assert len(fitted["open"]) == len(fitted["prior"]) == len(CLASSES)
        assert min(fitted["open"] + fitted["prior"]) > 0

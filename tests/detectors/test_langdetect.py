"""The default back end: langdetect's knowledge, the same answer always, an answer to everything."""

import random

import langdetect
import pytest
from langdetect import detector_factory

from spacy_xlt.detectors.langdetect import LangDetect, read_profiles
from spacy_xlt.languages import base_code, is_known
from tests import sib200
from tests.detectors.snippets import accuracy, first_words

SHORT = ("ok", "no", "pero", "mein", "casa", "der Tag", "la nuit", "hola que", "i am", "una sera", "taxi")


def test_the_profiles_are_those_of_langdetect() -> None:
    detector_factory.init_factory()
    theirs = detector_factory._factory
    profiles = read_profiles()
    assert set(profiles.languages) == {base_code(code) for code in theirs.langlist}
    assert len(profiles.weights) == len(theirs.word_lang_prob_map)
    assert all(is_known(code) for code in profiles.languages)


@pytest.mark.benchmark_data
def test_it_is_right_about_each_sentence_that_langdetect_is_right_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(langdetect.DetectorFactory, "seed", 0)
    labeled = [(text, language) for language in sib200.FOLDERS for text in sib200.read_texts(language, "dev")[:4]]
    right = [(text, language) for text, language in labeled if base_code(langdetect.detect(text)) == language]
    assert len(right) > 0.9 * len(labeled)
    assert accuracy(LangDetect(), right) == 1.0


@pytest.mark.benchmark_data
def test_it_is_no_less_accurate_than_langdetect_on_three_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(langdetect.DetectorFactory, "seed", 0)
    texts = [
        (first_words(text, language), language)
        for language in sib200.FOLDERS
        for text in sib200.read_texts(language, "dev")[:25]
    ]
    theirs = sum(base_code(langdetect.detect(text)) == language for text, language in texts) / len(texts)
    assert accuracy(LangDetect(), texts) >= theirs


def test_global_state_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector_factory, "_factory", None)
    seed, state = langdetect.DetectorFactory.seed, random.getstate()
    read_profiles.cache_clear()
    LangDetect().detect(SHORT, ["de", "en"])
    assert langdetect.DetectorFactory.seed is seed
    assert random.getstate() == state
    assert detector_factory._factory is None


def test_the_answer_does_not_depend_on_global_state(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = LangDetect().detect(SHORT)
    for seed in (1, 2):
        monkeypatch.setattr(langdetect.DetectorFactory, "seed", seed)
        random.seed(seed)
        langdetect.detect_langs("some text")
        assert LangDetect().detect(SHORT) == expected


@pytest.mark.parametrize(
    "text", ["我两周前订购的包裹在哪里？", "今天天氣很好，我們去公園散步吧", "我的订单在哪里 我的訂單在哪裡", "我"]
)
def test_chinese_of_either_script_is_zh(text: str) -> None:
    (language, probability), *_ = LangDetect().detect([text], ["zh", "ja", "en"])[0]
    assert language == "zh" and probability > 0.7


def test_abbreviations_do_not_count() -> None:
    expected = LangDetect().detect(["Wo bleibt das Paket von ?"])
    assert LangDetect().detect(["Wo bleibt das Paket von XQ?"])[0][0][0] == expected[0][0][0] == "de"

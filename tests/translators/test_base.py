"""Which texts are translated, and what happens if the translator fails."""

import warnings
from collections.abc import Sequence
from typing import Any, Optional

import pytest

from spacy_xlt.errors import NotInstalledError, UnusableError, XltError, XltWarning
from spacy_xlt.translators.base import Stateless, TextTranslator
from spacy_xlt.translators.callable import CallableTranslator
from spacy_xlt.translators.glossary import Glossary
from tests.translators.functions import shout


class Recorder(Stateless):
    """Translates `x` to `<x>`, and records the batches."""

    def __init__(self, known: Optional[list[str]] = None) -> None:
        self.known = known
        self.batches: list[list[str]] = []

    def source_languages(self) -> Optional[list[str]]:
        return self.known

    def config(self) -> dict[str, Any]:
        return {}

    def translate(self, texts: Sequence[str], languages: Sequence[str], to: str) -> list[Optional[str]]:
        self.batches.append(list(texts))
        if "broken" in texts:
            raise RuntimeError("broken text")
        return ["" if text == "blank" else f"<{text}>" for text in texts]


def make(*languages: str, known: Optional[list[str]] = None) -> TextTranslator:
    return TextTranslator("xlt_translator", Recorder(known), languages, "en")


def test_only_texts_of_the_languages_are_translated() -> None:
    translator = make("German", "zh")
    texts, languages = ["a", "b", "c", "d", "e", " "], ["de", "zho_Hans", "fr", "xx", "en", "de"]
    assert translator.translate(texts, languages) == ["<a>", "<b>", None, None, None, None]


def test_the_languages_of_the_translator_are_the_default() -> None:
    translator = make(known=["de", "en", "sw"])
    assert translator.languages == ["de", "sw"]
    assert translator.translate(["a", "b", "c"], ["sw", "en", "fr"]) == ["<a>", None, None]


def test_a_translator_that_does_not_say_its_languages_needs_them() -> None:
    with pytest.raises(XltError, match="Recorder") as raised:
        make().translate(["a"], ["de"])
    assert raised.value.parameter == "languages"


def test_an_unknown_language_is_an_error() -> None:
    with pytest.raises(XltError, match="Klingonese"):
        make("Klingonese")


def test_a_translator_without_data_is_an_error() -> None:
    with pytest.raises(XltError, match="xlt_translator"):
        TextTranslator("xlt_translator", Glossary(), ["de"], "en").translate(["a"], ["de"])


def test_a_text_is_translated_once_for_each_language() -> None:
    translator = make("de", "fr")
    for _ in range(2):
        assert translator.translate(["a", "a", "a"], ["de", "de", "fr"]) == ["<a>"] * 3
    assert translator.translator.batches == [["a", "a"]]  # type: ignore[attr-defined]
    translator.forget()
    translator.translate(["a"], ["de"])
    assert len(translator.translator.batches) == 2  # type: ignore[attr-defined]


def test_a_blank_translation_is_none() -> None:
    assert make("de").translate(["blank", "a"], ["de", "de"]) == [None, "<a>"]


def test_a_text_that_fails_is_not_translated_counted_and_warned_about_once() -> None:
    translator = make("de")
    with pytest.warns(XltWarning, match="broken text") as caught:
        assert translator.translate(["a", "broken", "b"], ["de"] * 3) == ["<a>", None, "<b>"]
    assert len(caught) == 1 and translator.failed == 1
    translator.forget()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert translator.translate(["broken"], ["de"]) == [None]
    assert translator.failed == 2


@pytest.mark.parametrize("kind", [NotInstalledError, UnusableError, MemoryError])
def test_a_translator_that_cannot_work_is_an_error_and_not_a_failed_text(kind: type[Exception]) -> None:
    def broken(text: str, language: str, to: str) -> str:
        raise kind("no weights")

    translator = TextTranslator("xlt_translator", CallableTranslator(broken), ["de"], "en")
    with pytest.raises(kind, match="no weights"):
        translator.translate(["a"], ["de"])
    assert translator.failed == 0


def test_a_wrong_number_of_translations_is_a_failure() -> None:
    translator = make("de")
    translator.translator.translate = lambda texts, languages, to: []  # type: ignore[method-assign]
    with pytest.warns(XltWarning):
        assert translator.translate(["a", "b"], ["de", "de"]) == [None, None]
    assert translator.failed == 2


# Functions


def test_a_function_gets_the_text_and_both_languages() -> None:
    translator = CallableTranslator(shout)
    assert translator.translate(["wo ist", "skip"], ["de", "de"], "en") == ["de-en: WO IST", None]
    assert translator.is_loaded and translator.source_languages() is None and translator.to_bytes() == b""


def test_lone_surrogates_of_a_function_are_replaced() -> None:
    translator = TextTranslator("t", CallableTranslator(lambda text, language, to: "a\ud800"), ["de"], "en")
    assert translator.translate(["a"], ["de"]) == ["a\ufffd"]


def test_what_a_function_may_not_return() -> None:
    with pytest.raises(XltError, match="42"):
        CallableTranslator(lambda text, language, to: 42).translate(["a"], ["de"], "en")  # type: ignore[arg-type, return-value]


def test_a_function_cannot_be_written_to_a_config() -> None:
    with pytest.raises(XltError, match="misc"):
        CallableTranslator(shout).config()

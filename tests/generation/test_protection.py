"""Values that translations must keep."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xlt.errors import XltError
from spacy_xlt.generation.protection import Protection, generate_protected, show
from spacy_xlt.generation.settings import Output
from spacy_xlt.translators.callable import CallableTranslator
from spacy_xlt.translators.protected import ProtectedTranslator


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Order BR-7043 of #38841, 45.80 or 1,234.50.", ["BR-7043", "#38841", "45.80", "1,234.50"]),
        ("See https://example.org/a?b=1, or www.example.org.", ["https://example.org/a?b=1", "www.example.org"]),
        ("Write to max.muster+x@mail.example.org!", ["max.muster+x@mail.example.org"]),
        ("On 2025-01-31 at 14:30 (10 %)", ["2025-01-31", "14:30", "10"]),
        ("订单12345没到", ["12345"]),
        ("the 14th and 2nd of MAY, not A or v2x", []),
        ("", []),
    ],
)
def test_values(text: str, values: list[str]) -> None:
    assert Protection().values(text) == values


def test_the_longest_term_of_a_glossary_wins() -> None:
    protection = Protection({"Blue": "azul", "Blue Card": "Tarjeta Azul", "C++": "C++"})
    assert protection.values("a blue card, bluer, C++ 20, Blue") == ["Tarjeta Azul", "C++", "20", "azul"]
    assert Protection(["PixPad"]).values("my pixpad") == ["pixpad"]


@given(st.lists(st.sampled_from(["order", "AB-12", "7", "ZX0ZX", "ZXX", "me@a.de", "http://a.de/x"]), max_size=12))
def test_placeholders_are_undone(words: list[str]) -> None:
    text, protection = " ".join(words), Protection()
    hidden, values = protection.hide(text)
    assert values == protection.values(text)
    assert not protection.missing(text, show(hidden, values))
    assert show(hidden.lower(), values).lower() == show(hidden, values).lower()


@pytest.mark.parametrize(("output", "missing"), [("512", ["12"]), ("12.", []), ("x12", ["12"]), ("(12)", [])])
def test_a_value_must_be_there_whole(output: str, missing: list[str]) -> None:
    assert Protection().missing("12", output) == missing


def test_only_texts_that_lose_values_are_generated_again() -> None:
    calls = []

    def forgetful(texts: list[str], rows: list[int]) -> list[Output | None]:
        calls.append(rows)
        return [None if text == "skip" else Output(text.replace("AB-12", "AB"), True) for text in texts]

    texts = ["keep 7", "order AB-12", "skip"]
    found = generate_protected(texts, forgetful, Protection())
    assert [each.output for each in found] == [Output("keep 7", True), Output("order AB-12", True), None]
    assert [each.missing for each in found] == [[], [], []] and calls == [[0, 1, 2], [1]]


def test_what_is_lost_with_placeholders_too_is_named() -> None:
    (found,) = generate_protected(["a 7, b 8"], lambda texts, rows: [Output("7")], Protection())
    assert found.output == Output("7") and found.missing == ["8"]


def test_a_protected_translator() -> None:
    def translate(text: str, language: str, to: str) -> str:
        return text.replace("Card", "tarjeta").replace("Blue", "azul").replace("7", "siete")

    translator = ProtectedTranslator(CallableTranslator(translate), ["Blue Card"])
    assert translator.translate(["Blue Card 7", "Card"], ["en", "en"], "es") == ["Blue Card 7", "tarjeta"]
    assert translator.is_loaded and translator.source_languages() is None


def test_a_blank_term_is_an_error() -> None:
    with pytest.raises(XltError, match="blank"):
        Protection(["PixPad", ""])

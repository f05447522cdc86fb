"""Translating data."""

from pathlib import Path

import pytest

from spacy_xlt.data.dataset import load_dataset
from spacy_xlt.errors import XltError, XltWarning
from spacy_xlt.transfer.translate import BATCH, translate
from tests.translators.functions import shout

PAIRS = [("Where is my parcel?", "order"), ("Reset my password.", "account")]


def test_labels_are_kept_and_the_language_is_the_target() -> None:
    found = list(translate(PAIRS, to="German", translator=shout, language="en"))
    assert [record.text for record in found] == ["en-de: WHERE IS MY PARCEL?", "en-de: RESET MY PASSWORD."]
    assert [record.original for record in found] == [text for text, _ in PAIRS]
    assert [record.labels for record in found] == [("order",), ("account",)]
    assert [record.language for record in found] == ["de", "de"]
    dataset = load_dataset(found)
    assert dataset.languages == ["de"] and dataset.labels == ["account", "order"]


def test_texts_are_translated_when_they_are_needed() -> None:
    seen: list[str] = []

    def record(text: str, language: str, to: str) -> str:
        seen.append(text)
        return text.upper()

    texts = [f"text {number}" for number in range(3 * BATCH)]
    found = translate(texts, to="de", translator=record, labeled=False, language="en")
    assert seen == []
    assert next(found).text == "TEXT 0"
    assert len(seen) == BATCH
    assert [each.text for each in found] == [text.upper() for text in texts[1:]]


def test_a_dictionary_of_the_texts() -> None:
    (found,) = translate(
        ["my parcel"], to="sw", translator={"en": [("kifurushi", "parcel")]}, labeled=False, language="en"
    )
    assert found.text == "my kifurushi"


def test_texts_that_are_not_translated_are_left_out_and_counted() -> None:
    with pytest.warns(XltWarning) as caught:
        found = list(translate(["a", "fail", "skip", "b"], to="de", translator=shout, labeled=False, language="en"))
    assert [record.original for record in found] == ["a", "b"]
    assert any("2 of 4" in str(warning.message) for warning in caught)


def test_texts_in_the_target_language_are_left_out() -> None:
    data = {"en": ["a"], "de": ["b"]}
    assert [record.original for record in translate(data, to="de", translator=shout, labeled=False)] == ["a"]
    with pytest.raises(XltError, match="'en'") as raised:
        translate({"en": ["a"]}, to="en", translator=shout, labeled=False)
    assert raised.value.parameter == "to"


def test_bad_input_is_an_error_at_once() -> None:
    with pytest.raises(XltError, match="language"):
        translate(["a"], to="de", translator=shout, labeled=False)
    with pytest.raises(XltError, match="Klingonese"):
        translate(["a"], to="Klingonese", translator=shout, labeled=False, language="en")
    with pytest.raises(XltError, match="nowhere"):
        translate(["a"], to="de", translator=Path("nowhere"), labeled=False, language="en")

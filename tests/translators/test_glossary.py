"""Glossing by dictionaries."""

import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.errors import XltError
from spacy_xlt.translators.glossary import FILE, MAX_ENTRIES, Glossary

SWAHILI = [
    ("parcel", "kifurushi"),
    ("package", "kifurushi"),
    ("bundle", "kifurushi"),
    ("my", "changu"),
    ("good morning", "habari za asubuhi"),
    ("news", "habari"),
    ("password", "Nenosiri"),
]
TIBETAN = [("Tibetan language", "བོད་ཡིག"), ("Tibet", "བོད"), ("letter", "ཡི་གེ")]
THAI = [("hello", "สวัสดี"), ("cat", "แมว"), ("sit", "นั่ง")]
EWE = [("child", "ɖeví"), ("school", "sukù")]


def make() -> Glossary:
    glossary = Glossary()
    for language, pairs in {"sw": SWAHILI, "bo": TIBETAN, "th": THAI, "ee": EWE}.items():
        glossary.add(language, pairs)
    return glossary


def gloss(text: str, language: str = "sw") -> str | None:
    return make().translate([text], [language], "en")[0]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("kifurushi changu", "sw", "parcel package my"),
        ("KIFURUSHI Changu?", "sw", "parcel package my"),
        ("habari za asubuhi", "sw", "good morning"),
        ("habari za jioni", "sw", "news za jioni"),
        ("Oda: NENOSIRI, Nairobi (2)", "sw", "Oda password Nairobi (2"),
        ("བོད་ཡིག་གི་ཡི་གེ།", "bo", "Tibetan language གི letter"),
        ("བོད་ལ", "bo", "Tibet ལ"),
        ("แมวนั่งบนเสื่อ", "th", "cat sit บนเสื่อ"),
        ("สวัสดีแมว", "th", "hello cat"),
    ],
)
def test_known_phrases_are_replaced_and_other_words_are_kept(text: str, language: str, expected: str) -> None:
    assert gloss(text, language) == expected


@pytest.mark.parametrize("word", ["devi", "ɖevi", "ɖevì"])
def test_accents_may_be_missing_or_differ(word: str) -> None:
    assert gloss(word, "ee") == ("child" if word != "devi" else None)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("nenosirini", "password"), ("kifurushia", "parcel package"), ("kifu", None), ("nenoxxxxxx", None), ("hab", None)],
)
def test_inflected_forms_are_known_by_their_first_letters(word: str, expected: str | None) -> None:
    assert gloss(word) == expected


@pytest.mark.parametrize("text", ["", "  ", "?!", "Nairobi", "12 Nairobi 😀"])
def test_a_text_without_a_known_word_is_not_translated(text: str) -> None:
    assert gloss(text) is None


def test_a_language_without_a_dictionary_is_not_translated() -> None:
    assert gloss("kifurushi", "de") is None


def test_each_text_has_the_dictionary_of_its_language() -> None:
    texts, languages = ["kifurushi", "แมว", "kifurushi"], ["swh_Latn", "th", "th"]
    assert make().translate(texts, languages, "en") == ["parcel package", "cat", None]


def test_a_dictionary_is_replaced_and_others_stay() -> None:
    glossary = make()
    glossary.add("Swahili", [("gift", "kifurushi")])
    assert glossary.translate(["kifurushi changu", "แมว"], ["sw", "th"], "en") == ["gift changu", "cat"]
    other = Glossary()
    other.add("th", [("tiger", "แมว")])
    glossary.update(other)
    assert glossary.translate(["kifurushi", "แมว"], ["sw", "th"], "en") == ["gift", "tiger"]
    assert glossary.languages == glossary.source_languages() == ["bo", "ee", "sw", "th"]


def test_phrases_of_more_than_five_words_are_left_out() -> None:
    glossary = Glossary()
    glossary.add("sw", [("long", "a b c d e f"), ("short", "g")])
    assert glossary.translate(["a b c d e f g"], ["sw"], "en") == ["a b c d e f short"]


@pytest.mark.parametrize("pairs", [[], [("parcel", "")], [("", "kifurushi")], [("parcel", "?!")]])
def test_a_dictionary_without_entries_is_an_error(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(XltError, match="'sw'"):
        Glossary().add("sw", pairs)


def test_an_unknown_language_is_an_error() -> None:
    with pytest.raises(XltError, match="Klingonese"):
        Glossary().add("Klingonese", SWAHILI)


def test_coverage() -> None:
    glossary = make()
    assert glossary.coverage(["kifurushi changu", "Nairobi kubwa"], "sw") == 0.5
    assert glossary.coverage(["แมวนั่ง"], "th") == 1.0
    assert glossary.coverage([], "sw") == 0.0


# Round trips


def test_round_trips(tmp_path: Path) -> None:
    glossary = make()
    glossary.to_disk(tmp_path / "a")
    texts = ["kifurushi changu", "บน แมว", "བོད་ཡིག", "ɖeviwo", "habari za asubuhi"]
    languages = ["sw", "th", "bo", "ee", "sw"]
    expected = glossary.translate(texts, languages, "en")
    by_disk, by_bytes = Glossary(), Glossary()
    by_disk.load(tmp_path / "a")
    by_bytes.from_bytes(glossary.to_bytes())
    for copy in (by_disk, by_bytes, pickle.loads(pickle.dumps(glossary))):
        assert copy.is_loaded
        assert copy.translate(texts, languages, "en") == expected
        assert copy.to_bytes() == glossary.to_bytes()


def test_an_empty_glossary_is_not_loaded() -> None:
    glossary = Glossary()
    assert not glossary.is_loaded
    glossary.from_bytes(b"")
    assert glossary.languages == []


@pytest.mark.parametrize("content", [b"", b"no gzip", None])
def test_a_damaged_or_missing_file_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(XltError, match=FILE):
        Glossary().load(tmp_path)


def test_a_truncated_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(make().to_bytes()[:-20])
    with pytest.raises(XltError, match=FILE):
        Glossary().load(tmp_path)


# Any dictionary and any text

WORDS = st.text(min_size=1, max_size=12)
PAIRS = st.lists(st.tuples(WORDS, WORDS), max_size=12)


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.lists(st.text(max_size=40), max_size=4))
def test_any_dictionary_and_text(pairs: list[tuple[str, str]], texts: list[str]) -> None:
    glossary = Glossary()
    try:
        glossary.add("sw", pairs)
    except XltError:
        return
    texts = [*texts, *(word for _, word in pairs)]
    found = glossary.translate(texts, ["sw"] * len(texts), "en")
    assert found == [glossary.translate([text], ["sw"], "en")[0] for text in texts]
    assert all(translation is None or translation.strip() for translation in found)
    assert 0.0 <= glossary.coverage(texts, "sw") <= 1.0
    copy = Glossary()
    copy.from_bytes(glossary.to_bytes())
    assert copy.translate(texts, ["sw"] * len(texts), "en") == found


@given(st.sampled_from([word for _, word in SWAHILI]))
def test_a_word_of_the_dictionary_has_all_its_entries(word: str) -> None:
    entries = [entry for entry, other in SWAHILI if other == word][:MAX_ENTRIES]
    assert gloss(word) == " ".join(entries)

"""Reading dictionaries, and noticing wrong ones."""

from pathlib import Path
from typing import Any

import pytest

from spacy_xlt.errors import XltError, XltWarning
from spacy_xlt.translators.dictionaries import make_glossary, read_dictionaries

# Enough words for language detection.
GERMAN = [
    ("house", "Haus"), ("street", "Straße"), ("city", "Stadt"), ("child", "Kind"), ("water", "Wasser"),
    ("bread", "Brot"), ("weather", "Wetter"), ("night", "Nacht"), ("school", "Schule"), ("teacher", "Lehrerin"),
    ("kitchen", "Küche"), ("window", "Fenster"), ("breakfast", "Frühstück"), ("friendship", "Freundschaft"),
    ("beautiful", "wunderschön"), ("yesterday", "gestern"), ("always", "immer"), ("nobody", "niemand"),
    ("between", "zwischen"), ("to write", "schreiben"), ("to swim", "schwimmen"), ("government", "Regierung"),
    ("science", "Wissenschaft"), ("health", "Gesundheit"),
]  # fmt: skip
SWAPPED = [(word, entry) for entry, word in GERMAN]
TEXTS = ["Das Haus steht in der Stadt", "Das Kind trinkt Wasser in der Küche"]


def make(pairs: list[tuple[str, str]], texts: dict[str, list[str]]) -> tuple[list[str], list[str]]:
    """The languages of the glossary, and the notes."""
    notes: list[str] = []
    return make_glossary({"de": pairs}, to="en", texts=texts, notes=notes).languages, notes


@pytest.mark.parametrize("texts", [{}, {"de": TEXTS}, {"fr": ["La maison"]}])
def test_a_right_dictionary(texts: dict[str, list[str]]) -> None:
    assert make(GERMAN, texts) == (["de"], [])


@pytest.mark.parametrize("texts", [{}, {"de": TEXTS}])
def test_swapped_columns_are_an_error(texts: dict[str, list[str]]) -> None:
    with pytest.raises(XltError, match="'de' are swapped"):
        make(SWAPPED, texts)


def test_the_dictionary_of_another_language_is_noted() -> None:
    _, notes = make([("house", "maison"), ("street", "rue"), ("child", "enfant")], {"de": TEXTS})
    assert len(notes) == 1 and "'de'" in notes[0] and "0%" in notes[0]


def test_files_and_pairs(tmp_path: Path) -> None:
    (tmp_path / "en_bo.tsv").write_text("letter\tཡི་གེ\nTibet\tབོད\nno tab here at all\n", encoding="utf8")
    with pytest.warns(XltWarning, match="1 lines of .*en_bo.tsv"):
        found = read_dictionaries({"Tibetan": tmp_path / "en_bo.tsv", "deu_Latn": iter(GERMAN)})
    assert found == {"bo": [("letter", "ཡི་གེ"), ("Tibet", "བོད")], "de": GERMAN}


@pytest.mark.parametrize(
    ("given", "fragment"),
    [
        ({"Klingonese": GERMAN}, "Klingonese"),
        ({"de": GERMAN, "deu": GERMAN}, "'deu'"),
        ({"de": {"Haus": "house"}}, "'de'"),
        ({"de": ["Haus", "Stadt"]}, "'de'"),
        ({"de": 3}, "'de'"),
        ({"de": "no-such-file.tsv"}, "no-such-file.tsv"),
    ],
)
def test_what_is_no_dictionary(given: Any, fragment: str) -> None:
    with pytest.raises(XltError, match=fragment):
        read_dictionaries(given)

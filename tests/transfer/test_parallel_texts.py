"""Parallel sentences and dictionaries: reading, checking, holding out."""

import json
from pathlib import Path

import numpy as np
import pytest

from spacy_xlt.errors import XltError, XltWarning
from spacy_xlt.transfer.parallel_texts import (
    FEWEST,
    MOST,
    ParallelTexts,
    check_sides,
    check_translations_match,
    is_held_out,
    read_parallel_texts,
)
from spacy_xlt.vectors import unit_rows

TICKETS = Path(__file__).parents[2] / "corpus" / "tickets" / "test"
PAIRS = [("The dog sleeps.", "Der Hund schläft."), ("The cat eats.", "Die Katze frisst.")]


def tickets(language: str, n: int = 40) -> list[str]:
    lines = (TICKETS / f"{language}.jsonl").read_text(encoding="utf8").splitlines()
    return [json.loads(line)["text"] for line in lines[:n]]


def texts_of(language: str, ours: list[str], theirs: list[str]) -> ParallelTexts:
    return ParallelTexts({language: list(zip(ours, theirs))}, {})


def test_files_and_lists(tmp_path: Path) -> None:
    (tmp_path / "de.tsv").write_text("".join(f"{ours}\t{theirs}\n" for ours, theirs in [*PAIRS, PAIRS[0]]))
    (tmp_path / "sw.tsv").write_text("dog\tmbwa\ncat\tpaka\n")
    found = read_parallel_texts(
        {"German": tmp_path / "de.tsv", "fr": [*PAIRS, ("", "x")]}, {"swh": tmp_path / "sw.tsv"}, "en"
    )
    assert found.pairs == {"de": PAIRS, "fr": PAIRS} and found.entries == {"sw": [("dog", "mbwa"), ("cat", "paka")]}
    assert found.languages == ["de", "fr", "sw"] and found.of("sw") == found.entries["sw"]
    assert {(record.text, record.language) for record in found.records("en")} >= {("dog", "en"), ("mbwa", "sw")}


def test_bad_lines_of_a_dictionary_are_counted(tmp_path: Path) -> None:
    (tmp_path / "sw.tsv").write_text("dog\tmbwa\nnothing\n")
    with pytest.warns(XltWarning, match="1 lines .*sw.tsv:2"):
        read_parallel_texts({}, {"sw": tmp_path / "sw.tsv"}, "en")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("One.\tEins.\nTwo.\n", "de.tsv:2: .* 0 tabs"),
        ("One.\tEins.\t1\n", "de.tsv:1: .* 2 tabs"),
        ("\n", "de.tsv has no"),
    ],
)
def test_a_file_of_another_form(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "de.tsv").write_text(content)
    with pytest.raises(XltError, match=message):
        read_parallel_texts({"de": tmp_path / "de.tsv"}, {}, "en")


@pytest.mark.parametrize(
    ("pairs", "message"),
    [({}, "nothing"), ({"en": PAIRS}, "'en'"), ({"de": []}, "'de'"), ({"Klingonese": PAIRS}, "Klingonese")],
)
def test_nothing_to_learn_from(pairs: dict[str, list[tuple[str, str]]], message: str) -> None:
    with pytest.raises(XltError, match=message):
        read_parallel_texts(pairs, {}, "en")


def test_the_same_sources_are_held_out_in_all_languages() -> None:
    sentences = [f"Sentence {number}." for number in range(400)]
    pairs = {code: [(text, f"{code} {text}") for text in sentences] for code in ("de", "sw")}
    entries = {"de": [(text, text) for text in sentences], "bo": [(f"word {number}", "x") for number in range(9000)]}
    learned, held_out = ParallelTexts(pairs, entries).split()
    assert list(held_out) == ["bo", "de", "sw"] and len(held_out["bo"]) == MOST
    assert [ours for ours, _ in held_out["de"]] == [ours for ours, _ in held_out["sw"]]
    assert 5 < len(held_out["de"]) < 45 and all(theirs.startswith("de ") for _, theirs in held_out["de"])
    for language in learned.languages:
        assert not any(is_held_out(ours) for ours, _ in learned.of(language))
    assert len(learned.pairs["de"]) + len(held_out["de"]) == 400


def test_glosses_that_keep_most_words_are_only_noted() -> None:
    swahili = tickets("sw")
    (note,) = check_sides(texts_of("sw", swahili, swahili), "en")
    assert "Swahili" in note


def test_swapped_sides_are_an_error() -> None:
    english, swahili = tickets("en"), tickets("sw")
    assert check_sides(texts_of("sw", english, swahili), "en") == []
    with pytest.raises(XltError, match="Swahili.*English.*Swap"):
        check_sides(texts_of("sw", swahili, english), "en")
    with pytest.raises(XltError, match="Swap"):
        check_sides(ParallelTexts({}, {"sw": [(theirs, ours) for ours, theirs in zip(english, swahili)] * 10}), "en")


def test_translations_that_are_not_translated_are_an_error() -> None:
    with pytest.raises(XltError, match="'sw'.*English"):
        check_sides(texts_of("sw", tickets("en"), tickets("en")[::-1]), "en")


def test_another_language_is_a_warning() -> None:
    (note,) = check_sides(texts_of("sw", tickets("en"), tickets("tr")), "en")
    assert "'sw'" in note and "Turkish" in note
    (note,) = check_sides(texts_of("sw", tickets("de"), tickets("sw")), "en")
    assert "'sw'" in note and "German" in note and "English" in note


def test_a_few_texts_are_not_checked() -> None:
    assert check_sides(texts_of("sw", tickets("sw", FEWEST - 1), tickets("en", FEWEST - 1)), "en") == []


def test_translations_of_other_lines_are_noticed() -> None:
    chance = np.random.default_rng(0)
    sources = unit_rows(chance.normal(size=(60, 16)).astype(np.float32))
    translations = unit_rows(sources + 3.0 * unit_rows(chance.normal(size=(60, 16))).astype(np.float32))
    assert check_translations_match("yo", sources, translations) is None
    note = check_translations_match("yo", sources, np.roll(translations, 1, axis=0))
    assert note is not None and "'yo'" in note
    assert check_translations_match("yo", sources[:5], sources[4::-1]) is None

"""Bilingual dictionaries."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xlt.data.dictionaries import is_held_out, read_dictionary, split_by_source
from spacy_xlt.errors import XltError

PAIRS = [("dog", "Hund"), ("dog", "Köter"), ("cat", "Katze")]


@pytest.mark.parametrize(
    "content",
    [
        "Hund @ dog\nKöter @ dog\nKatze @ cat\n",
        "dog Hund\ndog Köter\ncat Katze\n",
        "dog\tHund\r\ndog\tKöter\r\ncat\tKatze",
        "\ufeffdog   Hund\n\nHund @ dog\nKöter @ dog\ncat\tKatze\ncat Katze\n",
    ],
)
def test_the_formats_and_each_pair_once(tmp_path: Path, content: str) -> None:
    path = tmp_path / "d.txt"
    path.write_bytes(content.encode())
    read = read_dictionary(path)
    assert read.pairs == PAIRS and read.skipped.count == 0


def test_several_words_on_a_side(tmp_path: Path) -> None:
    path = tmp_path / "d.txt"
    path.write_text("zum  Beispiel @ for example\nfire fighter\tpompier\n@ @ at\n")
    pairs = [("for example", "zum Beispiel"), ("fire fighter", "pompier"), ("at", "@")]
    assert read_dictionary(path).pairs == pairs


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (b"dog", "not a pair of words (dog)"),
        (b"the big dog Hund", "not a pair of words (the big dog Hund)"),
        (b"Hund @", "not a pair of words (Hund @)"),
        (b"@ dog", "not a pair of words (@ dog)"),
        (b"Hund @ dog @ chien", "not a pair of words (Hund @ dog @ chien)"),
        (b"dog\tHund\tchien", "not a pair of words (dog\tHund\tchien)"),
        (b"dog\t\tHund", "not a pair of words (dog\t\tHund)"),
        (b"dog H\xfcnd", "not UTF-8"),
    ],
)
def test_a_bad_line_is_left_out_and_named(tmp_path: Path, line: bytes, detail: str) -> None:
    path = tmp_path / "d.txt"
    path.write_bytes(b"cat Katze\n\n" + line + b"\ndog Hund\n")
    read = read_dictionary(path)
    assert read.pairs == [("cat", "Katze"), ("dog", "Hund")]
    assert read.skipped.count == 1 and read.skipped.first == f"{path}:3: {detail}"


def test_a_file_without_a_pair(tmp_path: Path) -> None:
    path = tmp_path / "d.txt"
    path.write_text("")
    with pytest.raises(XltError) as error:
        read_dictionary(path)
    assert str(path) in str(error.value) and "empty" in str(error.value)
    path.write_text("A text.\nOne more of it.\n")
    with pytest.raises(XltError, match=r"d.txt:2: not a pair of words \(One more of it.\)"):
        path.write_text("\nOne more of it.\n")
        read_dictionary(path)
    with pytest.raises(XltError, match="no.txt does not exist."):
        read_dictionary(tmp_path / "no.txt")


# What is held out


@given(st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4))))
def test_no_source_word_is_on_both_sides_and_no_pair_is_lost(pairs: list[tuple[str, str]]) -> None:
    fit, held_out = split_by_source(pairs)
    assert sorted(fit + held_out) == sorted(pairs)
    assert not {word.casefold() for word, _ in fit} & {word.casefold() for word, _ in held_out}


def test_a_fifth_is_held_out_whatever_else_there_is() -> None:
    words = [f"word{i}" for i in range(5000)]
    held_out = [word for word in words if is_held_out(word)]
    assert 0.18 < len(held_out) / len(words) < 0.22
    pairs = [(word, "x") for word in words]
    assert split_by_source(pairs[1000:2000])[1] == [pair for pair in pairs[1000:2000] if pair[0] in held_out]
    # Files, versions and machines must agree on it.
    assert [word for word in ("dog", "cat", "house", "tree", "water", "Straße", "犬") if is_held_out(word)] == [
        "cat",
        "Straße",
    ]


def test_a_dictionary_has_an_encoding(tmp_path: Path) -> None:
    for number, encoding in enumerate(["utf-16", "cp1252", "utf-8-sig"]):
        (tmp_path / f"{number}.txt").write_bytes("coffee café\r\n".encode(encoding))
        assert read_dictionary(str(tmp_path / f"{number}.txt"), encoding="cp1252").pairs == [("coffee", "café")]

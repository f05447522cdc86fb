"""Reading and writing word vectors."""

import gzip
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from spacy.training.initialize import read_vectors as spacy_read_vectors
from spacy.vectors import Vectors

from spacy_xlt import progress
from spacy_xlt.data import vector_text
from spacy_xlt.data.skipped import Skipped
from spacy_xlt.data.vector_chunks import Chunk
from spacy_xlt.data.word_vectors import WordVectors, read_vectors, stream_vectors, write_vectors
from spacy_xlt.errors import XltError
from tests.data.vectors import write_pipeline, write_text

TABLE = {"der": [1.0, 0.5], "Hund": [-0.25, 3e-3], "größer": [0.0, -1.0], "犬": [7.0, 0.125]}


def check(read: WordVectors) -> None:
    assert list(read.row_of) == list(TABLE) and read.skipped.count == 0
    assert read.rows.dtype == np.float32
    np.testing.assert_allclose(read.rows, list(TABLE.values()), rtol=1e-6)


# Formats


@pytest.mark.parametrize("name", ["a.vec", "a.txt", "a.vec.gz"])
@pytest.mark.parametrize("header", [True, False])
def test_text_with_and_without_counts_and_compressed(tmp_path: Path, name: str, header: bool) -> None:
    check(read_vectors(write_text(tmp_path / name, TABLE, header), 100))


@pytest.mark.parametrize("header", [True, False])
def test_byte_order_mark_windows_lines_tabs_and_blank_lines(tmp_path: Path, header: bool) -> None:
    path = write_text(tmp_path / "a.vec", TABLE, header)
    content = path.read_bytes().replace(b"\n", b"\r\n").replace(b"Hund ", b"Hund\t")
    path.write_bytes(b"\xef\xbb\xbf" + content + b"\r\n\n")
    check(read_vectors(path, 100))


@pytest.mark.parametrize("others", [1, 3])
def test_a_first_word_with_spaces_does_not_count_as_numbers(tmp_path: Path, others: int) -> None:
    lines = ["New York 0.5 1", *(f"w{number} 1 2" for number in range(others))]
    (tmp_path / "a.vec").write_text("\n".join(lines))
    read = read_vectors(tmp_path / "a.vec", 100)
    assert list(read.row_of) == [f"w{number}" for number in range(others)] and read.rows.shape == (others, 2)
    assert read.skipped.first == f"{tmp_path}/a.vec:1: white space in the word"


def test_a_first_line_that_is_cut_off_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "a.vec").write_text("a 1\nb 1 2\nc 1 2\n")
    assert list(read_vectors(tmp_path / "a.vec", 100).row_of) == ["b", "c"]


def test_a_last_line_without_its_end(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a.vec", TABLE)
    path.write_bytes(path.read_bytes().rstrip())
    check(read_vectors(path, 100))


@pytest.mark.parametrize("inside", ["", "vocab"])
def test_a_spacy_folder_and_the_vocab_in_it(tmp_path: Path, inside: str) -> None:
    check(read_vectors(write_pipeline(tmp_path / "nlp", TABLE) / inside, 100))


def test_words_of_a_spacy_folder_share_rows(tmp_path: Path) -> None:
    """As in spaCy's own `_md` pipelines; the rows are read in their order, each once, and all words written."""
    nlp = spacy.blank("de")
    nlp.vocab.vectors = Vectors(strings=nlp.vocab.strings, shape=(4, 2))
    for word, row in (("c", 2), ("a", 0), ("also a", 0), ("also-a", 0), ("lost", 1), ("d", 3)):
        vector = np.array([row + 1.0, np.nan if word == "lost" else 1.0])
        nlp.vocab.vectors.add(nlp.vocab.strings.add(word), vector=vector, row=row)
    nlp.to_disk(tmp_path / "nlp")
    read = read_vectors(tmp_path / "nlp", 2)
    assert read.row_of == {"a": 0, "also-a": 0, "c": 1} and read.rows[:, 0].tolist() == [1, 3]
    assert read.skipped.count == 2
    assert read.skipped.first == f"{tmp_path}/nlp: row 0: white space in the word"
    chunks = list(stream_vectors(tmp_path / "nlp", Skipped()))
    assert [words for words, _ in chunks] == [["a", "also-a", "c", "d"]]
    assert chunks[0][1][:, 0].tolist() == [1, 1, 3, 4]


def test_a_spacy_key_whose_word_is_lost_is_left_out(tmp_path: Path) -> None:
    nlp = spacy.blank("de")
    nlp.vocab.vectors = Vectors(strings=nlp.vocab.strings, shape=(2, 2))
    nlp.vocab.vectors.add(nlp.vocab.strings.add("a"), vector=np.array([1.0, 1.0]))
    nlp.vocab.vectors.add(12345, vector=np.array([1.0, 1.0]))
    nlp.to_disk(tmp_path / "nlp")
    read = read_vectors(tmp_path / "nlp", 100)
    assert list(read.row_of) == ["a"]
    assert read.skipped.first == f"{tmp_path}/nlp: row 1: a key without its word in strings.json"


# The limit, and the stream


def test_the_first_words_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_text, "CHUNK", 2)
    path = write_text(tmp_path / "a.vec", TABLE)
    for limit in range(1, 6):
        read = read_vectors(path, limit)
        assert list(read.row_of) == list(TABLE)[:limit] and read.rows.shape == (min(limit, 4), 2)


def test_chunks_are_small_and_the_file_is_never_whole_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_text, "CHUNK", 100)
    path = tmp_path / "a.vec"
    path.write_text("".join(f"w{i} {' '.join(['0.123456'] * 100)}\n" for i in range(3000)))
    tracemalloc.start()
    sizes = [len(words) for words, _ in stream_vectors(path, Skipped())]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sizes == [100] * 30
    assert peak < path.stat().st_size / 2


def test_progress_is_shown_with_the_number_of_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_text(tmp_path / "a.vec", TABLE)
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    read_vectors(path, 3, progress=True)
    shown = capsys.readouterr()
    assert "Reading a.vec" in shown.err + shown.out
    read_vectors(path, 3)
    assert capsys.readouterr().err == ""


# Bad lines

BAD = [
    ("c 1", "wrong number of fields", "1 numbers where 2 belong"),
    ("c", "wrong number of fields", "0 numbers where 2 belong"),
    ("c 1 2 x", "wrong number of fields", "3 numbers where 2 belong"),
    ("New York 1 2", "white space in the word", "white space in the word"),
    ("a\u00a0b 1 2", "white space in the word", "white space in the word"),
    (" 1 2", "wrong number of fields", "1 numbers where 2 belong"),
    ("c 1 zwei", "not a number", "something that is no number in the vector of 'c'"),
    ("c 1,5 2", "not a number", "something that is no number in the vector of 'c'"),
    ("c nan 2", "NaN or infinity", "NaN or infinity in the vector of 'c'"),
    ("c 1 inf", "NaN or infinity", "NaN or infinity in the vector of 'c'"),
    ("c 1 1e60", "NaN or infinity", "NaN or infinity in the vector of 'c'"),
    ("c 0 -0.0", "zeros only", "the vector of 'c' has zeros only"),
    ("a 3 4", "a word seen before", "'a' was there before"),
    (b"\xff\xfe 1 2", "not UTF-8", "not UTF-8"),
]


@pytest.mark.parametrize("header", ["3 2\n", ""])
@pytest.mark.parametrize(("line", "reason", "detail"), BAD)
def test_a_bad_line_is_left_out_and_named(
    tmp_path: Path, header: str, line: str | bytes, reason: str, detail: str
) -> None:
    path = tmp_path / "a.vec"
    bad = line if isinstance(line, bytes) else line.encode()
    path.write_bytes(header.encode() + b"a 1 2\n" + bad + b"\nb 3 4\n")
    read = read_vectors(path, 100)
    assert list(read.row_of) == ["a", "b"] and read.rows.tolist() == [[1, 2], [3, 4]]
    place = f"{path}:{3 if header else 2}"
    assert read.skipped.to_dict() == {"count": 1, "reasons": {reason: 1}, "first": f"{place}: {detail}"}


def test_all_bad_lines_are_counted_and_the_first_is_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_text, "CHUNK", 3)
    path = tmp_path / "a.vec"
    bad = [line if isinstance(line, bytes) else line.encode() for line, _, _ in BAD]
    path.write_bytes(b"\n".join([b"%d 2" % (len(bad) + 2), b"a 1 2", *bad, b"b 3 4"]))
    read = read_vectors(path, 100)
    assert list(read.row_of) == ["a", "b"] and read.skipped.count == len(bad)
    assert read.skipped.first == f"{path}:3: 1 numbers where 2 belong"


def test_a_bad_line_of_any_kind_in_a_chunk_can_be_the_first(tmp_path: Path) -> None:
    path = tmp_path / "a.vec"
    path.write_text("a 1 2\nc nan 2\nd 1\n")
    assert read_vectors(path, 9).skipped.first == f"{path}:2: NaN or infinity in the vector of 'c'"


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a.vec"
    path.write_text("5 2\na 1 2\nb 1 3\n")
    assert read_vectors(path, 100).skipped.first == f"{path}:1: the header says 5 words, but 2 lines follow"


# Files that cannot be used


def fail(path: Path) -> str:
    with pytest.raises(XltError) as error:
        read_vectors(path, 100)
    return str(error.value)


def test_a_missing_file(tmp_path: Path) -> None:
    assert fail(tmp_path / "no.vec") == f"{tmp_path}/no.vec does not exist."


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"\n\n", "it is empty"),
        (b"3 2\n", "{}:1: the header says 3 words, but 0 lines follow"),
        (b"a 1 x\n", "{}:1: something that is no number in the vector of 'a'"),
        (b"2 5\na 1 2\nb 1 2\n", "{}:2: 2 numbers where 5 belong"),
        (b"Some prose, not vectors.\n", "{}:1: something that is no number in the vector of 'Some'"),
    ],
)
def test_a_file_without_a_usable_vector(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.vec"
    path.write_bytes(content)
    assert fail(path) == f"{path} has no usable word vector (first: {reason.format(path)})."


@pytest.mark.parametrize(
    "content", [b"2 2\nein \x00\x00\x80?\x00\x00\x00@\n", b"\x93NUMPY\x00", b"\xba\x16O/\x00" * 99]
)
def test_a_binary_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wiki.bin"
    path.write_bytes(content)
    assert fail(path) == (
        f"{path} is a binary file. Give the vectors as text (fastText's .vec, not its .bin), "
        "as .gz of text, or as a spaCy pipeline folder."
    )


def test_a_damaged_gz_and_one_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.vec.gz"
    content = gzip.compress(os.urandom(20_000).hex().encode())
    for damaged in (content[:-1000], b"a 1 2\n", content[:200] + b"\0" * 99 + content[300:]):
        path.write_bytes(damaged)
        assert fail(path).startswith(f"{path} cannot be read (")
        assert fail(path).endswith("): it is damaged or not complete. Copy it again.")


def test_a_folder_without_vectors(tmp_path: Path) -> None:
    message = "has no word vectors: give a file of vectors, or a spaCy pipeline folder with some."
    assert fail(tmp_path) == f"{tmp_path} {message}"
    spacy.blank("de").to_disk(tmp_path / "nlp")
    assert fail(tmp_path / "nlp") == f"{tmp_path / 'nlp'} has no usable word vector (first: it is empty)."


def test_floret_vectors_are_of_parts_of_words(tmp_path: Path) -> None:
    nlp = spacy.blank("de")
    rows = np.ones((8, 2), dtype=np.float32)
    nlp.vocab.vectors = Vectors(
        strings=nlp.vocab.strings, data=rows, mode="floret", minn=2, maxn=3, hash_count=1, hash_seed=1, bow="<", eow=">"
    )
    nlp.to_disk(tmp_path / "nlp")
    line = fail(tmp_path / "nlp")
    assert line == f"{tmp_path}/nlp has floret vectors, of parts of words: give one with a table of words."


@pytest.mark.parametrize("file", ["vectors", "key2row", "strings.json"])
def test_a_damaged_folder(tmp_path: Path, file: str) -> None:
    path = write_pipeline(tmp_path / "nlp", TABLE)
    (path / "vocab" / file).write_bytes(b"\xff{")
    assert fail(path).startswith(f"{path} cannot be read (") and fail(path).endswith("it is damaged. Copy it again.")


# Finding words


def test_a_word_is_found_by_its_letters_then_by_any_case() -> None:
    vectors = WordVectors({"Essen": 0, "essen": 1, "Hund": 2, "HUND": 3}, np.ones((4, 2), dtype=np.float32))
    assert [vectors.find(word) for word in ("Essen", "essen", "hund", "HUND", "ESSEN")] == [0, 1, 2, 3, 0]
    assert vectors.find("Katze") is None


# Writing

WORDS = st.text(st.characters(exclude_categories=["Zs", "Zl", "Zp", "Cc", "Cs"]), min_size=1, max_size=5)
FLOATS = st.floats(-1e4, 1e4, width=32).filter(lambda x: abs(x) > 1e-4)


@given(words=st.lists(WORDS.filter(lambda word: word.split() == [word]), min_size=1, unique=True), data=st.data())
def test_what_is_written_can_be_read_again_by_us_and_by_spacy(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], data: st.DataObject
) -> None:
    rows = data.draw(arrays(np.float32, (len(words), 3), elements=FLOATS))
    path = tmp_path_factory.mktemp("out") / "a.vec"
    assert write_vectors(path, iter([(words[:2], rows[:2]), (words[2:], rows[2:])]), 3) == len(words)
    read = read_vectors(path, 1000)
    assert list(read.row_of) == words and read.skipped.count == 0
    np.testing.assert_allclose(read.rows, rows, rtol=1e-5)
    theirs, keys, _ = spacy_read_vectors(path, -1)
    assert keys == words
    np.testing.assert_array_equal(theirs, read.rows)


def test_ctrl_c_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a.vec", TABLE)

    def chunks() -> Iterator[Chunk]:
        yield ["a"], np.ones((1, 2), dtype=np.float32)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_vectors(path, chunks(), 2)
    assert os.listdir(tmp_path) == ["a.vec"]
    check(read_vectors(path, 100))

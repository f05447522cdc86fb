"""Data as it is given to functions: records, texts, and files of them."""

from pathlib import Path
from typing import Any

import pytest

from spacy_xlt.data.given import as_records, as_texts, as_texts_by_language
from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.languages import as_base_code, by_base_code
from tests.data.test_records import write

RECORD = Record("Hallo", ("x",), "de", "here")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "a.csv", "text,label,lang\nHallo,x,de\nHello,y,English\n")


def test_records_stay_what_they_are() -> None:
    assert as_records([RECORD]) == as_records(each for each in [RECORD]) == [RECORD]  # type: ignore[arg-type]
    assert as_records([]) == as_records(()) == []


def test_records_of_files(path: Path) -> None:
    sources: list[Any] = [path, str(path), [path], [str(path)], path.parent, f"{path.parent}/*.csv", [path.parent]]
    for source in sources:
        assert [record.text for record in as_records(source)] == ["Hallo", "Hello"]
    with pytest.raises(XltError, match=r"a\.csv"):
        as_records([RECORD, path])  # type: ignore[list-item]


def test_what_is_left_out_is_warned_of(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\nHallo,x\nHello\n")
    with pytest.warns(UserWarning, match=r"a\.csv:3"):
        assert len(as_records(path)) == 1


def test_texts_by_language(path: Path, tmp_path: Path) -> None:
    lines = write(tmp_path / "lines" / "german.txt", "Hallo\nTschüs\n")
    assert as_texts(["Hallo", "german.txt?"]) == ["Hallo", "german.txt?"]
    assert as_texts_by_language({"German": str(lines), "en": ["Hello"]}) == {"de": ["Hallo", "Tschüs"], "en": ["Hello"]}
    assert as_texts_by_language(str(path)) == {"de": ["Hallo"], "en": ["Hello"]}
    assert as_texts_by_language([path]) == {"de": ["Hallo"], "en": ["Hello"]}


def test_languages_of_texts() -> None:
    assert by_base_code({"deu": 1, "Swahili": 2, "und": 3}, as_base_code) == {"de": 1, "sw": 2, "xx": 3}
    with pytest.raises(XltError, match=r"'germna'.*German"):
        by_base_code({"germna": 1}, as_base_code)
    with pytest.raises(XltError, match="'German'"):
        by_base_code({"de": 1, "German": 2}, as_base_code)

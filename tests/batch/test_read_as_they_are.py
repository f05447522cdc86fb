"""`process` on files as people have them, and how it tells texts from paths."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spacy_xlt.batch import process
from spacy_xlt.batch.sources import FileRows, identity
from spacy_xlt.data.items import item_rows
from spacy_xlt.data.paths import find_inputs, paths_of
from spacy_xlt.data.rows import BadRecord
from spacy_xlt.errors import XltError
from tests.batch.conftest import read_jsonl

PACKERS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress}


@pytest.mark.parametrize("packed", PACKERS)
def test_an_unclosed_quote_costs_one_record(model: Path, tmp_path: Path, packed: str) -> None:
    rows = [f"payment,text {number}" for number in range(120)]
    rows[2] = 'payment,"I was charged twice'
    path = tmp_path / f"a.csv{packed}"
    path.write_bytes(PACKERS[packed]("\n".join(["label,text", *rows, ""]).encode()))
    summary = process(model, path, tmp_path / "out")
    assert (summary.documents, summary.quarantined) == (119, 1)
    assert f'"{path}", "line": 4' in (tmp_path / "out" / "quarantine.jsonl").read_text("utf8")


@pytest.mark.parametrize("packed", PACKERS)
def test_utf16_is_read_by_its_mark(model: Path, tmp_path: Path, packed: str) -> None:
    for kind, content in {"csv": "text;id\ncafé;1\n", "jsonl": '{"text": "café"}\n', "txt": "café\n"}.items():
        (tmp_path / f"a.{kind}{packed}").write_bytes(PACKERS[packed](content.encode("utf-16")))
    said: list[str] = []
    paths = [f"{tmp_path}/a.{kind}{packed}" for kind in ("csv", "jsonl", "txt")]
    found = [row for _, row in FileRows(find_inputs(paths), said.append)]
    assert [row["text"] for row in found if isinstance(row, dict)] == ["café"] * 3
    assert len(said) == 1 and "semicolons" in said[0]
    summary = process(model, tmp_path / f"a.csv{packed}", tmp_path / "out")
    assert (summary.documents, summary.quarantined) == (1, 0)
    assert [row["text"] for row in read_jsonl(tmp_path / "out")] == ["café"]


def test_a_folder_of_documents_has_encodings_too(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_bytes("café\n".encode("utf-16"))
    (tmp_path / "docs" / "b.txt").write_bytes("café\n".encode("cp1252"))
    first, second = (row for _, row in FileRows(find_inputs([tmp_path / "docs"], documents=True)))
    assert first == {"text": "café\n"} and isinstance(second, BadRecord) and second.reason == "not UTF-8"
    named = find_inputs([tmp_path / "docs"], documents=True, encoding="cp1252")
    assert [row for _, row in FileRows(named)] == [{"text": "café\n"}] * 2
    assert identity(named) != identity(find_inputs([tmp_path / "docs"], documents=True))


def test_utf16_without_a_mark_is_not_classified(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("text\ncafé\n".encode("utf-16-le"))
    (bad,) = (row for _, row in FileRows(find_inputs([str(tmp_path / "a.csv")])))
    assert isinstance(bad, BadRecord) and "utf-16-le" in bad.reason
    (row,) = (row for _, row in FileRows(find_inputs([str(tmp_path / "a.csv")], encoding="utf-16-le")))
    assert row == {"text": "café"}


def test_parquet_with_a_doubled_column_and_a_json_array(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    doubled = arrow.Table.from_arrays([arrow.array(["one"]), arrow.array(["two"])], names=["text", "text"])
    pytest.importorskip("pyarrow.parquet").write_table(doubled, tmp_path / "a.parquet")
    (bad,) = (row for _, row in FileRows(find_inputs([str(tmp_path / "a.parquet")])))
    assert isinstance(bad, BadRecord) and "'text'" in bad.reason
    (tmp_path / "a.json").write_text('[{"text": "one"},\n {"text": "two"}]')
    found = [(place, row) for place, row in FileRows(find_inputs([str(tmp_path / "a.json")]))]
    assert found == [(f"{tmp_path}/a.json:1", {"text": "one"}), (f"{tmp_path}/a.json:2", {"text": "two"})]


# Texts and paths


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two files of data and a folder."""
    for name in ("tickets.csv", "my tickets.csv"):
        (tmp_path / name).write_text("text\nWhere is it?\n")
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("source", ["tickets.csv", ["tickets.csv"], ("tickets.csv",), [Path("tickets.csv")], "t*.csv"])
def test_a_file_that_is_named_is_read(model: Path, here: Path, source: Any) -> None:
    rows: list[dict[str, Any]] = []
    process(model, source, rows.append)
    assert [row["text"] for row in rows] == ["Where is it?"]


@pytest.mark.parametrize("source", [["my tickets.csv"], ["*.csv", "./data"], [Path("no.csv")], "no.csv", Path("data")])
def test_paths(here: Path, source: Any) -> None:
    assert paths_of(source) == [str(each) for each in (source if isinstance(source, list) else [source])]


@pytest.mark.parametrize(
    "source",
    [
        ["Where is it?"],
        ["Hello", "data", "."],
        ["/", "..", ""],
        ["see no.csv", "no.csv"],
        ["What about a/b or *.*?", "a\nb.csv", "a\0.csv"],
        ["\ud800.csv", "x"],
        [{"text": "tickets.csv"}],
        [],
    ],
)
def test_texts(here: Path, source: Any) -> None:
    assert paths_of(source) is None


@pytest.mark.parametrize(
    ("source", "doubtful"),
    [
        (["tickets.csv", "no.csv"], "tickets.csv"),
        (["tickets.csv", "Where is it?"], "tickets.csv"),
        (["no.csv"], "no.csv"),
        (["data"], "data"),
        ([Path("tickets.csv"), "Where is it?"], "Where is it?"),
    ],
)
def test_what_is_neither_is_refused(model: Path, here: Path, source: Any, doubtful: str) -> None:
    with pytest.raises(XltError, match=doubtful.replace("?", r"\?")):
        process(model, source, here / "out")
    assert not (here / "out").exists()


def test_the_name_of_a_file_in_a_stream_is_a_bad_record(here: Path) -> None:
    items = ["Where is it?", "tickets.csv", "no.csv", Path("tickets.csv")]
    kinds = [type(row) for _, row in item_rows(iter(items))]
    assert kinds == [dict, BadRecord, dict, BadRecord]


def test_a_field_to_keep_that_is_not_there_is_told_of(model: Path, tmp_path: Path) -> None:
    said: list[str] = []
    process(model, [{"text": "one", "note": "n"}], [].append, keep=["note", "nott"], say=said.append)
    assert ["'nott'" in sentence for sentence in said] == [False, True]

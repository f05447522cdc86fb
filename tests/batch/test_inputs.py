"""Which files are read, as what, and what of them."""

import gzip
import os
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_xlt.batch import process
from spacy_xlt.batch.fields import Fields, choose_fields
from spacy_xlt.batch.sources import FileRows, identity
from spacy_xlt.data.docbin import make_docs, write_docbin
from spacy_xlt.data.paths import Input, find_inputs
from spacy_xlt.data.records import Record
from spacy_xlt.data.rows import BadRecord
from spacy_xlt.errors import XltError
from tests.data.test_dataset import Pandas


def names(inputs: list[Input], folder: Path) -> list[tuple[str, str]]:
    return [(os.path.relpath(each.path, folder), each.kind) for each in inputs]


def rows(*inputs: Input) -> list[Any]:
    return [row for _, row in FileRows(inputs)]


def test_folders_patterns_and_files_once_each_in_order(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.csv.gz", "sub/c.txt", "sub/d.tsv.zst", "sub/image.png", ".hidden.csv", "e[1].NDJSON"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    known = [("a.csv.gz", "csv"), ("b.jsonl", "jsonl"), ("e[1].NDJSON", "jsonl")]
    inside = [("sub/c.txt", "file"), ("sub/d.tsv.zst", "tsv")]
    assert names(find_inputs([tmp_path], documents=True), tmp_path) == known + inside
    pattern = find_inputs([f"{tmp_path}/**/*.t*", f"{tmp_path}/b.jsonl", f"{tmp_path}/sub/../b.jsonl"])
    assert names(pattern, tmp_path) == [("sub/c.txt", "line"), ("sub/d.tsv.zst", "tsv"), ("b.jsonl", "jsonl")]
    assert names(find_inputs([f"{tmp_path}/e[1].NDJSON"]), tmp_path) == [("e[1].NDJSON", "jsonl")]
    assert find_inputs(["-"]) == [Input("-", "line")] and find_inputs(["-"], kind="csv") == [Input("-", "csv")]


def test_links_that_go_in_circles_end_and_the_output_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.txt").write_text("a")
    (tmp_path / "in" / "deep" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "self.txt").symlink_to(tmp_path / "in" / "self.txt")
    (tmp_path / "in" / "out").mkdir()
    (tmp_path / "in" / "out" / "part-00000.jsonl").write_text("{}")
    found = find_inputs([str(tmp_path / "in")], leave_out=tmp_path / "in" / "out", documents=True)
    assert names(found, tmp_path) == [("in/deep/a.txt", "file")]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no.csv", r"no\.csv"),
        ("*.csv", r"\*\.csv"),
        ("a.doc", r"a\.doc .*\.jsonl"),
        ("empty", r"empty .*\.jsonl"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "a.doc").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(XltError, match=message):
        find_inputs([str(tmp_path / path)])
    with pytest.raises(XltError, match="-"):
        find_inputs([])


def test_identity_sees_a_change(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a")
    before = identity([Input(str(path), "line")])
    assert before == identity([Input(str(path), "line")]) != identity([Input(str(path), "file")])
    path.write_text("b")
    os.utime(path, ns=(0, 0))
    assert identity([Input(str(path), "line")]) != before


def test_the_same_rows_plain_and_packed(tmp_path: Path) -> None:
    content = '\ufeffid,text\r\n1,"two\nlines"\r\n2,caf\u00e9\r\n'.encode()
    (tmp_path / "a.csv").write_bytes(content)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(content))
    expected = [{"id": "1", "text": "two\nlines"}, {"id": "2", "text": "caf\u00e9"}]
    assert rows(Input(str(tmp_path / "a.csv"), "csv")) == expected
    assert rows(Input(str(tmp_path / "a.csv.gz"), "csv")) == expected
    arrow = pytest.importorskip("pyarrow")
    with arrow.CompressedOutputStream(str(tmp_path / "a.csv.zst"), "zstd") as file:
        file.write(content)
    assert rows(Input(str(tmp_path / "a.csv.zst"), "csv")) == expected


def test_a_file_a_document_and_a_line_a_document(tmp_path: Path) -> None:
    name = tmp_path / "new\nline.txt"
    name.write_text("one\ntwo\n\n", newline="")
    (tmp_path / "z.txt").write_bytes(b"caf\xe9")
    assert rows(Input(str(name), "line")) == [{"text": "one"}, {"text": "two"}]
    found = list(FileRows(find_inputs([tmp_path], documents=True)))
    assert found[0] == (str(name), {"text": "one\ntwo\n\n"})
    assert isinstance(found[1][1], BadRecord) and found[1][1].reason == "not UTF-8"


@pytest.mark.parametrize(("name", "kind"), [("a.parquet", "parquet"), ("a.jsonl.gz", "jsonl"), ("no.csv", "csv")])
def test_a_file_that_is_not_what_it_says_is_one_bad_record(tmp_path: Path, name: str, kind: Any) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    if kind != "csv":
        (tmp_path / name).write_text("nothing of the kind")
    (bad,) = rows(Input(str(tmp_path / name), kind))
    assert bad.reason.startswith("the file could not be read on from here: ")


def test_how_much_is_read_grows_to_the_whole(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("line\n" * 10_000)
    source = FileRows(find_inputs([f"{tmp_path}/*.txt"]))
    seen = [source.read_bytes for _ in source]
    assert seen == sorted(seen) and 0 < seen[0] < 50_000 and source.read_bytes == 100_000


def test_fields_are_guessed_by_name_and_then_by_length() -> None:
    rows = [{"UUID": 1, "Body": "x", "title": "a long title"}, {"extra": 1}]
    assert choose_fields(rows) == Fields("Body", "UUID", ("UUID", "Body", "title", "extra"))
    assert choose_fields([{"a": "short", "b": "a longer one", "n": 5}]).text == "b"
    assert choose_fields(rows, text="title", id="extra") == Fields("title", "extra", ("UUID", "Body", "title", "extra"))
    with pytest.raises(XltError, match="'subject'.* UUID, Body"):
        choose_fields(rows, text="subject")
    with pytest.raises(XltError, match=r"\(a\)"):
        choose_fields([{"a": 1}])


def test_no_record_at_all(model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    assert process(model, tmp_path / "a.txt", tmp_path / "out").documents == 0
    assert (tmp_path / "out" / "summary.json").is_file()


def test_spacy_files_frames_pairs_and_records(model: Path, tmp_path: Path) -> None:
    records = [Record("Hallo", ("x",), "de", "here"), Record("Hello", ("y",), "en", "there")]
    write_docbin(make_docs(spacy.blank("xx"), records, ["x", "y"]), tmp_path / "a.spacy")
    found: dict[str, list[dict[str, Any]]] = {}
    sources: dict[str, Any] = {
        "spacy": tmp_path / "a.spacy",
        "pandas": Pandas(),
        "pairs": iter([("Hallo", "x"), ("Hello", "y")]),
        "records": records,
    }
    for name, source in sources.items():
        process(model, source, found.setdefault(name, []).append)
        assert [row["text"] for row in found[name]][:2] == ["Hallo", "Hello"]
    assert [row["id"] for row in found["spacy"]] == [f"{tmp_path}/a.spacy:1", f"{tmp_path}/a.spacy:2"]
    assert [row["cats"] for row in found["spacy"]] == [{"x": 1.0, "y": 0.0}, {"x": 0.0, "y": 1.0}]
    assert [row["input_label"] for row in found["pairs"]] == ["x", "y"]
    assert [row["id"] for row in found["records"]] == ["here", "there"]
    assert [row["id"] for row in found["pandas"]] == ["item:1", "item:2", "item:3"]

"""Files as people have them: unclosed quotes, other delimiters and encodings, labels that are numbers, JSON layouts."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_xlt.data.dataset import Dataset
from spacy_xlt.data.records import ColumnNames, Record, label_name, read_records
from spacy_xlt.data.rows import BadRecord
from spacy_xlt.data.tables import DELIMITERS
from spacy_xlt.errors import EncodingError, XltError
from tests.data.test_records import write

PER_FILE = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def texts(loaded: Dataset) -> list[str]:
    return [record.text for record in loaded.records]


def labels(loaded: Dataset) -> list[Sequence[str]]:
    return [record.labels for record in loaded.records]


# Quotes


def test_an_unclosed_quote_takes_its_own_line_alone(tmp_path: Path) -> None:
    rows = [f"payment,text {number}" for number in range(120)]
    rows[2] = 'payment,"I was charged twice'
    path = write(tmp_path / "a.csv", "label,text\n" + "\n".join(rows) + "\n")
    loaded = Dataset.load([path])
    assert len(loaded.records) == 119 and texts(loaded)[2] == "text 3"
    (bad,) = loaded.bad
    assert bad.location == f"{path}:4" and bad.content == rows[2] + "\n"
    assert "line 4" in bad.reason and "117 lines" in bad.reason


def test_an_unclosed_quote_before_quoted_cells(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text,label\n"open,x\n"one, two",x\nthree,x\n"four\nfive",x\n')
    loaded = Dataset.load([path])
    assert texts(loaded) == ["one, two", "three", "four\nfive"]
    assert [bad.location for bad in loaded.bad] == [f"{path}:2"]
    assert "line 3" in loaded.bad[0].reason


def test_an_unclosed_quote_in_the_second_line_of_a_record(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text,note,label\n"a\nb","open,x\nfine,fine,x\n')
    loaded = Dataset.load([path])
    assert texts(loaded) == ["fine"]
    assert [(bad.location, "opens on line 3" in bad.reason) for bad in loaded.bad] == [
        (f"{path}:2", True),
        (f"{path}:3", True),
    ]


def test_an_unclosed_quote_at_the_end_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text,label\nfine,x\nx,"the file is cut o')
    loaded = Dataset.load([path])
    assert texts(loaded) == ["fine"] and [bad.location for bad in loaded.bad] == [f"{path}:3"]


def test_an_unclosed_quote_in_the_header(tmp_path: Path) -> None:
    with pytest.raises(XltError, match=r"a\.csv:1: .*quote"):
        Dataset.load(write(tmp_path / "a.csv", 'text,"label\nfine,x\n'))


def test_quotes_within_a_line_stay_what_they_were(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text,label\nA 5" pipe,x\nsaid "no",x\n"He" said,x\n"""quoted""",x\n')
    assert texts(Dataset.load(path)) == ['A 5" pipe', 'said "no"', "He said", '"quoted"']


def test_many_unclosed_quotes_take_time_that_grows_with_the_lines(tmp_path: Path) -> None:
    # In each line a quoted cell ends and another begins: every record could go on to the end of the file.
    path = write(tmp_path / "a.csv", "text,label\n" + 'a",b,"\n' * 20_000)
    bad = [record for record in read_records(path) if isinstance(record, BadRecord)]
    assert [record.location for record in bad] == [f"{path}:{number}" for number in range(2, 20_002)]


def test_a_quoted_cell_whose_lines_look_like_rows_is_told_of(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'label,text\nx,"open\nx,two\nx,three\nx,a screen of 17"\nx,five\n')
    loaded = Dataset.load(path)
    assert len(loaded.records) == 2 and ["lines 2 to 5" in note for note in loaded.notes] == [True]
    letter = write(tmp_path / "b.csv", 'label,text\nx,"Dear all,\nplease stop this\nbye, now\nBob"\n')
    assert Dataset.load(letter).notes == []


def test_a_record_of_several_lines_with_too_many_columns_names_them(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text,label\nfine,x\n"two\nlines",x,y\nfine,x\n')
    loaded = Dataset.load(path)
    assert texts(loaded) == ["fine", "fine"]
    assert loaded.bad[0].location == f"{path}:3" and "lines 3 to 4" in loaded.bad[0].reason


@given(st.lists(st.text(st.sampled_from('a",;\r'), max_size=8), min_size=1, max_size=12), st.sampled_from("\n\r"))
@PER_FILE
def test_every_line_of_a_csv_is_in_a_record_or_in_a_bad_one(tmp_path: Path, lines: list[str], end: str) -> None:
    # A word in every line shows where the line went.
    words = [f"w{number}w" for number in range(len(lines))]
    placed = [line[: len(line) // 2] + word + line[len(line) // 2 :] for line, word in zip(lines, words)]
    path = write(tmp_path / "a.csv", f"text,label{end}" + end.join(placed))
    found = ""
    for record in read_records(path):
        found += f"{record.text} {record.labels}" if isinstance(record, Record) else record.content
    assert [word for word in words if word not in found] == []


@given(st.lists(st.text(st.sampled_from('a",;'), max_size=8), max_size=8))
@PER_FILE
def test_whatever_comes_before_the_rows_after_it_are_read(tmp_path: Path, lines: list[str]) -> None:
    rows = [f"row {number}" for number in range(3)]
    path = write(tmp_path / "a.csv", "\n".join(["text,label", *lines, *(f"{row},x" for row in rows)]))
    assert [record.text for record in read_records(path) if isinstance(record, Record)][-3:] == rows


@given(st.lists(st.lists(st.text(st.sampled_from('a",\n\r '), max_size=6), min_size=2, max_size=2), max_size=6))
@PER_FILE
def test_what_the_csv_module_writes_is_read(tmp_path: Path, rows: list[list[str]]) -> None:
    import csv

    with (tmp_path / "a.csv").open("w", encoding="utf8", newline="") as file:
        csv.writer(file).writerows([["text", "other"], *rows])
    found = list(read_records(tmp_path / "a.csv", labeled=False))
    assert [record.text for record in found if isinstance(record, Record)] == [row[0] for row in rows]
    assert len(found) == len(rows)


# ColumnNames


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_the_delimiter_is_found_and_told_of(tmp_path: Path, delimiter: str) -> None:
    path = write(tmp_path / "a.csv", f'text{delimiter}label\n"one, two; three"{delimiter}x\n')
    loaded = Dataset.load(path)
    assert texts(loaded) == ["one, two; three"] and labels(loaded) == [("x",)]
    assert len(loaded.notes) == (delimiter != ",") and all(str(path) in note for note in loaded.notes)


def test_a_doubled_column_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(XltError, match=r"a\.csv:1: .*'text'"):
        Dataset.load(write(tmp_path / "a.csv", "text,label,text\none,x,two\n"))
    loaded = Dataset.load(
        write(tmp_path / "b.jsonl", '{"text": "one", "label": "x", "text": "two"}\n{"text": "t", "label": "x"}')
    )
    assert texts(loaded) == ["t"] and "'text' comes twice" in loaded.bad[0].reason


def test_nameless_columns_at_the_end_are_no_harm(tmp_path: Path) -> None:
    assert texts(Dataset.load(write(tmp_path / "a.csv", "text,label,,\none,x,,\n"))) == ["one"]


def test_blank_lines_before_the_header(tmp_path: Path) -> None:
    loaded = Dataset.load(write(tmp_path / "a.csv", "\n\ntext,label\none,x\n"))
    assert loaded.records == [Record("one", ("x",), "xx", f"{tmp_path}/a.csv:4")]


# Encodings

TABLE = 'text,label\ncafé,x\n"zwei\nZeilen",x\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le", "utf-32"])
def test_the_byte_order_mark_says_the_encoding(tmp_path: Path, encoding: str) -> None:
    mark = "\ufeff" if encoding.endswith("e") else ""
    path = write(tmp_path / "a.csv", (mark + TABLE).encode(encoding))
    assert texts(Dataset.load(path)) == ["café", "zwei\nZeilen"]
    # A mark counts more than what is said of files without one.
    if encoding != "utf-8":
        assert texts(Dataset.load(path, encoding="cp1252")) == ["café", "zwei\nZeilen"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "text\tlabel\ncafé\tx\n"),
        ("a.jsonl", '{"text": "café", "label": "x"}\n'),
        ("a.json", '[{"text": "café", "label": "x"}]'),
    ],
)
def test_every_kind_of_file_has_an_encoding(tmp_path: Path, name: str, content: str) -> None:
    assert texts(Dataset.load(write(tmp_path / name, content.encode("utf-16")))) == ["café"]
    assert texts(Dataset.load(write(tmp_path / name, content.encode("cp1252")), encoding="cp1252")) == ["café"]
    packed = write(tmp_path / f"{name}.gz", gzip.compress(content.encode("utf-16")))
    assert texts(Dataset.load(packed)) == ["café"]
    unlabeled = write(tmp_path / "a.txt", "café\nthé\n".encode("utf-16"))
    assert texts(Dataset.load(unlabeled, labeled=False)) == ["café", "thé"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_refused_until_it_is_named(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "a.csv", TABLE.encode(encoding))
    with pytest.raises(EncodingError, match=rf"a\.csv.*{encoding}"):
        Dataset.load(path)
    assert texts(Dataset.load(path, encoding=encoding)) == ["café", "zwei\nZeilen"]


def test_what_is_not_in_the_encoding_is_a_bad_record(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"text,label\nfine,x\nbad \x81,x\n")
    loaded = Dataset.load(path, encoding="cp1252")
    assert texts(loaded) == ["fine"] and loaded.bad == [BadRecord(f"{path}:3", "not cp1252", "bad \ufffd\tx")]
    cut = write(tmp_path / "b.csv", TABLE.encode("utf-16")[:-5])
    assert [bad.reason for bad in Dataset.load(cut).bad][0].startswith("the quote")
    odd = write(tmp_path / "c.jsonl", '{"text": "t", "label": "x"}\n{"text": "t", "label": "x"}'.encode("utf-16")[:-1])
    assert [bad.reason for bad in Dataset.load(odd).bad] == ["not utf-16"]


def test_an_encoding_that_does_not_exist(tmp_path: Path) -> None:
    for encoding in ("latin-99", "hex"):
        with pytest.raises(XltError, match=encoding):
            Dataset.load(write(tmp_path / "a.csv", TABLE), encoding=encoding)


def test_a_header_in_another_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="not UTF-8"):
        Dataset.load(write(tmp_path / "a.csv", "text,label,größe\nt,x,1\n".encode("cp1252")))


# Labels


def test_numbers_and_booleans_have_the_same_names_in_csv_and_jsonl(tmp_path: Path) -> None:
    values = [3, 3.0, -1, 0.5, True, False, [3], [True, 2]]
    lines = [json.dumps({"text": "t", "label": value}) for value in values]
    found = labels(Dataset.load(write(tmp_path / "a.jsonl", "\n".join(lines))))
    assert found == [("3",), ("3.0",), ("-1",), ("0.5",), ("true",), ("false",), ("3",), ("true", "2")]
    rows = [f"t,{json.dumps(value)}" for value in values if not isinstance(value, list)]
    written = "\n".join(["text,label", *rows, "t,True", "t,FALSE"])
    assert labels(Dataset.load(write(tmp_path / "a.csv", written))) == [*found[:6], ("true",), ("false",)]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "null", '""', "[[]]", "[null]", '{"a": 1}'])
def test_what_is_no_label(tmp_path: Path, value: str) -> None:
    path = write(tmp_path / "a.jsonl", f'{{"text": "t", "label": {value}}}\n')
    (record,) = read_records(path)
    assert isinstance(record, BadRecord) and record.reason == "no label in 'label'"


def test_a_text_is_named_as_it_is() -> None:
    assert [label_name(text) for text in ("3.0", " x ", "1.10", "truth", "TRUE")] == [
        "3.0",
        "x",
        "1.10",
        "truth",
        "true",
    ]


def test_several_labels_in_a_cell(tmp_path: Path) -> None:
    columns = ColumnNames(separator=";")
    path = write(tmp_path / "a.csv", "text,label\none,b; a ;b\ntwo,a;\nthree,\n")
    assert labels(Dataset.load(path, columns=columns)) == [("b", "a"), ("a",), ()]
    assert labels(Dataset.load(write(tmp_path / "a.jsonl", '{"text": "t", "label": "a;b"}'), columns=columns)) == [
        ("a", "b")
    ]


def test_a_column_for_each_label(tmp_path: Path) -> None:
    columns = ColumnNames(labels=("a", "b"))
    path = write(tmp_path / "a.csv", "text,label_a,b\none,1,0\ntwo,true,1.0\nthree,0,False\nfour,2,0\nfive,,0\n")
    loaded = Dataset.load(path, columns=columns)
    assert labels(loaded) == [("a",), ("a", "b"), ()]
    assert [(bad.location, bad.reason) for bad in loaded.bad] == [
        (f"{path}:5", "'2' in 'label_a' is neither 0 nor 1"),
        (f"{path}:6", "'' in 'label_a' is neither 0 nor 1"),
    ]
    lines = write(tmp_path / "a.jsonl", '{"text": "t", "a": false, "label_b": 1}\n')
    assert labels(Dataset.load(lines, columns=columns)) == [("b",)]
    with pytest.raises(XltError, match="no column 'label_c'"):
        Dataset.load(path, columns=ColumnNames(labels=("a", "c")))


def test_languages_by_their_english_names(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label,lang\none,x,German\ntwo,x,germna\nthree,x,\n")
    loaded = Dataset.load(path)
    assert [record.language for record in loaded.records] == ["de", "xx"]
    assert "'germna'" in loaded.bad[0].reason and "German" in loaded.bad[0].reason
    assert {record.language for record in Dataset.load(path, language="English").records} == {"en"}
    with pytest.raises(XltError, match=r"'germna'.*German"):
        Dataset.load(path, language="germna")


# JSON


def test_spacys_own_layout(tmp_path: Path) -> None:
    rows = [
        {"text": "one", "cats": {"a": 1.0, "b": 0.0}},
        {"text": "two", "cats": {"a": True, "b": 1}},
        {"text": "three", "cats": {"a": 0, "b": 0}},
        {"text": "four", "cats": {}},
        {"text": "five", "cats": {"a": 3}},
    ]
    loaded = Dataset.load(write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows))))
    assert labels(loaded) == [("a",), ("a", "b"), ()]
    assert [bad.location.rpartition(":")[2] for bad in loaded.bad] == ["4", "5"]
    # Who names another field gets that one.
    with pytest.raises(XltError, match="no field 'queue'"):
        Dataset.load(tmp_path / "a.jsonl", columns=ColumnNames(label="queue"))


def test_a_json_array_with_the_line_of_each_record(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", '\ufeff\n[{"text": "one", "label": "x"},\n{"text": "two",\n"label": "x"}, 3\n]\n')
    loaded = Dataset.load(path)
    assert [(record.text, record.location) for record in loaded.records] == [("one", f"{path}:2"), ("two", f"{path}:3")]
    assert [(bad.location, bad.reason) for bad in loaded.bad] == [(f"{path}:4", "not a JSON object")]


@pytest.mark.parametrize(
    "content", ['{"text": "one", "label": "x"}', '{"text": "one",\n "label": "x"}\n{"text": "one", "label": "x"}']
)
def test_objects_without_an_array(tmp_path: Path, content: str) -> None:
    assert set(texts(Dataset.load(write(tmp_path / "a.json", content)))) == {"one"}


@pytest.mark.parametrize(("rest", "line"), [("", 1), (",\n{", 2), (" 3]", 1), ("]\n]", 2), (",", 1), ("]\n{}", 2)])
def test_a_broken_json_array_keeps_what_comes_before(tmp_path: Path, rest: str, line: int) -> None:
    path = write(tmp_path / "a.json", '[{"text": "one", "label": "x"}' + rest)
    loaded = Dataset.load(path)
    assert texts(loaded) == ["one"] and [bad.location for bad in loaded.bad] == [f"{path}:{line}"]


# Paths


def test_paths_folders_and_patterns_as_strings_and_in_lists(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "deep/c.csv"):
        write(tmp_path / name, f"text,label\n{name},x\n")
    sources: list[Any] = [
        str(tmp_path / "a.csv"),
        tmp_path / "a.csv",
        [str(tmp_path / "a.csv")],
        (tmp_path / "a.csv" for _ in range(1)),
    ]
    assert [texts(Dataset.load(source)) for source in sources] == [["a.csv"]] * 4
    assert texts(Dataset.load(str(tmp_path / "*.csv"))) == ["a.csv", "b.csv"]
    assert texts(Dataset.load(str(tmp_path / "**" / "*.csv"))) == ["a.csv", "b.csv", "deep/c.csv"]
    assert texts(Dataset.load(str(tmp_path))) == ["a.csv", "b.csv", "deep/c.csv"]
    with pytest.raises(XltError, match=r"no\*\.csv does not exist"):
        Dataset.load(str(tmp_path / "no*.csv"))


def test_packed_files_and_parquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [{"text": "one", "label": ["x", "y"]}, {"text": None, "label": ["x"]}]
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    loaded = Dataset.load(tmp_path / "a.parquet")
    assert labels(loaded) == [("x", "y")] and loaded.bad[0].location == f"{tmp_path}/a.parquet:2"
    doubled = arrow.Table.from_arrays([arrow.array(["one"]), arrow.array(["two"])], names=["text", "text"])
    parquet.write_table(doubled, tmp_path / "b.parquet")
    with pytest.raises(XltError, match=r"b\.parquet.*'text'"):
        Dataset.load(tmp_path / "b.parquet")
    with arrow.CompressedOutputStream(str(tmp_path / "a.csv.zst"), "zstd") as file:
        file.write(TABLE.encode("utf-16"))
    assert texts(Dataset.load(tmp_path / "a.csv.zst")) == ["café", "zwei\nZeilen"]


def test_a_packed_file_that_is_cut_off(tmp_path: Path) -> None:
    content = gzip.compress(TABLE.encode() * 100)
    with pytest.raises(XltError, match=r"a\.csv\.gz cannot be read"):
        Dataset.load(write(tmp_path / "a.csv.gz", content[: len(content) // 2]))

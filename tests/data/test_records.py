"""Reading records: every kind of file, every kind of bad record, and the place of each."""

import csv
import json
import sys
from pathlib import Path
from typing import Any, Union

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_xlt.data.paths import find_inputs
from spacy_xlt.data.records import COLUMNS, ColumnNames, Record, read_records
from spacy_xlt.data.rows import MAX_CHARS, BadRecord
from spacy_xlt.errors import XltError

# No UTF-8 file can hold a lone surrogate, and the csv module of Python 3.10 refuses NUL.
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0" if sys.version_info < (3, 11) else "")
TEXTS = st.lists(st.text(CHARACTERS, min_size=1), min_size=1, max_size=5)


def write(path: Path, content: Union[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf8"))
    return path


def good(path: Path, columns: ColumnNames = COLUMNS, **options: Any) -> list[Record]:
    """The records of a file that has no bad one."""
    records = []
    for record in read_records(path, columns, **options):
        assert isinstance(record, Record), record
        records.append(record)
    return records


def bad(path: Path, columns: ColumnNames = COLUMNS) -> BadRecord:
    """The only record of a file, which is bad."""
    (record,) = read_records(path, columns)
    assert isinstance(record, BadRecord), record
    return record


def lines_of(record: Union[Record, BadRecord]) -> str:
    return record.location.rpartition(":")[2]


# The kinds of files


def test_csv_with_place_label_and_language(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,text,label,lang\n1,Hallo,billing,deu\n2,Hello,account,en-GB\n")
    assert good(path) == [
        Record("Hallo", ("billing",), "de", f"{path}:2"),
        Record("Hello", ("account",), "en", f"{path}:3"),
    ]


def test_columns_by_other_names(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "body,queue,locale\nHallo,billing,de\n")
    assert good(path, ColumnNames("body", "queue", "locale")) == [Record("Hallo", ("billing",), "de", f"{path}:2")]


def test_without_a_language_it_is_unknown_and_an_option_sets_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\nHallo,billing\n")
    assert [record.language for record in good(path)] == ["xx"]
    assert [record.language for record in good(path, language="deu")] == ["de"]


def test_csv_with_bom_crlf_quotes_and_commas(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", '\ufefftext,label\r\n"He said ""no"", twice",billing\r\n')
    assert [(record.text, record.labels) for record in good(path)] == [('He said "no", twice', ("billing",))]


def test_csv_cells_of_several_lines_and_the_first_line_of_each(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text,label\n"one\ntwo\r\nthree",x\nfour,x\n\n"five\nsix",x\n')
    records = good(path)
    assert [record.text for record in records] == ["one\ntwo\r\nthree", "four", "five\nsix"]
    assert [lines_of(record) for record in records] == ["2", "5", "7"]


def test_tsv_quotes_have_no_meaning(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", 'text\tlabel\n"Open quote, 5" wide\tx\nnext\ty\n')
    assert [(record.text, record.labels) for record in good(path)] == [
        ('"Open quote, 5" wide', ("x",)),
        ("next", ("y",)),
    ]


def test_jsonl_with_bom_crlf_blank_lines_and_line_separators_inside(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        '\ufeff{"text": "one", "label": "x", "lang": "en"}\r\n\n{"text": "two\u2028three\x85", "label": "x"}',
    )
    records = good(path)
    assert [record.text for record in records] == ["one", "two\u2028three\x85"]
    assert [lines_of(record) for record in records] == ["1", "3"]


def test_jsonl_labels_of_several_kinds(tmp_path: Path) -> None:
    rows = [{"text": "t", "label": label} for label in ("x", 1, True, ["x", "y"], [], " x ", ["x", " x"])]
    path = write(tmp_path / "a.ndjson", "\n".join(map(json.dumps, rows)))
    assert [record.labels for record in good(path)] == [("x",), ("1",), ("true",), ("x", "y"), (), ("x",), ("x",)]


def test_txt_is_one_unlabelled_text_a_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "\ufefffirst\r\n\n  \nsecond \u2028 line")
    assert good(path, language="sw", labeled=False) == [
        Record("first", (), "sw", f"{path}:1"),
        Record("second \u2028 line", (), "sw", f"{path}:4"),
    ]


def test_txt_has_no_labels(tmp_path: Path) -> None:
    with pytest.raises(XltError, match=r"a\.txt"):
        list(read_records(write(tmp_path / "a.txt", "text\n")))


@pytest.mark.parametrize(("folder", "language"), [("swh_Latn", "sw"), ("zho_Hans", "zh"), ("eng_Latn", "en")])
def test_sib200_takes_label_and_language_from_its_own_names(tmp_path: Path, folder: str, language: str) -> None:
    path = write(tmp_path / folder / "test.tsv", 'index_id\tcategory\ttext\n7\tscience/technology\t"Quote\n')
    assert good(path) == [Record('"Quote', ("science/technology",), language, f"{path}:2")]


def test_a_language_that_is_named_beats_the_folder_of_sib200(tmp_path: Path) -> None:
    path = write(tmp_path / "swh_Latn" / "test.tsv", "index_id\tcategory\ttext\n7\tsports\tt\n")
    assert [record.language for record in good(path, language="fr")] == ["fr"]


def test_a_folder_of_sib200_that_is_no_language(tmp_path: Path) -> None:
    path = write(tmp_path / "germna" / "test.tsv", "index_id\tcategory\ttext\n7\tsports\tt\n")
    with pytest.raises(XltError, match=r"test\.tsv.*'germna'"):
        list(read_records(path))


def test_blank_texts_are_records(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\n,x\n  ,x\n")
    assert [record.text for record in good(path)] == ["", "  "]


@given(TEXTS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_text_survives_jsonl(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("w", encoding="utf8", newline="") as file:
        for i, text in enumerate(texts):
            file.write(json.dumps({"text": text, "label": "x"}, ensure_ascii=bool(i % 2)) + "\n")
    assert [record.text for record in good(path)] == texts


@given(TEXTS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_text_survives_csv(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([("text", "label"), *((text, "x") for text in texts)])
    assert [record.text for record in good(path)] == texts


# Bad records


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": "t", "label": "x"', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('["t", "x"]', "not a JSON object"),
        ('"t"', "not a JSON object"),
        ('{"body": "t", "label": "x"}', "no field 'text'; it has: body, label"),
        ('{"text": "t", "category": "x"}', "no field 'label'; it has: text, category"),
        ('{"text": null, "label": "x"}', "'text' is null"),
        ('{"text": 12, "label": "x"}', "'text' is not a text"),
        ('{"text": ["t"], "label": "x"}', "'text' is not a text"),
        ('{"text": "t", "label": null}', "no label in 'label'"),
        ('{"text": "t", "label": " "}', "no label in 'label'"),
        ('{"text": "t", "label": {"x": 1}}', "no label in 'label'"),
        ('{"text": "t", "label": ["x", null]}', "no label in 'label'"),
        ('{"text": "t", "label": "x", "lang": "klingon"}', "'klingon' in 'lang' is not a language code"),
        ('{"text": "t", "label": "x", "lang": 7}', "'7' in 'lang' is not a language code"),
    ],
)
def test_a_bad_line_of_jsonl(tmp_path: Path, line: str, reason: str) -> None:
    path = write(tmp_path / "a.jsonl", "\n" + line + "\n")
    record = bad(path)
    assert record.reason.startswith(reason)
    assert record.location == f"{path}:2"
    assert record.content.startswith(line[:20])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"text,label\ncaf\xe9,x\n"),
        ("a.csv", b"text,label\nt,caf\xe9\n"),
        ("a.tsv", b"text\tlabel\ncaf\xe9\tx\n"),
        ("a.jsonl", b'\n{"text": "caf\xe9", "label": "x"}\n'),
        ("a.jsonl", b'\n{"text": "t", "label": "caf\xe9"}\n'),
    ],
)
def test_bytes_that_are_not_utf8(tmp_path: Path, name: str, content: bytes) -> None:
    record = bad(write(tmp_path / name, content))
    assert (record.reason, lines_of(record)) == ("not UTF-8", "2")
    assert "caf\ufffd" in record.content


def test_bytes_that_are_not_utf8_in_txt(tmp_path: Path) -> None:
    first, second = read_records(write(tmp_path / "a.txt", b"caf\xe9\nfine\n"), labeled=False)
    assert isinstance(first, BadRecord) and first.reason == "not UTF-8"
    assert isinstance(second, Record) and second.text == "fine"


def test_a_bad_record_stops_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": "one", "label": "x"}\n{\n{"text": "two", "label": "x"}\n')
    kinds = [(type(record), lines_of(record)) for record in read_records(path)]
    assert kinds == [(Record, "1"), (BadRecord, "2"), (Record, "3")]


@pytest.mark.parametrize(("row", "columns"), [("t", 1), ("t,x,en", 3), ('"a",b,c,d', 4)])
def test_a_csv_row_of_another_width(tmp_path: Path, row: str, columns: int) -> None:
    record = bad(write(tmp_path / "a.csv", f"text,label\n{row}\n"))
    assert record.reason == f"{columns} columns where the header has 2"
    assert lines_of(record) == "2"


def test_a_million_characters_are_the_limit(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", f"text,label\n{'a' * MAX_CHARS},x\n{'a' * (MAX_CHARS + 1)},x\n")
    first, second = read_records(path)
    assert isinstance(first, Record) and len(first.text) == MAX_CHARS == 1_000_000
    assert isinstance(second, BadRecord) and second.reason == "1000001 characters, more than 1000000"
    assert len(second.content) <= 2000


@pytest.mark.parametrize("escape", ["\\ud800", "\\udfff", "\\udce9"])
def test_lone_surrogates_that_json_escapes_are_replaced(tmp_path: Path, escape: str) -> None:
    path = write(tmp_path / "a.jsonl", f'{{"text": "a{escape}b", "label": "x{escape}"}}')
    assert [(record.text, record.labels) for record in good(path)] == [("a\ufffdb", ("x\ufffd",))]


def test_a_pair_of_surrogates_that_json_escapes_is_a_character(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": "\\ud83d\\ude00", "label": "x"}')
    assert [record.text for record in good(path)] == ["😀"]


# Files that cannot be read


@pytest.mark.parametrize("name", ["a.xlsx", "a"])
def test_an_unknown_ending_names_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(XltError, match=rf"{name} .*\.csv"):
        list(read_records(write(tmp_path / name, "text")))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(XltError, match=r"a\.csv does not exist"):
        list(read_records(tmp_path / "a.csv"))


def test_an_empty_table_has_no_column(tmp_path: Path) -> None:
    with pytest.raises(XltError, match=r"a\.csv .*'text'.* none"):
        list(read_records(write(tmp_path / "a.csv", "")))


@pytest.mark.parametrize(
    ("columns", "name", "parameter"),
    [(ColumnNames("body", "label"), "body", "text"), (ColumnNames("text", "queue"), "queue", "label")],
)
def test_a_wrong_column_name_lists_those_there_are(
    tmp_path: Path, columns: ColumnNames, name: str, parameter: str
) -> None:
    with pytest.raises(XltError, match=rf"a\.csv .*'{name}'.*id, text, label") as error:
        list(read_records(write(tmp_path / "a.csv", "id,text,label\n1,t,x\n"), columns))
    assert error.value.parameter == parameter


def test_a_label_is_not_needed_for_unlabelled_texts(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text\nhello\n")
    assert [(record.text, record.labels) for record in good(path, labeled=False)] == [("hello", ())]


# Folders


def test_a_folder_stands_for_its_data_files_but_not_for_quarantine(tmp_path: Path) -> None:
    names = ["b/test.tsv", "a.csv", "a.jsonl", "b/x.spacy", "a.quarantine.jsonl", "readme.md", "notes.txt"]
    for name in names:
        write(tmp_path / "data" / name, "")
    single = write(tmp_path / "one.txt", "")
    found = [Path(each.path) for each in find_inputs([single, tmp_path / "data"])]
    assert found == [single, *(tmp_path / "data" / name for name in ("a.csv", "a.jsonl", "b/test.tsv", "b/x.spacy"))]
    with_documents = [each.path for each in find_inputs([single, tmp_path / "data"], documents=True)]
    assert set(with_documents) == {*map(str, found), str(tmp_path / "data" / "notes.txt")}


def test_a_folder_without_data_and_a_missing_path(tmp_path: Path) -> None:
    write(tmp_path / "data" / "readme.md", "")
    with pytest.raises(XltError, match=r"data .*\.csv"):
        find_inputs([tmp_path / "data"])
    with pytest.raises(XltError, match="nothing"):
        find_inputs([tmp_path / "nothing"])

"""Records of pairs of texts."""

from dataclasses import replace
from pathlib import Path

import pytest
import spacy

from spacy_xlt.batch.fields import choose_fields, make_item
from spacy_xlt.data.dataset import column_names, load_dataset
from spacy_xlt.data.docbin import make_docs, write_docbin
from spacy_xlt.data.records import Record
from spacy_xlt.data.rows import BadRecord
from spacy_xlt.errors import XltError

TRIPLES = [("A parcel", "A box", "yes"), ("A parcel", "", "no")]


def pairs_of(records: list[Record]) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(record.text, record.pair, record.labels) for record in records]


EXPECTED = [("A parcel", "A box", ("yes",)), ("A parcel", "", ("no",))]


def test_triples_and_dicts_and_files_are_pairs(tmp_path: Path) -> None:
    assert pairs_of(load_dataset(TRIPLES).records) == EXPECTED
    dicts = [{"a": first, "b": second, "label": label} for first, second, label in TRIPLES]
    assert pairs_of(load_dataset(dicts, text="a, b").records) == EXPECTED
    file = tmp_path / "pairs.tsv"
    file.write_text("a\tb\tlabel\nA parcel\tA box\tyes\nA parcel\t\tno\n", encoding="utf8")
    assert pairs_of(load_dataset(file, text="a,b").records) == EXPECTED


def test_pairs_without_labels_are_triples_with_none() -> None:
    records = load_dataset([("a", "b", None)], labeled=False).records
    assert pairs_of(records) == [("a", "b", ())]


def test_records_of_pairs_are_read_again(tmp_path: Path) -> None:
    records = load_dataset(TRIPLES, language="en").records
    assert load_dataset(records).records == records
    write_docbin(make_docs(spacy.blank("xx"), records, ["no", "yes"]), tmp_path / "pairs.spacy")
    assert pairs_of(load_dataset(tmp_path / "pairs.spacy", text="a,b").records) == EXPECTED


def test_a_single_text_is_no_pair() -> None:
    (record,) = load_dataset([{"text": "a", "pair": "b", "label": "yes"}]).records
    assert record.pair is None and record.all_text == "a"
    assert replace(record, pair="b").all_text == "a\nb"


@pytest.mark.parametrize("text", ["a,", ",b", "a,b,c", ","])
def test_other_numbers_of_names_are_errors(text: str) -> None:
    with pytest.raises(XltError, match=text):
        column_names(text)


@pytest.mark.parametrize(
    "row, found", [({"a": "x", "label": "yes"}, "'b'"), ({"a": "x", "b": None, "label": "yes"}, "null")]
)
def test_a_row_without_its_second_text_is_bad(row: dict[str, str], found: str) -> None:
    with pytest.warns(UserWarning, match=found):
        data = load_dataset([{"a": "x", "b": "y", "label": "yes"}, row], text="a,b")
    assert [each.location for each in data.bad] == ["item:2"]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text("a,label\nx,yes\n", encoding="utf8")
    with pytest.raises(XltError, match="'b'"):
        load_dataset(file, text="a,b")


def test_two_fields_of_a_batch_are_a_pair() -> None:
    rows = [{"a": "x", "b": "y"}, {"a": "x"}]
    fields = choose_fields(rows, "a,b")
    item, bad = (make_item("in:1", row, fields) for row in rows)
    assert not isinstance(item, BadRecord) and (item.text, item.pair) == ("x", "y")
    assert isinstance(bad, BadRecord) and "'b'" in bad.reason
    with pytest.raises(XltError, match="'c'"):
        choose_fields(rows, "a,c")

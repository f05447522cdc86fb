"""Between records and .spacy files, the quarantine file and the split."""

import json
import os
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Corpus

from spacy_xlt.data.dataset import Dataset, split_records, write_quarantine
from spacy_xlt.data.docbin import make_docs, write_docbin
from spacy_xlt.data.records import Record
from spacy_xlt.data.rows import BadRecord
from spacy_xlt.errors import XltError
from tests.records import LABELS, make_records, write_csv

MANY = [
    Record("Wo ist mein Paket?", ("delivery",), "de", "x"),
    Record("Both, please \u2028\n 😀", ("billing", "delivery"), "en", "x"),
    Record("Nothing applies", (), "xx", "x"),
    Record("", ("billing",), "en", "x"),
]


def convert(records: list[Record], path: Path) -> Path:
    write_docbin(make_docs(spacy.blank("xx"), records, LABELS), path)
    return path


# .spacy files


def test_text_cats_and_language_survive_the_file(tmp_path: Path) -> None:
    path = convert(MANY, tmp_path / "new" / "a.spacy")
    docs = list(DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab))
    assert [doc.text for doc in docs] == [record.text for record in MANY]
    assert [doc._.language for doc in docs] == ["de", "en", "xx", "en"]
    assert [doc.cats for doc in docs] == [
        {"billing": 0.0, "delivery": 1.0},
        {"billing": 1.0, "delivery": 1.0},
        {"billing": 0.0, "delivery": 0.0},
        {"billing": 1.0, "delivery": 0.0},
    ]
    assert os.listdir(path.parent) == ["a.spacy"]


def test_the_examples_of_spacys_corpus_carry_cats_and_language_in_the_reference(tmp_path: Path) -> None:
    path = convert(make_records(4, "sw"), tmp_path / "a.spacy")
    examples = list(Corpus(path)(spacy.blank("xx")))
    assert [example.reference._.language for example in examples] == ["sw"] * 4
    assert [example.reference.cats["delivery"] for example in examples] == [0.0, 1.0, 0.0, 1.0]
    # What is predicted starts without an answer.
    assert [(example.predicted.cats, example.predicted._.language) for example in examples] == [({}, "xx")] * 4


def test_records_come_back_from_a_spacy_file(tmp_path: Path) -> None:
    path = convert(MANY, tmp_path / "a.spacy")
    loaded = Dataset.load([path])
    assert [(r.text, r.labels, r.language) for r in loaded.records] == [(r.text, r.labels, r.language) for r in MANY]
    assert loaded.records[2].location == f"{path}:3"
    assert loaded.is_multilabel and loaded.labels == LABELS


def test_a_doc_without_a_language_is_of_the_unknown_one(tmp_path: Path) -> None:
    docs = list(make_docs(spacy.blank("xx"), make_records(2, "sw"), LABELS))
    docs[0]._.language = None
    write_docbin(docs, tmp_path / "a.spacy")
    assert [record.language for record in Dataset.load([tmp_path / "a.spacy"]).records] == ["xx", "sw"]


def test_a_language_that_is_named_counts_for_spacy_files_too(tmp_path: Path) -> None:
    path = convert(MANY, tmp_path / "a.spacy")
    assert {record.language for record in Dataset.load(path, language="Swahili").records} == {"sw"}
    with pytest.raises(XltError, match="'germna'"):
        Dataset.load(path, language="germna")


def test_an_unlabelled_spacy_file_is_bad_for_labels_and_good_without(tmp_path: Path) -> None:
    write_docbin(make_docs(spacy.blank("xx"), [Record("t", (), "en", "x")], []), tmp_path / "a.spacy")
    with pytest.raises(XltError, match=r"a\.spacy:1: no label"):
        Dataset.load([tmp_path / "a.spacy"])
    assert [record.text for record in Dataset.load([tmp_path / "a.spacy"], labeled=False).records] == ["t"]


def test_a_damaged_spacy_file(tmp_path: Path) -> None:
    path = convert(make_records(4), tmp_path / "a.spacy")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(XltError, match=r"a\.spacy"):
        Dataset.load([path])


def test_a_failed_conversion_leaves_the_old_file(tmp_path: Path) -> None:
    path = convert(make_records(4), tmp_path / "a.spacy")
    before = path.read_bytes()
    with pytest.raises(ValueError):  # spaCy refuses lone surrogates
        convert([*make_records(2), Record("\ud800", ("billing",), "en", "x")], path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.spacy"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a.spacy").mkdir()
    with pytest.raises(XltError, match=r"a\.spacy"):
        convert(make_records(2), tmp_path / "a.spacy")
    assert os.listdir(tmp_path) == ["a.spacy"]


# Loading several files


def test_files_and_folders_are_read_in_order_good_and_bad_apart(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_csv(make_records(2, "de"), tmp_path / "data" / "a.csv")
    (tmp_path / "data" / "b.jsonl").write_text('{"text": "t", "label": "other", "lang": "fr"}\n{\n')
    convert(make_records(2), tmp_path / "c.spacy")
    loaded = Dataset.load([tmp_path / "data", tmp_path / "c.spacy"])
    assert [record.language for record in loaded.records] == ["de", "de", "fr", "en", "en"]
    assert [record.location for record in loaded.bad] == [f"{tmp_path / 'data' / 'b.jsonl'}:2"]
    assert loaded.labels == ["billing", "delivery", "other"] and not loaded.is_multilabel
    assert {language: len(texts) for language, texts in loaded.by_language().items()} == {"de": 2, "fr": 1, "en": 2}


def test_no_usable_record_names_the_files_and_the_first_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(XltError, match=r"empty\.jsonl\.$"):
        Dataset.load([tmp_path / "empty.jsonl"])
    (tmp_path / "bad.jsonl").write_text('{"body": "t", "label": "x"}')
    with pytest.raises(XltError, match=r"bad\.jsonl:1: .*'text'.* body, label"):
        Dataset.load([tmp_path / "bad.jsonl"])


# Quarantine


def test_the_quarantine_file_tells_place_reason_and_content(tmp_path: Path) -> None:
    path = tmp_path / "new" / "q.jsonl"
    write_quarantine(
        [BadRecord("a.csv:3", "not UTF-8", "caf\ufffd"), BadRecord("a.csv:4", "'\ud800' is odd", "é")], path
    )
    assert [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()] == [
        {"location": "a.csv:3", "reason": "not UTF-8", "content": "caf\ufffd"},
        {"location": "a.csv:4", "reason": "'\ufffd' is odd", "content": "é"},
    ]


def test_without_a_bad_record_there_is_no_quarantine_file(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text("of an earlier run")
    write_quarantine([], path)
    write_quarantine([], path)
    assert os.listdir(tmp_path) == []


# The split


def labeled(text: str, *labels: str) -> Record:
    return Record(text, labels, "en", "x")


def test_every_fifth_text_of_each_label_goes_to_dev() -> None:
    common, rare = ([labeled(f"{label} {i}", label) for i in range(n)] for label, n in (("common", 11), ("rare", 5)))
    records = [*common[:3], *rare, *common[3:]]
    train, dev = split_records(records)
    assert [record.text for record in dev] == ["rare 4", "common 4", "common 9"]
    assert [record for record in records if record not in dev] == train
    assert split_records(records) == (train, dev)


def test_a_label_with_fewer_than_five_texts_stays_in_train() -> None:
    records = [*(labeled(f"a{i}", "a") for i in range(4)), *(labeled(f"b{i}", "b") for i in range(4))]
    assert split_records(records) == (records, [])


def test_copies_of_a_text_stay_on_one_side() -> None:
    texts = ["a", "b", "c", "d", "e", "e", "f", "e", "a"]
    train, dev = split_records([labeled(text, "x") for text in texts])
    assert [record.text for record in train] == ["a", "b", "c", "d", "f", "a"]
    assert [record.text for record in dev] == ["e", "e", "e"]


def test_a_set_of_labels_counts_as_a_label() -> None:
    records = [labeled(f"t{i}", *("ab" if i % 2 else "a")) for i in range(10)]
    _, dev = split_records(records)
    assert [record.labels for record in dev] == [("a",), ("a", "b")]


def own_combinations() -> list[Record]:
    """150 texts, each with its own combination of 8 labels."""
    return [labeled(f"t{i}", *(f"l{bit}" for bit in range(8) if (i + 1) & (1 << bit))) for i in range(150)]


def test_texts_that_each_have_their_own_combination_of_labels_are_split_label_by_label() -> None:
    records = own_combinations()
    train, dev = split_records(records)
    assert len(train) + len(dev) == 150 and 20 <= len(dev) <= 45
    for label in (f"l{bit}" for bit in range(8)):
        total, there = (sum(label in record.labels for record in part) for part in (records, dev))
        assert 0.15 <= there / total <= 0.3, label
    assert split_records(records) == (train, dev)


def test_a_label_with_few_texts_keeps_them_whatever_stands_beside_it() -> None:
    records = [labeled(f"t{i}", "common", *(["rare"] if i % 5 == 4 and i < 20 else [])) for i in range(100)]
    train, dev = split_records(records)
    assert sum("rare" in record.labels for record in train) == 4
    assert len(dev) == 20


def test_texts_without_a_label_are_split_as_well() -> None:
    _, dev = split_records([labeled(f"t{i}") for i in range(10)])
    assert [record.text for record in dev] == ["t4", "t9"]

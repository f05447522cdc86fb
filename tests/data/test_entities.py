"""Readers of texts with named entities."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_xlt.data.docbin import write_docbin
from spacy_xlt.data.entities import EntityRecord, entity_labels, load_entities
from spacy_xlt.data.entity_tags import Entity
from spacy_xlt.errors import XltError

TEXT = "Angela Merkel besucht Zagreb."
ENTITIES = (Entity(0, 13, "PER"), Entity(22, 28, "LOC"))


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf8")
    return path


def the_record(data: Any) -> EntityRecord:
    (record,) = load_entities(data)
    return record


IOB2 = """# lang = de
# text = Angela Merkel besucht Zagreb.
1\tAngela\tB-PER\t-\tann
2\tMerkel\tI-PER\t-\tann
3\tbesucht\tO\t-\t-
4\tZagreb\tB-LOC\t-\tann
5\t.\tO\t-\t-
"""
CONLLU = """# lang = de
# text = Angela Merkel besucht Zagreb.
1\tAngela\tAngela\tPROPN\t_\t_\t0\troot\t_\tEntity=B-PER
2\tMerkel\tMerkel\tPROPN\t_\t_\t1\tflat\t_\tEntity=I-PER
3\tbesucht\tbesuchen\tVERB\t_\t_\t1\tx\t_\t_
4\tZagreb\tZagreb\tPROPN\t_\t_\t3\tobj\t_\tSpaceAfter=No|Entity=B-LOC
5\t.\t.\tPUNCT\t_\t_\t3\tpunct\t_\t_
"""


@pytest.mark.parametrize(("name", "content"), [("a.iob2", IOB2), ("a.conllu", CONLLU)])
def test_files_with_one_token_per_line(name: str, content: str, tmp_path: Path) -> None:
    path = write(tmp_path, name, content + "\n")
    assert the_record(path) == EntityRecord(TEXT, ENTITIES, "de", f"{path}:1")


def test_conll_2003_has_the_tags_in_its_last_column_and_no_text(tmp_path: Path) -> None:
    content = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\nGerman JJ B-NP B-MISC\n. . O O\n"
    record = the_record(write(tmp_path, "a.conll", content))
    assert record.text == "EU rejects German ."
    assert record.entities == (Entity(0, 2, "ORG"), Entity(11, 17, "MISC"))


def test_tokens_that_are_not_in_the_text_make_their_own(tmp_path: Path) -> None:
    record = the_record(write(tmp_path, "a.iob2", "# text = other\n1\tParis\tB-LOC\n2\tis\tO\n"))
    assert (record.text, record.entities) == ("Paris is", (Entity(0, 5, "LOC"),))


def test_a_text_without_spaces_between_tokens(tmp_path: Path) -> None:
    record = the_record(
        write(tmp_path, "a.iob2", "# text = 我在台北。\n1\t我\tO\n2\t在\tO\n3\t台北\tB-LOC\n4\t。\tO\n")
    )
    assert record.entities == (Entity(2, 4, "LOC"),)


PRODIGY = {"text": TEXT, "spans": [{"start": 22, "end": 28, "label": "LOC"}, {"start": 0, "end": 13, "label": "PER"}]}
SPACY = {"text": TEXT, "entities": [[0, 13, "PER"], [22, 28, "LOC"]], "lang": "de"}
LABEL_STUDIO = {
    "data": {"text": TEXT},
    "annotations": [
        {
            "result": [
                {"value": {"start": 0, "end": 13, "text": "Angela Merkel", "labels": ["PER"]}},
                {"value": {"start": 22, "end": 28, "text": "Zagreb", "labels": ["LOC"]}},
                {"value": {"choices": ["news"]}},
            ]
        }
    ],
}


@pytest.mark.parametrize("row", [PRODIGY, SPACY, LABEL_STUDIO], ids=["prodigy", "spacy", "label studio"])
def test_json_layouts(row: dict[str, Any], tmp_path: Path) -> None:
    for path in (write(tmp_path, "a.jsonl", json.dumps(row) + "\n"), write(tmp_path, "a.json", json.dumps([row]))):
        record = the_record(path)
        assert (record.text, record.entities, record.language) == (TEXT, ENTITIES, row.get("lang", "xx"))
    assert the_record([row]).entities == ENTITIES


def test_docbin(tmp_path: Path) -> None:
    doc = spacy.blank("de")(TEXT)
    doc.ents = [doc.char_span(each.start, each.end, label=each.label) for each in ENTITIES]
    write_docbin([doc], tmp_path / "a.spacy")
    assert the_record(tmp_path / "a.spacy").entities == ENTITIES


def test_languages_of_a_mapping_and_of_an_argument() -> None:
    assert [record.language for record in load_entities({"German": [PRODIGY], "hr": [PRODIGY]})] == ["de", "hr"]
    assert [record.language for record in load_entities([SPACY], language="Croatian")] == ["hr"]
    assert entity_labels(load_entities([SPACY])) == ["LOC", "PER"]


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"text": "a"}, "spans"),
        ({"text": "a", "spans": [{"start": 0, "end": 9, "label": "X"}]}, "0-9"),
        ({"text": "a", "spans": [{"start": 0}]}, "start"),
        ({"text": "abc", "spans": [[0, 2, "X"], [1, 3, "Y"]]}, "overlap"),
        ({"spans": []}, "text"),
    ],
)
def test_a_record_that_cannot_be_used_is_named(row: dict[str, Any], named: str, tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", json.dumps({"text": "fine", "spans": []}) + "\n" + json.dumps(row) + "\n")
    with pytest.raises(XltError, match=rf"a\.jsonl:2.*{named}"):
        load_entities(path)


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [("a.iob2", "1\tEU\tx\n", r"a\.iob2:1"), ("a.csv", "text\nx\n", r"a\.csv"), ("a.spacy", "x", r"a\.spacy")],
)
def test_a_file_that_cannot_be_used_is_named(name: str, content: str, named: str, tmp_path: Path) -> None:
    with pytest.raises(XltError, match=named):
        load_entities(write(tmp_path, name, content))


def test_no_record_at_all() -> None:
    with pytest.raises(XltError, match="no text"):
        load_entities([])

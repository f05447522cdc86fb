"""The commands `xlt index`, `xlt search` and `xlt chat`."""

import json
from pathlib import Path

import pytest
import srsly

from tests.cli.running import fail, run, succeed
from tests.search.test_faq import BASE

TEXTS = [
    {"id": "a", "text": "You can return articles within 30 days.", "lang": "en", "topic": "return"},
    {"id": "b", "text": "Das Paket kommt in zwei Tagen.", "lang": "de", "topic": "delivery"},
]


@pytest.fixture()
def index(tiny_bert: Path, tmp_path: Path) -> Path:
    srsly.write_jsonl(tmp_path / "texts.jsonl", TEXTS)
    assert "2 texts" in succeed("index", tiny_bert, tmp_path / "texts.jsonl", "--output", tmp_path / "index")
    return tmp_path / "index"


def test_texts_are_found(index: Path, tiny_bert: Path) -> None:
    lines = succeed("search", tiny_bert, index, TEXTS[1]["text"], "-k", 1, "--json").splitlines()
    hits = [json.loads(line) for line in lines]
    assert [(hit["id"], hit["fields"]) for hit in hits] == [("b", {"topic": "delivery"})]
    table = succeed("search", tiny_bert, index, "--where", "topic=return", stdin="Paket\n\n")
    assert "articles" in table and "zwei" not in table


def test_an_index_is_updated(index: Path, tiny_bert: Path, tmp_path: Path) -> None:
    srsly.write_jsonl(tmp_path / "more.jsonl", [{"id": "c", "text": "Something new."}])
    succeed("index", tiny_bert, tmp_path / "more.jsonl", "--output", index, "--update", "--remove", "a")
    found = succeed("search", tiny_bert, index, "Something new.", "--json")
    assert {json.loads(line)["id"] for line in found.splitlines()} == {"b", "c"}


def test_a_chat_in_the_terminal(tiny_bert: Path, tmp_path: Path) -> None:
    srsly.write_jsonl(tmp_path / "base.jsonl", BASE)
    succeed("index", tiny_bert, tmp_path / "base.jsonl", "--faq", "--output", tmp_path / "faq")
    facts = json.loads((tmp_path / "faq" / "index.json").read_text())
    facts["settings"] = {"faq": {"weights": [0, 0, 0], "bias": 5.0, "threshold": 0.5}}
    (tmp_path / "faq" / "index.json").write_text(json.dumps(facts))
    output = succeed("chat", tiny_bert, tmp_path / "faq", "--language", "de", stdin="How much is delivery?\n\nmore\n")
    assert output.splitlines() == ["Er kostet 4,90."]


def test_an_faq_is_calibrated(tiny_bert: Path, tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    asked = [{"text": row["text"], "answer_id": row.get("answer_id", row["id"])} for row in BASE for _ in range(3)]
    asked += [{"text": f"Who is number {number}?", "answer_id": None} for number in range(8)]
    asked += [{"text": "And then?", "answer_id": "nowhere", "kind": "follow_up"}]
    srsly.write_jsonl(tmp_path / "base.jsonl", BASE)
    srsly.write_jsonl(tmp_path / "asked.jsonl", asked)
    files = (tmp_path / "base.jsonl", "--faq", "--calibrate", tmp_path / "asked.jsonl", "--output", tmp_path / "faq")
    succeed("index", tiny_bert, *files)
    saved = json.loads((tmp_path / "faq" / "index.json").read_text())["settings"]["faq"]
    assert len(saved["weights"]) == 3 and 0 < saved["threshold"] < 1
    assert "--faq" in fail("index", tiny_bert, files[0], *files[2:])


def test_mistakes_are_errors_of_one_line(index: Path, tiny_bert: Path, tmp_path: Path) -> None:
    assert "topic" in fail("search", tiny_bert, index, "x", "--where", "topic")
    assert "color" in fail("search", tiny_bert, index, "x", "--where", "color=red")
    assert "index.json" in fail("search", tiny_bert, tmp_path, "x")
    assert "index.json" in fail("index", tiny_bert, tmp_path / "texts.jsonl", "--output", tmp_path)
    assert "--update" in fail("index", tiny_bert, tmp_path / "texts.jsonl", "--output", index, "--remove", "a")
    assert "answer" in fail("chat", tiny_bert, index)
    assert "answer" in fail("index", tiny_bert, tmp_path / "texts.jsonl", "--faq", "--output", tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (index / "vectors.npy").write_bytes(b"")
    assert "vectors.npy" in fail("search", tiny_bert, index, "x")
    assert run("search", tiny_bert).exit_code == 2

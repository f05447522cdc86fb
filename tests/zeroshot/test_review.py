"""Files of pre-labeled texts, and the selection of the texts to check."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.zeroshot.review import LAYOUTS, Layout, PreLabeled, read_review, write_review
from spacy_xlt.zeroshot.selection import select_typical

LABELS = ["billing", "account"]
ITEMS = [
    PreLabeled("Meine Rechnung", "de", "billing", 0.91234),
    PreLabeled('quote " and\nline', "en", "account", 0.4),
    PreLabeled("我的密码", "zh", "account", 1.0),
]


def check(layout: str, fields: dict[str, Any], label: str) -> dict[str, Any]:
    """The record after a person has corrected and accepted it."""
    if layout == "jsonl":
        return {**fields, "label": label, "checked": True}
    if layout == "prodigy":
        return {**fields, "accept": [label], "answer": "accept"}
    return {**fields, "responses": {"label": [{"value": label, "user_id": "1"}]}, "status": "completed"}


def write(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf8")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_checked_texts_come_back(tmp_path: Path, layout: Layout) -> None:
    path = tmp_path / "review.jsonl"
    write_review(ITEMS, LABELS, path, layout)
    records = [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]
    assert len(records) == 3
    write(path, [check(layout, records[0], "account"), records[1], check(layout, records[2], "account")])
    assert read_review(path) == [
        Record("Meine Rechnung", ("account",), "de", f"{path}, line 1"),
        Record("我的密码", ("account",), "zh", f"{path}, line 3"),
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_unchecked_texts_are_an_error(tmp_path: Path, layout: Layout) -> None:
    write_review(ITEMS, LABELS, tmp_path / "review.jsonl", layout)
    with pytest.raises(XltError, match=r"review\.jsonl"):
        read_review(tmp_path / "review.jsonl")


def test_rejected_texts_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "review.jsonl"
    write_review(ITEMS, LABELS, path, "prodigy")
    first, second, third = (json.loads(line) for line in path.read_text(encoding="utf8").splitlines())
    write(path, [{**first, "answer": "reject"}, {**second, "answer": "ignore"}, {**third, "answer": "accept"}])
    assert [record.text for record in read_review(path)] == ["我的密码"]


def test_prodigy_has_options_and_the_prediction(tmp_path: Path) -> None:
    write_review(ITEMS[:1], LABELS, tmp_path / "review.jsonl", "prodigy")
    record = json.loads((tmp_path / "review.jsonl").read_text())
    assert record["options"] == [{"id": "billing", "text": "billing"}, {"id": "account", "text": "account"}]
    assert record["accept"] == ["billing"] and record["meta"] == {"lang": "de", "score": 0.9123}


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[1]",
        '{"text": "a", "label": "b", "lang": "en"}',
        '{"text": "", "label": "b", "lang": "en", "checked": true}',
        '{"text": "a", "label": null, "lang": "en", "checked": true}',
        '{"text": "a", "options": [], "accept": ["x", "y"], "answer": "accept", "meta": {"lang": "en"}}',
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "review.jsonl"
    write(path, [{"text": "a", "label": "b", "lang": "en", "checked": True}])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(XltError, match="line 2"):
        read_review(path)


def test_an_unknown_layout(tmp_path: Path) -> None:
    with pytest.raises(XltError, match="csv"):
        write_review(ITEMS, LABELS, tmp_path / "x.jsonl", "csv")  # type: ignore[arg-type]


# Selection


def test_the_most_typical_text_of_each_cluster_is_selected() -> None:
    chance = np.random.default_rng(0)
    centers = np.eye(5) * 10
    rows = np.concatenate(
        [center + chance.normal(size=(size, 5)) for center, size in zip(centers, (30, 25, 20, 15, 10))]
    )
    rows[[0, 30, 55, 75, 90]] = centers
    selected = select_typical(rows.astype(np.float32), 5)
    assert selected.tolist() == [0, 30, 55, 75, 90]
    assert select_typical(rows.astype(np.float32), 5, seed=1).tolist() == selected.tolist()


@pytest.mark.parametrize(("n", "different", "expected"), [(10, 4, 4), (3, 50, 3), (5, 0, 0)])
def test_there_are_at_most_as_many_as_different_texts(n: int, different: int, expected: int) -> None:
    rows = np.random.default_rng(0).normal(size=(different, 6)).astype(np.float32)
    selected = select_typical(np.r_[rows, rows], n)
    assert len(selected) == len(set(selected.tolist())) == expected

"""A model folder of our four components, and files of documents, that the batch tests read."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.toy import TEXTS, make_pipeline

pytest.importorskip("transformers")


@pytest.fixture(scope="session")
def model(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("batch") / "model"
    make_pipeline(tiny_bert).to_disk(folder)
    return folder


def tickets(count: int) -> list[dict[str, Any]]:
    """So many different records, in three languages by turns."""
    texts = [text for pairs in zip(*TEXTS.values()) for text, _ in pairs]
    return [
        {"id": f"t{number}", "body": f"{texts[number % len(texts)]} {number}", "priority": number % 3}
        for number in range(count)
    ]


def write_jsonl(rows: list[dict[str, Any]], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf8")
    return path


def read_jsonl(folder: Path) -> list[dict[str, Any]]:
    """The rows of all parts, in their order."""
    lines = [line for part in sorted(folder.glob("part-*.jsonl")) for line in part.read_text("utf8").split("\n")]
    return [json.loads(line) for line in lines if line]


def content(folder: Path) -> dict[str, bytes]:
    """The bytes of everything that a run leaves."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}

"""Labels that are described in words."""

from pathlib import Path
from typing import Any

import pytest

from spacy_xlt.errors import XltError
from spacy_xlt.zeroshot.descriptions import split_description
from spacy_xlt.zeroshot.labels import read_labels


def test_descriptions_and_examples_are_read() -> None:
    labels = read_labels(
        {
            "billing": "invoices and payments",
            "account": ["sign-in", " password ", "sign-in"],
            "other": {"descriptions": "Sonstiges", "examples": ["Guten Tag"]},
        }
    )
    assert [label.name for label in labels] == ["billing", "account", "other"]
    assert [label.descriptions for label in labels] == [
        ("invoices and payments",),
        ("sign-in", "password"),
        ("Sonstiges",),
    ]
    assert labels[2].examples == ("Guten Tag",)


def test_names_describe_themselves() -> None:
    assert read_labels(["order_change", "delivery"])[0].descriptions == ("order change",)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.yml", "sport: 'Spiele, Tore'\nhealth:\n  - doctors\n  - 医生\n"),
        ("labels.json", '{"sport": "Spiele, Tore", "health": ["doctors", "医生"]}'),
    ],
)
def test_files_are_read(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf8")
    labels = read_labels(tmp_path / name)
    assert [label.descriptions for label in labels] == [("Spiele, Tore",), ("doctors", "医生")]


@pytest.mark.parametrize(
    ("labels", "offender"),
    [
        ({"billing": "", "account": "sign-in"}, "billing"),
        ({"billing": None, "account": "sign-in"}, "billing"),
        ({"billing": [" "], "account": "sign-in"}, "billing"),
        ({"billing": {"examples": ["My invoice"]}, "account": "sign-in"}, "billing"),
        ({"billing": {"text": "x"}, "account": "sign-in"}, "text"),
        ({"billing": 3, "account": "sign-in"}, "3"),
        ({"billing": "payments"}, "billing"),
        ({}, "two labels"),
        (["one", "two", "one"], "one"),
        ({"billing": "payments", "invoice": "Payments"}, "Payments"),
        ({1: "payments", "invoice": "invoices"}, "1"),
        (7, "7"),
    ],
)
def test_bad_labels(labels: Any, offender: str) -> None:
    with pytest.raises(XltError, match=offender):
        read_labels(labels)


@pytest.mark.parametrize("content", ["a: [", "just a text", "a: x\n"])
def test_a_bad_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "labels.yml").write_text(content)
    with pytest.raises(XltError, match=r"labels\.yml"):
        read_labels(tmp_path / "labels.yml")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(XltError, match="missing.yml"):
        read_labels(tmp_path / "missing.yml")


@pytest.mark.parametrize(
    ("description", "parts"),
    [
        ("sport: games, goals;teams", ["sport: games, goals;teams", "sport", "games", "goals", "teams"]),
        ("体育：比赛、球队", ["体育：比赛、球队", "体育", "比赛", "球队"]),
        ("sport", ["sport"]),
    ],
)
def test_a_description_is_split(description: str, parts: list[str]) -> None:
    assert split_description(description) == parts

"""The transfer matrix, on vectors that are made by hand and with a tiny encoder."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("scipy")

from spacy_xlt.errors import XltError
from spacy_xlt.evaluation import transfer_matrix as module
from spacy_xlt.evaluation.transfer_matrix import transfer_matrix
from tests.cli.running import succeed
from tests.records import make_records, write_csv

LABELS = ["a", "b", "c"]
# English and German express the labels alike. Swahili is turned a bit to other directions, Zulu wholly.
TURNS = {"en": 0.0, "de": 0.0, "sw": 0.3, "zu": 1.0}


def vectors_of(name: str, texts: Sequence[str]) -> np.ndarray:
    code = name.split()[1]
    rows = np.zeros((len(texts), 8), dtype=np.float32)
    angle = TURNS[code] * np.pi / 2
    for row, text in zip(rows, texts):
        label = LABELS.index(text.split()[1])
        row[label], row[3 + label] = np.cos(angle), np.sin(angle)
    # A language has its own bias, which the projection removes.
    rows[:, 6 + list(TURNS).index(code) % 2] += 1.0
    noise = np.random.default_rng(len(texts) + list(TURNS).index(code)).normal(0, 0.25, rows.shape)
    rows += noise.astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    def embed(pipe: Any, folder: Any, texts: Any, cache: Any, progress: Any) -> dict[str, np.ndarray]:
        return {name: vectors_of(name, of) for name, of in texts.items()}

    monkeypatch.setattr(module, "embed", embed)


def records(count: int, codes: Sequence[str] = tuple(TURNS)) -> list[dict[str, str]]:
    return [
        {"text": f"{code} {label} {number}", "label": label, "lang": code}
        for code in codes
        for number in range(count)
        for label in LABELS
    ]


def test_languages_that_express_labels_alike_are_the_best_sources(by_hand: None) -> None:
    found = transfer_matrix(records(30), records(20), k=2, progress=False)
    assert list(found.accuracy) == ["en", "de", "sw", "zu"]
    assert found.train == dict.fromkeys(TURNS, 90) and found.test == dict.fromkeys(TURNS, 60)
    assert all(found.accuracy[code][code] > 0.9 for code in TURNS)
    assert found.accuracy["en"]["de"] > 0.9 > found.accuracy["en"]["zu"] + 0.2
    assert (found.best_source["en"], found.best_source["de"], found.best_source["zu"]) == ("de", "en", "sw")


def test_languages_are_chosen_for_the_best_worst_case(by_hand: None) -> None:
    found = transfer_matrix(records(30), records(20), k=2, progress=False)
    first, second = found.label_first
    # Swahili is between the others, so it is the best single source. Labels in Zulu then help most.
    assert first.languages == ["sw"] and first.worst == min(found.accuracy["sw"].values())
    assert first.worst_language == "zu"
    assert second.languages == ["sw", "zu"] and second.worst > first.worst
    assert second.mean >= second.worst
    assert transfer_matrix(records(30), records(20), k=0, progress=False).label_first == []


def test_it_is_shown_as_a_table_and_as_pictures(
    by_hand: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = transfer_matrix(records(30), records(20), k=1, progress=False)
    found.table()
    output = capsys.readouterr().out
    assert "Transfer matrix" in output and "Labels in Swahili" in output
    picture = ElementTree.fromstring(found.to_svg(tmp_path / "matrix.svg"))
    assert (tmp_path / "matrix.svg").read_text(encoding="utf8") == found.to_svg()
    assert len(picture.findall("{http://www.w3.org/2000/svg}text")) == 4 + 4 + 16
    assert found._repr_html_().count("<td ") == 16
    assert json.loads(json.dumps(found.to_dict()))["best_source"]["en"] == "de"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"text": "x", "label": "d", "lang": "en"}, "'d'"),
        ({"text": "x", "label": "a", "lang": "fr"}, "'fr'"),
        ({"text": "x", "label": "a"}, "language"),
        ({"text": "x", "label": ["a", "b"], "lang": "en"}, "2 labels"),
    ],
)
def test_test_texts_that_cannot_be_used_are_named(more: dict[str, Any], message: str) -> None:
    with pytest.raises(XltError, match=f"item:13.*{message}"):
        transfer_matrix(records(3), [*records(1), more], progress=False)


def test_the_command_keeps_the_embeddings(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    train, test = (
        write_csv([*make_records(n, "en", seed=n), *make_records(n, "de", seed=n)], tmp_path / f"{n}.csv")
        for n in (24, 8)
    )
    arguments = ["transfer-matrix", "--train", train, "--test", test, "--encoder", tiny_bert, "--choose", 1]
    arguments += ["--cache", tmp_path / "cache", "-o", tmp_path / "m.json", "--svg", tmp_path / "m.svg"]
    output = succeed(*arguments)
    assert "Best source" in output and (tmp_path / "m.svg").is_file()
    first = json.loads((tmp_path / "m.json").read_text())
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 2  # The texts of both languages are the same.

    def encode(self: Any, texts: Any) -> Any:
        raise AssertionError("The embeddings are in the cache.")

    monkeypatch.setattr("spacy_xlt.encoders.torch_encoder.TorchEncoder.encode", encode)
    succeed(*arguments)
    assert json.loads((tmp_path / "m.json").read_text()) == first

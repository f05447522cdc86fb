"""`xlt zero-shot` and `xlt bootstrap`."""

import json
from pathlib import Path

import pytest
import spacy

pytest.importorskip("transformers")

from spacy_xlt.models import load_model
from tests.cli.running import fail, succeed
from tests.records import LABELS, make_records


@pytest.fixture()
def files(tmp_path: Path) -> Path:
    """A folder with unlabeled texts and described labels."""
    rows = [json.dumps({"text": record.text, "lang": "en"}) for record in make_records()]
    (tmp_path / "texts.jsonl").write_text("\n".join(rows))
    (tmp_path / "labels.yml").write_text("billing: invoice, refund\ndelivery:\n  - parcel, courier\n  - Paket\n")
    return tmp_path


def test_from_descriptions_to_a_model(files: Path, tiny_bert: Path) -> None:
    output = succeed(
        *("zero-shot", files / "labels.yml", files / "model", "--texts", files / "texts.jsonl"),
        *("--encoder", tiny_bert, "--none-label", "other", "--languages", "en,de"),
    )
    assert "24 texts" in output
    nlp = spacy.load(files / "model")
    assert list(nlp("Where is my parcel?").cats) == [*LABELS, "other"]
    assert nlp.get_pipe("xlt_langdetect").languages == ["de", "en"]  # type: ignore[attr-defined]


def test_from_texts_to_a_trained_model(files: Path, tiny_bert: Path) -> None:
    review, options = files / "review.jsonl", ("--labels", files / "labels.yml", "--encoder", tiny_bert)
    output = succeed("bootstrap", files / "texts.jsonl", review, *options, "--n", 10)
    assert "10 texts" in output and "14 other" in output
    gold = {record.text: record.labels[0] for record in make_records()}
    records = [json.loads(line) for line in review.read_text().splitlines()]
    review.write_text("\n".join(json.dumps({**each, "label": gold[each["text"]], "checked": True}) for each in records))
    command = output.splitlines()[-1].split("xlt train ")[1].split()
    assert command[-3:] == ["--checked", "--pre-labeled", str(files / "review.pre-labeled.jsonl")]
    succeed("train", review, files / "model", *command[-3:], "--encoder", tiny_bert)
    assert sorted(load_model(files / "model")("My order").cats) == LABELS


def test_bad_input(files: Path, tiny_bert: Path) -> None:
    (files / "one.yml").write_text("billing: invoices\n")
    assert "billing" in fail("zero-shot", files / "one.yml", files / "model")
    assert "missing.yml" in fail("zero-shot", files / "missing.yml", files / "model")
    assert "--layout" in fail(
        *("bootstrap", files / "texts.jsonl", files / "review.jsonl"),
        *("--labels", files / "labels.yml", "--layout", "csv"),
    )
    assert "checked" in fail("train", files / "texts.jsonl", files / "model", "--checked")

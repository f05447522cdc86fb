"""The benchmark of the transfer methods."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from spacy.language import Language

from spacy_xlt.data.records import Record
from spacy_xlt.training.model_state import predictions, restore, take_snapshot
from spacy_xlt.transfer.few_shot import few_shot
from tests.toy import TEXTS, make_pipeline


@pytest.fixture
def transfer(importable_benchmarks: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    pytest.importorskip("torch")
    import transfer

    monkeypatch.setattr(transfer, "RESULTS", tmp_path)
    return transfer


def test_k_texts_of_every_label_or_all(transfer: ModuleType) -> None:
    records = [Record(f"{label}{i}", (label,), "sw", "") for label, n in (("a", 9), ("b", 2)) for i in range(n)]
    chosen = transfer.choose([*records, *records], 4, seed=0)
    assert [record.labels[0] for record in chosen] == ["a"] * 4 + ["b"] * 2
    assert len({record.text for record in chosen}) == 6
    assert chosen == transfer.choose([*records, *records], 4, seed=0) != transfer.choose(records, 4, seed=1)


def test_rows_merge_and_zero_shot_comes_first(transfer: ModuleType, tmp_path: Path) -> None:
    zero = transfer.rows_of("sib200", "zero-shot", "frozen", 0, [{"en": 0.9, "sw": 0.7, "mean": 0.7}])
    few = transfer.rows_of("sib200", "few-shot", "frozen", 4, [{"en": 0.9, "sw": x, "mean": x} for x in (0.7, 0.8)])
    assert few[1] == {
        "task": "sib200", "method": "few-shot", "encoder": "frozen", "k": 4, "language": "sw",
        "mean": 0.75, "std": 0.05, "seeds": 2,
    }  # fmt: skip
    (tmp_path / "transfer.json").write_text(json.dumps({"rows": [*few, *zero]}))
    better = transfer.rows_of("sib200", "few-shot", "frozen", 4, [{"en": 0.9, "sw": 0.9, "mean": 0.9}])
    rows = transfer.merge(better)
    assert len(rows) == 6 and [row["mean"] for row in rows if row["k"] == 4] == [0.9, 0.9, 0.9]
    lines = transfer.table(rows).splitlines()
    assert lines[2] == "| sib200 | frozen | zero-shot | 0 | 0.900 | 0.700 ±0.000 | 0.700 (sw) | 1 |"
    assert lines[3].startswith("| sib200 | frozen | few-shot | 4 |")


def test_one_training_of_the_encoder_with_and_without_development_data(transfer: ModuleType, tiny_bert: Path) -> None:
    texts = {code: [Record(text, (label,), code, code) for text, label in TEXTS[code]] for code in ("en", "de", "ru")}
    every = [record for records in texts.values() for record in records]
    nlp = make_pipeline(tiny_bert)
    start = take_snapshot(nlp)
    target = [record for code in ("de", "ru") for record in transfer.choose(texts[code], 1, 3)]
    expected = []
    for dev in ([], every):
        reason = few_shot(nlp, target, source=texts["en"], dev=dev, method="finetune", seed=3).reason
        expected.append((reason, predictions(nlp, every)))
        restore(nlp, start)
    runs = transfer.run(nlp, "few-shot", "finetune", (texts, texts), {}, 1, 3)
    found = [(name, said, predictions(nlp, every)) for name, said in runs]
    assert [name for name, _, _ in found] == [", no dev texts", ""]
    for (_, said, probabilities), (reason, others) in zip(found, expected):
        assert said == reason
        np.testing.assert_allclose(probabilities, others, atol=1e-6)


def test_a_start_model_is_trained_once_and_kept(
    transfer: ModuleType, tmp_path: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a fresh clone, too, which has no folder training/ yet."""
    trained = []

    def train(records: list[Record], **settings: Any) -> Language:
        trained.append((records, settings["method"]))
        return make_pipeline(tiny_bert)

    monkeypatch.setattr(transfer, "PROJECT", tmp_path / "clone")
    monkeypatch.setattr(transfer, "train", train)
    records = {code: [Record(text, (label,), code, "") for text, label in texts] for code, texts in TEXTS.items()}
    texts = {code: [record.text for record in records[code]] for code in ("en", "de")}
    first = transfer.start_model("umsab", "finetuned", records, records, texts)
    second = transfer.start_model("umsab", "finetuned", records, records, texts)
    assert trained == [(records["en"], "finetune")]
    np.testing.assert_array_equal(predictions(first, records["de"]), predictions(second, records["de"]))

"""Training, transfer and prediction on a GPU. A model that was trained there works on the CPU."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from thinc.api import require_cpu, require_gpu
from thinc.util import has_cupy_gpu, has_torch_cuda_gpu

pytest.importorskip("transformers")

from spacy_xlt.data.records import Record
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.training.examples import make_examples
from spacy_xlt.training.model_state import restore, take_snapshot
from spacy_xlt.training.settings import TrainingSettings
from spacy_xlt.training.train import train
from spacy_xlt.training.trainer import finetune
from spacy_xlt.transfer.distill import distill
from spacy_xlt.transfer.few_shot import few_shot
from spacy_xlt.transfer.self_train import self_train
from tests.cli.running import succeed
from tests.encoders import tiny
from tests.records import make_records, write_csv
from tests.toy import TEXTS, make_pipeline

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not (has_cupy_gpu and has_torch_cuda_gpu), reason="there is no GPU with CuPy and torch"),
]

SOURCE = [Record(text, (label,), "en", "en.csv") for text, label in TEXTS["en"]]
GERMAN = [Record(text, (label,), "de", "de.csv") for text, label in TEXTS["de"]]
UNLABELED = [f"{text} {i}" for i in range(6) for text, _ in TEXTS["ru"]]


@pytest.fixture(autouse=True)
def on_gpu() -> Iterator[None]:
    require_gpu(0)
    yield
    require_cpu()


def check_on_the_cpu(nlp: Language, folder: Path) -> None:
    """Check that the scores stay the same after saving, on the GPU and on the CPU."""
    texts = [text for text, _ in TEXTS["ru"]]
    expected = [doc.cats for doc in nlp.pipe(texts)]
    nlp.to_disk(folder)
    assert [doc.cats for doc in spacy.load(folder).pipe(texts)] == [pytest.approx(cats, abs=1e-4) for cats in expected]
    require_cpu()
    assert [doc.cats for doc in spacy.load(folder).pipe(texts)] == [pytest.approx(cats, abs=1e-3) for cats in expected]


@pytest.mark.parametrize("method", ["frozen", "finetune"])
def test_train(tiny_bert: Path, tmp_path: Path, method: Any) -> None:
    records = make_records(40)
    nlp = train(records, encoder=tiny_bert, method=method)
    correct = sum(
        max(nlp(record.text).cats.items(), key=lambda item: item[1])[0] in record.labels for record in records
    )
    assert correct >= 0.9 * len(records)
    check_on_the_cpu(nlp, tmp_path / "model")


@pytest.mark.parametrize("method", ["frozen", "finetune"])
def test_few_shot(tiny_encoder: Path, tmp_path: Path, method: Any) -> None:
    nlp = make_pipeline(tiny_encoder)
    few_shot(nlp, GERMAN, source=SOURCE, dev=[*GERMAN, *SOURCE], method=method)
    check_on_the_cpu(nlp, tmp_path / "model")


@pytest.mark.parametrize("method", ["frozen", "finetune"])
def test_self_train(tiny_encoder: Path, tmp_path: Path, method: Any) -> None:
    nlp = make_pipeline(tiny_encoder)
    self_train(nlp, {"ru": UNLABELED}, source=SOURCE, method=method, rounds=2, checkpoint=tmp_path / "rounds")
    check_on_the_cpu(nlp, tmp_path / "model")


@pytest.mark.parametrize("layers", [None, 1])
def test_distill(tiny_encoder: Path, tmp_path: Path, layers: Any) -> None:
    nlp = make_pipeline(tiny_encoder)
    pairs = {"ru": [(english, russian) for (english, _), (russian, _) in zip(TEXTS["en"], TEXTS["ru"])]}
    distill(nlp, {"en": [record.text for record in SOURCE]}, translations=pairs, layers=layers)
    check_on_the_cpu(nlp, tmp_path / "model")


def test_mlm_and_the_commands(tmp_path: Path) -> None:
    raw = tiny.make_tiny_bert(tmp_path / "raw")
    data = write_csv(make_records(40), tmp_path / "data.csv")
    lines = tmp_path / "de.txt"
    lines.write_text("\n".join(record.text for record in make_records(16, seed=5)))
    encoder, model, gpu = tmp_path / "encoder", tmp_path / "model", ["--gpu-id", 0]
    succeed("transfer", "mlm", raw, encoder, "--texts", lines, "--language", "de", "--epochs", 5, *gpu)
    succeed("train", data, model, "--dev", data, "--encoder", encoder, "--method", "finetune", *gpu)
    options = ["--texts", lines, "--language", "de", "--source-texts", data, "--rounds", 1]
    succeed("transfer", "self-train", model, tmp_path / "better", *options, *gpu)
    succeed("evaluate", tmp_path / "better", data, "--output", tmp_path / "metrics.json", *gpu)
    on_gpu = json.loads((tmp_path / "metrics.json").read_text())
    succeed("process", tmp_path / "better", lines, "--output", tmp_path / "out", *gpu)
    assert sum(len(part.read_text().splitlines()) for part in (tmp_path / "out").glob("*.jsonl")) == 16
    require_cpu()
    succeed("evaluate", tmp_path / "better", data, "--output", tmp_path / "metrics.json")
    on_cpu = json.loads((tmp_path / "metrics.json").read_text())
    assert on_cpu["languages"] == on_gpu["languages"]


def test_the_weights_before_a_training_can_be_restored(tiny_bert: Path, tmp_path: Path) -> None:
    make_pipeline(tiny_bert).to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    expected = spacy.load(tmp_path)("My order").cats
    assert find_pipe(nlp, Encoder).width == tiny.WIDTH
    # Nothing was encoded yet, so the snapshot is on the CPU. Its word embeddings move to the GPU with the model's.
    start = take_snapshot(nlp)
    finetune(nlp, make_examples(SOURCE, ["order", "account"]), TrainingSettings(epochs=1, learning_rate=1e-3))
    restore(nlp, start)
    assert nlp("My order").cats == pytest.approx(expected, abs=1e-5)

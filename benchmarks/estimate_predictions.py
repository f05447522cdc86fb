"""Predictions of many models on texts of known labels, from which benchmarks/estimate.py learns to estimate accuracy.

    python benchmarks/estimate_predictions.py [TASK ...] [--finetune KIND ...]

For each task of estimate_data.py, the texts are embedded once by the default encoder (and by encoders that `xlt.train`
has fine-tuned, with --finetune), all in 8-bit integers as `xlt.export` makes them. Heads are then trained on all texts,
on 32 and on 8 texts of each label, on texts of which 3 in 10 have a random label, and with penalties that are too
strong and too weak. Each is applied with and without projection, and to embeddings with noise. Writes
metrics/estimate/<task>-<encoder>.npz (the embeddings) and <task>-<encoder>-<head>-<kind>.npz (the predictions).
"""

import argparse
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional

import numpy as np
from common import PROJECT
from estimate_data import TASKS, Task
from numpy.typing import NDArray

from spacy_xlt.alignment.centering import AnchoredCentering
from spacy_xlt.cache import TextCache
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.folder import default_folder
from spacy_xlt.encoders.onnx_encoder import OnnxEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.exporters.onnx_graph import write_encoder
from spacy_xlt.heads.fitting import Labeled, fit_head
from spacy_xlt.heads.layer import Layer, probabilities_of
from spacy_xlt.heads.logistic import fit_path
from spacy_xlt.models import load_model, save
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.training.examples import gold_matrix
from spacy_xlt.training.model_state import read_head
from spacy_xlt.training.train import train
from spacy_xlt.vectors import unit_rows

FOLDER = PROJECT / "metrics" / "estimate"
NOISE = 0.3
STRONG, WEAK = 10.0, 0.01
# Length of the random vectors that are added to the embeddings (of length 1) of a damaged encoder.
DAMAGE = 1.0
Arrays = dict[str, NDArray[Any]]
# Two tasks share tweets.
CACHE: TextCache[NDArray[np.float32]] = TextCache(50_000)


@lru_cache(maxsize=1)
def int8(folder: Path) -> OnnxEncoder:
    """Return an encoder folder in 8-bit integers."""
    encoder = OnnxEncoder()
    with tempfile.TemporaryDirectory() as scratch:
        write_encoder(folder, Path(scratch) / "int8", "int8", None)
        encoder.load(Path(scratch) / "int8")
    return encoder


def embed(encoder: OnnxEncoder, task: Task) -> Arrays:
    """Return the embeddings of all texts of a task."""
    texts = {"train": [record.text for record in task.train], "dev": [record.text for record in task.dev]}
    for code, records in task.test.items():
        texts[f"adapt/{code}"] = task.adapt[code]
        texts[f"test/{code}"] = [record.text for record in records]
    return {name: np.array(CACHE.compute(each, lambda new: list(encoder.encode(new)))) for name, each in texts.items()}


def noisy(records: Sequence[Record], labels: Sequence[str]) -> list[Record]:
    """Give NOISE of the records a random label."""
    chance = random.Random(0)
    return [_relabeled(record, labels, chance) for record in records]


def _relabeled(record: Record, labels: Sequence[str], chance: random.Random) -> Record:
    label = chance.choice(labels) if chance.random() < NOISE else record.labels[0]
    return Record(record.text, (label,), record.language, record.location)


def rows_of_each(records: Sequence[Record], number: int) -> list[int]:
    """Return the rows of `number` random records of each label."""
    rows: dict[str, list[int]] = {}
    for row in random.Random(0).sample(range(len(records)), len(records)):
        rows.setdefault(records[row].labels[0], []).append(row)
    return sorted(row for each in rows.values() for row in each[:number])


def frozen_heads(task: Task, arrays: Arrays, labels: Sequence[str]) -> Iterator[tuple[str, Layer, list[Record]]]:
    """Yield the name of each head, the head and its training texts."""
    dev = Labeled(arrays["dev"], gold_matrix(task.dev, labels))
    everything = list(range(len(task.train)))
    rows = {"all": everything, "32": rows_of_each(task.train, 32), "8": rows_of_each(task.train, 8)}
    for name, chosen in rows.items():
        if name == "all" or len(chosen) < len(task.train) * 0.8:
            records = [task.train[row] for row in chosen]
            layer = fit(arrays["train"][chosen], records, dev, labels)
            if layer is not None:
                yield name, layer, records
    records = noisy(task.train, labels)
    layer = fit(arrays["train"], records, dev, labels)
    if layer is not None:
        yield "noisy", layer, records
    gold = gold_matrix(task.train, labels)
    for name, penalty in (("strong", STRONG), ("weak", WEAK)):
        (layer,) = fit_path(arrays["train"], gold, [penalty])
        yield name, layer, task.train


def fit(features: NDArray[Any], records: list[Record], dev: Labeled, labels: Sequence[str]) -> Optional[Layer]:
    try:
        return fit_head(Labeled(features, gold_matrix(records, labels)), dev, exclusive=True).layer
    except XltError as error:
        print("  left out:", error, flush=True)
        return None


def write_predictions(
    name: str, task: Task, arrays: Arrays, layer: Layer, records: Sequence[Record], labels: Sequence[str]
) -> None:
    """Apply a head to all languages, with and without projection, and write what it predicts."""
    adapt = {code: arrays[f"adapt/{code}"] for code in task.test}
    maps = AnchoredCentering().fit({"en": arrays["train"], **adapt}, "en")
    chance = np.random.default_rng(0)
    gold_dev = gold_matrix(task.dev, labels).argmax(axis=1)
    dev = probabilities_of(layer(arrays["dev"]), True)
    prior = gold_matrix(records, labels).mean(axis=0)
    kinds = ("plain", "projected", *(("damaged",) if name.endswith("all") else ()))
    for kind in kinds:
        found: Arrays = {"prior": prior, "dev/p": dev, "dev/gold": gold_dev}
        right = []
        for code, records_ in task.test.items():
            rows = arrays[f"test/{code}"]
            if kind == "damaged":
                noise = chance.normal(size=rows.shape)
                rows = unit_rows((rows + DAMAGE * unit_rows(noise)).astype(np.float32))
            if kind == "projected":
                rows = unit_rows(maps[code](rows))
            found[f"{code}/p"] = probabilities_of(layer(rows), True)
            found[f"{code}/gold"] = gold_matrix(records_, labels).argmax(axis=1)
            right.append((found[f"{code}/p"].argmax(axis=1) == found[f"{code}/gold"]).mean())
        np.savez_compressed(FOLDER / f"{name}-{kind}.npz", **found)  # type: ignore[arg-type]
        accuracy = (dev.argmax(axis=1) == gold_dev).mean()
        print(f"  {name}-{kind}: dev {accuracy:.3f}, targets {np.round(sorted(right), 2).tolist()}", flush=True)


def run_frozen(name: str, task: Task, labels: Sequence[str]) -> None:
    path = FOLDER / f"{name}-frozen.npz"
    if path.is_file():
        arrays: Mapping[str, Any] = dict(np.load(path))
    else:
        arrays = embed(int8(default_folder()), task)
        np.savez(path, **arrays)  # type: ignore[arg-type]
    for head, layer, records in frozen_heads(task, dict(arrays), labels):
        write_predictions(f"{name}-frozen-{head}", task, dict(arrays), layer, records, labels)


def run_finetuned(name: str, task: Task, labels: Sequence[str], *, kind: str) -> None:
    """kind: `all`, `noisy` or a number of texts of each label."""
    if (FOLDER / f"{name}-tuned-{kind}-projected.npz").is_file():
        return
    records = noisy(task.train, labels) if kind == "noisy" else task.train
    if kind.isdigit():
        records = [task.train[row] for row in rows_of_each(task.train, int(kind))]
    model = FOLDER / f"{name}-tuned-{kind}"
    if not model.is_dir():
        save(train(records, dev=task.dev, method="finetune", progress=False), model)
    nlp = load_model(model)
    head = read_head(nlp)
    order = [head.labels.index(label) for label in labels]
    scale = np.float32(head.scale)
    layer = Layer(head.output.weight[order] * scale, head.output.bias[order])
    CACHE.clear()
    arrays = embed(int8(model / find_pipe(nlp, Encoder).name), task)
    CACHE.clear()
    np.savez(FOLDER / f"{name}-tuned-{kind}.npz", **arrays)  # type: ignore[arg-type]
    write_predictions(f"{name}-tuned-{kind}", task, arrays, layer, records, labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--finetune", nargs="+", help="Fine-tune on: all, noisy, or a number of texts of each label.")
    options = parser.parse_args()
    Path(FOLDER).mkdir(parents=True, exist_ok=True)
    for name in options.tasks:
        task = TASKS[name]()
        labels = sorted({record.labels[0] for record in task.train})
        counts = {code: (len(task.adapt[code]), len(each)) for code, each in task.test.items()}
        print(f"{name}: {len(task.train)} train, {len(task.dev)} dev, {len(labels)} labels, {counts}", flush=True)
        if options.finetune is None:
            run_frozen(name, task, labels)
        for kind in options.finetune or ():
            run_finetuned(name, task, labels, kind=kind)


if __name__ == "__main__":
    main()

"""Seconds of fine-tuning by `spacy train` with configs/finetune.cfg beside a plain torch loop, in one process.

    python benchmarks/finetune.py [STEPS]

The 701 English training sentences of SIB-200, batches of 16, word embeddings frozen, AdamW with warm-up, STEPS steps
(44, an epoch) and one evaluation of the 99 dev sentences at the end, on both sides; loading is not timed. The rounds
alternate. Writes benchmarks/results/finetune.{json,md}.
"""

import random
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import spacy
import torch
from common import PROJECT, data_folder, write_results
from spacy import util
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_nlp
from transformers import AutoModel, AutoTokenizer, get_linear_schedule_with_warmup

from spacy_xlt.data.dataset import Dataset
from spacy_xlt.data.docbin import make_docs, write_docbin
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.folder import default_folder

BATCH = 16
WARM_UP = 20
ROUNDS = 2
CONFIG = PROJECT / "configs" / "finetune.cfg"


def by_torch(train: list[Record], dev: list[Record], steps: int) -> float:
    """Train and return the seconds."""
    labels = sorted({record.labels[0] for record in train})
    tokenizer = AutoTokenizer.from_pretrained(default_folder())
    torch.manual_seed(0)
    model = AutoModel.from_pretrained(default_folder(), add_pooling_layer=False).train()
    model.embeddings.word_embeddings.requires_grad_(False)
    head = torch.nn.Linear(model.config.hidden_size, len(labels))
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [{"params": trained, "lr": 5e-5}, {"params": head.parameters(), "lr": 5e-3}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    schedule = get_linear_schedule_with_warmup(optimizer, WARM_UP, steps)

    def scores(records: list[Record]) -> torch.Tensor:
        batch = tokenizer([record.text for record in records], padding=True, truncation=True, return_tensors="pt")
        mask = batch["attention_mask"].unsqueeze(-1)
        states = model(**batch).last_hidden_state
        return head(torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1)) * 10)

    start = perf_counter()
    order: list[Record] = []
    shuffle = random.Random(0)
    for _ in range(steps):
        if len(order) < BATCH:
            order += shuffle.sample(train, len(train))
        records, order = order[:BATCH], order[BATCH:]
        target = torch.tensor([labels.index(record.labels[0]) for record in records])
        torch.nn.functional.cross_entropy(scores(records), target).backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    model.eval()
    with torch.inference_mode():
        for first in range(0, len(dev), BATCH):
            scores(dev[first : first + BATCH]).argmax(1)
    return perf_counter() - start


def by_spacy(train: list[Record], dev: list[Record], steps: int) -> float:
    """Train with configs/finetune.cfg and return the seconds."""
    labels = sorted({record.labels[0] for record in train})
    with tempfile.TemporaryDirectory() as scratch:
        blank = spacy.blank("xx")
        for name, records in (("train", train), ("dev", dev)):
            write_docbin(make_docs(blank, records, labels), Path(scratch) / f"{name}.spacy")
        overrides = {
            "paths.train": f"{scratch}/train.spacy",
            "paths.dev": f"{scratch}/dev.spacy",
            "training.optimizer.learn_rate.total_steps": steps,
            "training.eval_frequency": steps,
        }
        nlp = init_nlp(util.load_config(CONFIG, overrides=overrides, interpolate=False))
        start = perf_counter()
        with open("/dev/null", "w") as nowhere:
            train_nlp(nlp, None, stdout=nowhere, stderr=nowhere)
        return perf_counter() - start


def main(steps: int = 44) -> None:
    sib200 = data_folder() / "sib200" / "eng_Latn"
    train, dev = Dataset.load([sib200 / "train.tsv"]).records, Dataset.load([sib200 / "dev.tsv"]).records
    seconds: dict[str, list[float]] = {"spacy train": [], "plain torch": []}
    for _ in range(ROUNDS):
        seconds["spacy train"].append(by_spacy(train, dev, steps))
        seconds["plain torch"].append(by_torch(train, dev, steps))
        print({name: round(values[-1], 1) for name, values in seconds.items()}, flush=True)
    rows = [
        {"system": name, "seconds": round(median(values), 1), "rounds": [round(value, 1) for value in values]}
        for name, values in seconds.items()
    ]
    ratio = round(median(seconds["spacy train"]) / median(seconds["plain torch"]), 2)
    lines = [f"| {row['system']} | {row['seconds']} |" for row in rows]
    note = f"\n\n{steps} steps of {BATCH} texts; `spacy train` takes {ratio} times as long."
    document = {"rows": rows, "steps": steps, "ratio": ratio}
    write_results("finetune", document, "| system | seconds |\n|---|---|\n" + "\n".join(lines) + note)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

"""Our trainer beside `spacy train configs/finetune.cfg`: seconds and accuracy in 14 languages, in one process.

    python benchmarks/finetune.py [SEEDS]

Both fine-tune the default encoder on the 701 English training sentences of SIB-200, 4 epochs, batches of 16, word
embeddings frozen. Seconds run from records to a pipeline of the four components: for spaCy that is `spacy train` and
`xlt flatten`. No model is projected. The systems take turns, once for each seed. Writes
benchmarks/results/finetune.{json,md}.
"""

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any

import spacy
import torch
from common import PROJECT, data_folder, write_results
from spacy import util
from spacy.language import Language
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_nlp

from spacy_xlt import load_dataset
from spacy_xlt.data.docbin import make_docs, write_docbin
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.torch_encoder import has_bfloat16
from spacy_xlt.evaluation.evaluate import evaluate_classifier
from spacy_xlt.interop.flatten import flatten
from spacy_xlt.training.train import train

CONFIG = PROJECT / "configs" / "finetune.cfg"
FOLDERS = "eng_Latn arb_Arab deu_Latn fra_Latn hin_Deva ita_Latn jpn_Jpan por_Latn rus_Cyrl spa_Latn swh_Latn tur_Latn "
FOLDERS += "vie_Latn zho_Hans"
EPOCHS, BATCH = 4, 16


def by_spacy(records: list[Record], dev: list[Record], seed: int) -> Language:
    """Train with configs/finetune.cfg and flatten the result."""
    labels = sorted({record.labels[0] for record in records})
    half = -(-EPOCHS * len(records) // (2 * BATCH))
    with tempfile.TemporaryDirectory() as scratch:
        blank = spacy.blank("xx")
        for name, part in (("train", records), ("dev", dev)):
            write_docbin(make_docs(blank, part, labels), Path(scratch) / f"{name}.spacy")
        overrides = {
            "paths.train": f"{scratch}/train.spacy",
            "paths.dev": f"{scratch}/dev.spacy",
            "system.seed": seed,
            "training.optimizer.learn_rate.total_steps": 2 * half,
            "training.eval_frequency": half,
        }
        nlp = init_nlp(util.load_config(CONFIG, overrides=overrides, interpolate=False))
        (Path(scratch) / "model").mkdir()
        train_nlp(nlp, Path(scratch) / "model", stdout=io.StringIO(), stderr=io.StringIO())
        return flatten(spacy.load(Path(scratch) / "model" / "model-best"))


def by_trainer(**options: Any) -> Callable[[list[Record], list[Record], int], Language]:
    """Train with `xlt.train`."""

    def run(records: list[Record], dev: list[Record], seed: int) -> Language:
        return train(records, dev=dev, method="finetune", seed=seed, progress=False, **options)

    return run


SYSTEMS: dict[str, Callable[[list[Record], list[Record], int], Language]] = {
    "spacy train configs/finetune.cfg": by_spacy,
    "xlt train, all layers learn": by_trainer(freeze_layers=0),
    "xlt train, six layers frozen (default)": by_trainer(),
}


def main(seeds: int = 3) -> None:
    sib200 = data_folder() / "sib200"
    records, dev = (load_dataset(sib200 / "eng_Latn" / f"{name}.tsv").records for name in ("train", "dev"))
    test = load_dataset([sib200 / folder / "test.tsv" for folder in FOLDERS.split()]).records
    seconds: dict[str, list[float]] = {name: [] for name in SYSTEMS}
    english: dict[str, list[float]] = {name: [] for name in SYSTEMS}
    others: dict[str, list[float]] = {name: [] for name in SYSTEMS}
    for seed in range(seeds):
        for name, system in SYSTEMS.items():
            start = perf_counter()
            nlp = system(records, dev, seed)
            seconds[name].append(perf_counter() - start)
            languages = evaluate_classifier(nlp, test, progress=False).languages
            english[name].append(languages["en"].accuracy)
            others[name].append(mean(each.accuracy for code, each in languages.items() if code != "en"))
            print(name, seed, round(seconds[name][-1]), english[name][-1], round(others[name][-1], 4), flush=True)
    slowest = median(seconds["spacy train configs/finetune.cfg"])
    rows = [
        {
            "system": name,
            "seconds": round(median(seconds[name]), 1),
            "times_as_fast": round(slowest / median(seconds[name]), 2),
            "english": [round(value, 4) for value in english[name]],
            "mean_of_13": [round(value, 4) for value in others[name]],
        }
        for name in SYSTEMS
    ]
    lines = [
        f"| {row['system']} | {row['seconds']} | {row['times_as_fast']} | {mean(english[str(row['system'])]):.4f} | "
        f"{mean(others[str(row['system'])]):.4f} |"
        for row in rows
    ]
    bfloat16 = has_bfloat16(torch.device("cpu"))
    note = f"\n\nMean of {seeds} seeds; seconds are medians. This CPU {'has' if bfloat16 else 'lacks'} bfloat16."
    head = "| system | seconds | times as fast | English | mean of 13 others |\n|---|---|---|---|---|\n"
    document = {"rows": rows, "seeds": seeds, "bfloat16": bfloat16}
    write_results("finetune", document, head + "\n".join(lines) + note)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

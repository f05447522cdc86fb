"""Compare the transfer methods: how much labels and texts of the target languages add to a model trained on English.

    python -m spacy project run sib200
    python benchmarks/transfer.py --tasks sib200 --methods few-shot,self-train --encoders frozen
    python benchmarks/transfer.py --tasks umsab,sst2-de --methods few-shot --k 16,64 --seeds 5

There are three tasks: `sib200` (13 target languages, starting from the models of the workflow sib200), `umsab` (English
tweets to German, French and Spanish, three labels) and `sst2-de` (English film reviews to German tweets without neutral
ones). For each task, the zero-shot model is evaluated first. Each method then starts from this model:

- `few-shot`: k texts per label in each target language.
- `self-train`: unlabeled texts.
- `distill`: half of the encoder's layers.
- `static`: a static student that learns the teacher's vectors, with and without its probabilities.
- `translations` (SIB-200 only): `distill` without another teacher on translations from NTREX.

Everything is chosen on development data. The figures are computed on test data. If few-shot fine-tunes the encoder, one
training gives two rows: without development data, and accepted or rejected on development data.

--targets restricts labels and development data to some languages; the figures are those of all languages. --encoders
selects the start models of a task, frozen or finetuned. With --tune finetune, the methods train the encoder as well.

Rows of other tasks, methods, encoders or k stay in the results, so a long benchmark can be run in parts. The script
writes benchmarks/results/transfer.{json,md}: rows of {task, method, encoder, k, language, mean, std, seeds}. Rows of
`distill` also have `speedup`, the student's texts per second divided by the teacher's.
"""

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import spacy
from common import PROJECT, RESULTS, data_folder, read_ntrex, write_results
from spacy.language import Language
from speed import unlabeled as unlabelled_texts

from spacy_xlt.data.records import Record
from spacy_xlt.evaluation.metrics import accuracy, macro_f1
from spacy_xlt.exporters.student import make_transfer_set, with_student
from spacy_xlt.languages import base_code
from spacy_xlt.models import save
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.training.model_state import head_labels, restore, take_snapshot
from spacy_xlt.training.train import train
from spacy_xlt.training.trainer import count_layers
from spacy_xlt.transfer.acceptance import accept_if_not_worse
from spacy_xlt.transfer.distill import distill
from spacy_xlt.transfer.few_shot import few_shot
from spacy_xlt.transfer.project import project
from spacy_xlt.transfer.self_train import self_train

UMSAB = {"english": "en", "german": "de", "french": "fr", "spanish": "es"}
NAMES = {"0": "negative", "1": "neutral", "2": "positive"}
NTREX_LINES = 500
KEY = ("task", "method", "encoder", "k", "language")
Texts = dict[str, list[Record]]


def read_sib200(split: str) -> Texts:
    return {
        base_code(folder.name): list(_sib200_file(folder / f"{split}.tsv"))
        for folder in sorted((data_folder() / "sib200").iterdir())
        if folder.is_dir()
    }


def _sib200_file(path: Path) -> Iterator[Record]:
    with path.open(encoding="utf8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield Record(row["text"], (row["category"],), base_code(path.parent.name), str(path))


def read_umsab(split: str) -> Texts:
    found: Texts = {}
    for name, code in UMSAB.items():
        folder = data_folder() / "umsab" / name
        texts, labels = (
            (folder / f"{split}_{what}.txt").read_text(encoding="utf8").splitlines() for what in ("text", "labels")
        )
        found[code] = [Record(text, (NAMES[label],), code, str(folder)) for text, label in zip(texts, labels)]
    return found


def read_sst2_de(split: str) -> Texts:
    """Return English film reviews and German tweets without the neutral ones."""
    german = [
        record for record in read_umsab("val" if split == "dev" else split)["de"] if record.labels != ("neutral",)
    ]
    with (data_folder() / "sst2" / f"{split}.csv").open(encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = {"0": "negative", "1": "positive"}
    return {"en": [Record(row["sentence"], (labels[row["label"]],), "en", split) for row in rows], "de": german}


def read_task(task: str) -> tuple[Texts, Texts, Texts]:
    """Return the training, development and test texts by language."""
    if task == "sib200":
        return read_sib200("train"), read_sib200("dev"), read_sib200("test")
    if task == "umsab":
        return read_umsab("train"), read_umsab("val"), read_umsab("test")
    return read_sst2_de("train"), read_sst2_de("dev"), read_sst2_de("test")


def unlabeled(task: str, train_texts: Texts, dev: Texts) -> dict[str, list[str]]:
    """Return unlabeled texts: the development texts, and lines of NTREX (SIB-200) or training texts of the targets."""
    texts = {code: [record.text for record in records] for code, records in dev.items()}
    if task == "sib200":
        for code, lines in read_ntrex().items():
            texts[code] += lines[:NTREX_LINES]
    else:
        # Without their labels.
        for code, records in train_texts.items():
            texts[code] += [record.text for record in records[:NTREX_LINES]]
    return texts


def ntrex_pairs(targets: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Return {target language: [(English line, its translation)]}."""
    lines = read_ntrex()
    return {code: list(zip(lines["en"], lines[code], strict=True)) for code in targets}


def start_model(task: str, encoder: str, train_texts: Texts, dev: Texts, texts: dict[str, list[str]]) -> Language:
    """Return the zero-shot model: that of the workflow (SIB-200), or one that is trained once and kept in training/."""
    if task == "sib200":
        folder = PROJECT / "training" / ("sib200" if encoder == "frozen" else "sib200-finetuned") / "transfer"
        return spacy.load(folder)
    folder = PROJECT / "training" / f"{task}-{encoder}"
    if not (folder / "config.cfg").is_file():
        method: Any = "frozen" if encoder == "frozen" else "finetune"
        nlp = train(train_texts["en"], dev=dev["en"], method=method, languages=sorted(dev))
        project(nlp, texts)
        save(nlp, folder)
    return spacy.load(folder)


def choose(records: Sequence[Record], k: int, seed: int) -> list[Record]:
    """Return k different texts of each label, or all if there are fewer."""
    distinct = list({record.text.strip(): record for record in records}.values())
    # Each language has its own draw, because some texts are translations of each other.
    chance = np.random.default_rng([seed, *records[0].language.encode()])
    chosen: list[Record] = []
    for label in sorted({record.labels for record in distinct}):
        rows = [i for i, record in enumerate(distinct) if record.labels == label]
        chosen += [distinct[row] for row in chance.permutation(rows)[:k]]
    return chosen


def measure(nlp: Language, task: str, test: Texts) -> dict[str, float]:
    """Return the accuracy (SIB-200) or macro-F1 of each language, and the mean of the target languages."""
    labels = head_labels(nlp)
    figure: Any = accuracy if task == "sib200" else macro_f1
    found = {}
    for code, records in test.items():
        docs = nlp.pipe(record.text for record in records)
        predicted = np.array([labels.index(max(doc.cats, key=doc.cats.__getitem__)) for doc in docs])
        found[code] = float(figure(np.array([labels.index(record.labels[0]) for record in records]), predicted))
    found["mean"] = float(np.mean([value for code, value in found.items() if code != "en"]))
    return found


def run(
    nlp: Language, method: str, tune: Any, data: tuple[Texts, Texts], texts: dict[str, list[str]], k: int, seed: int
) -> Iterator[tuple[str, str]]:
    """Run a method in place. Yield (suffix of the method's name, reason) for each model to be evaluated."""
    train_texts, dev = data
    targets = [code for code in dev if code != "en"]
    dev_records = [record for records in dev.values() for record in records]
    english = train_texts["en"]
    if method == "few-shot":
        target = [record for code in targets for record in choose(train_texts.get(code, []) or dev[code], k, seed)]
        if tune == "frozen":
            yield "", few_shot(nlp, target, source=english, dev=dev_records, seed=seed, progress=True).reason
            return
        start = take_snapshot(nlp)
        result = few_shot(nlp, target, source=english, method=tune, seed=seed, progress=True)
        yield ", no dev texts", result.reason
        # Training the encoder does not use development data, so the trained model is tested here as `few_shot` does.
        trained = take_snapshot(nlp)
        restore(nlp, start)

        def change() -> dict[str, Any]:
            restore(nlp, trained)
            return result.settings

        yield "", accept_if_not_worse(nlp, method, change, dev=dev_records, data={}, halve=True).reason
    elif method == "self-train":
        only = {code: texts[code] for code in targets}
        yield "", self_train(nlp, only, source=english, dev=dev["en"], method=tune, seed=seed, progress=True).reason
    elif method == "translations":
        lines = {"en": [record.text for record in english]}
        result = distill(nlp, lines, translations=ntrex_pairs(targets), dev=dev_records, seed=seed, progress=True)
        yield "", result.reason
    else:
        lines = {code: of_code[:NTREX_LINES] for code, of_code in texts.items()}
        lines["en"] = [record.text for record in english] + lines["en"]
        result = distill(nlp, lines, layers=count_layers(nlp) // 2, dev=dev_records, seed=seed, progress=True)
        yield "", result.reason


def static_students(nlp: Language, test: Texts) -> dict[str, dict[str, float]]:
    """Return the figures of two static students that learned from the same texts and vectors."""
    transfer_set = make_transfer_set(nlp, unlabelled_texts(), progress=True)
    found = {}
    for name, soft_labels in (("static student, vectors alone", False), ("static student", True)):
        exported, facts = with_student(nlp, transfer_set, soft_labels=soft_labels, progress=True)
        print(name, facts, flush=True)
        found[name] = measure(exported, "sib200", test)
    return found


def docs_per_second(nlp: Language, test: Texts) -> float:
    """Return the speed of the pipeline on all test texts without cached vectors: the better of two runs."""
    encoder = find_pipe(nlp, Encoder)
    texts = [record.text for records in test.values() for record in records]
    found = []
    for _ in range(2):
        encoder.forget()
        start = perf_counter()
        for _ in nlp.pipe(texts):
            pass
        found.append(len(texts) / (perf_counter() - start))
    return max(found)


def rows_of(
    task: str, method: str, encoder: str, k: int, runs: Sequence[dict[str, float]], speedups: Sequence[float] = ()
) -> list[dict[str, Any]]:
    """Return the rows of several seeds. speedups: texts per second divided by those of the start model."""
    speed = {"speedup": round(float(np.mean(speedups)), 2)} if speedups else {}
    return [
        {
            "task": task, "method": method, "encoder": encoder, "k": k, "language": code,
            "mean": round(float(np.mean([one[code] for one in runs])), 4),
            "std": round(float(np.std([one[code] for one in runs])), 4),
            "seeds": len(runs), **speed,
        }
        for code in runs[0]
    ]  # fmt: skip


def merge(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return these rows and those of the results file that they do not replace."""
    path = RESULTS / "transfer.json"
    old = json.loads(path.read_text(encoding="utf8"))["rows"] if path.is_file() else []
    new = {tuple(row[key] for key in KEY) for row in rows}
    return [*(row for row in old if tuple(row[key] for key in KEY) not in new), *rows]


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return a Markdown table with a line for each task, encoder, method and k. Zero-shot comes first."""
    groups: dict[tuple[Any, ...], dict[str, dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in KEY[:4]), {})[row["language"]] = row
    lines = [
        "| task | start | method | labels per class | English | mean of targets | lowest | seeds |",
        "|---" * 8 + "|",
    ]
    for (task, method, encoder, k), found in sorted(groups.items(), key=lambda item: (*_order(item[0]),)):
        targets = {code: row for code, row in found.items() if code not in ("en", "mean")}
        lowest = min(targets, key=lambda code: targets[code]["mean"])
        mean = found["mean"]
        if "speedup" in mean:
            method += f" ({mean['speedup']}x docs/s)"
        lines.append(
            f"| {task} | {encoder} | {method} | {k} | {found['en']['mean']:.3f} "
            f"| {mean['mean']:.3f} ±{mean['std']:.3f} "
            f"| {targets[lowest]['mean']:.3f} ({lowest}) | {mean['seeds']} |"
        )
    return (
        "\n".join(lines) + "\n\nAccuracy (SIB-200) or macro-F1 on test texts. ± is the standard deviation over seeds."
    )


def _order(key: tuple[Any, ...]) -> tuple[Any, ...]:
    task, method, encoder, k = key
    return task, encoder, method != "zero-shot", method, k


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="sib200")
    parser.add_argument("--methods", default="few-shot,self-train")
    parser.add_argument("--encoders", default="frozen,finetuned")
    parser.add_argument("--tune", default="frozen", choices=["frozen", "finetune"])
    parser.add_argument("--k", default="4,16,64")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--targets", default="", help="few-shot labels and development data of these languages only, as sw,hi"
    )
    options = parser.parse_args()
    if options.targets and options.methods != "few-shot":
        parser.error("--targets is for --methods few-shot")
    for task in options.tasks.split(","):
        train_texts, dev, test = read_task(task)
        texts = unlabeled(task, train_texts, dev)
        wanted = {"en", *options.targets.split(",")} if options.targets else set(dev)
        given = {code: records for code, records in dev.items() if code in wanted}
        for encoder in options.encoders.split(","):
            nlp = start_model(task, encoder, train_texts, dev, texts)
            # The cache holds all texts, so a frozen encoder embeds each of them once.
            find_pipe(nlp, Encoder)._cache.size = 100_000
            start = take_snapshot(nlp)
            rows = rows_of(task, "zero-shot", encoder, 0, [measure(nlp, task, test)])
            write(merge(rows))
            for method in options.methods.split(","):
                if method == "static":
                    for name, figures in static_students(nlp, test).items():
                        write(merge(rows_of(task, name, encoder, 0, [figures])))
                    continue
                tuned = options.tune == "finetune" and method in ("few-shot", "self-train")
                name = f"{method}, encoder too" if tuned else method
                name += f", {options.targets} only" if options.targets else ""
                for k in map(int, options.k.split(",")) if method == "few-shot" else [0]:
                    runs: dict[str, list[dict[str, float]]] = {}
                    speedups: list[float] = []
                    for seed in range(options.seeds):
                        for suffix, reason in run(nlp, method, options.tune, (train_texts, given), texts, k, seed):
                            figures = measure(nlp, task, test)
                            runs.setdefault(name + suffix, []).append(figures)
                            print(f"{task} {encoder} {name}{suffix} k={k} seed={seed}: {reason} {figures}", flush=True)
                        student_speed = docs_per_second(nlp, test) if method == "distill" else None
                        restore(nlp, start)
                        if student_speed is not None:
                            speedups.append(student_speed / docs_per_second(nlp, test))
                        # After each seed, so that a killed run keeps its results.
                        of_runs = [rows_of(task, of_name, encoder, k, each, speedups) for of_name, each in runs.items()]
                        write(merge([row for rows in of_runs for row in rows]))


def write(rows: list[dict[str, Any]]) -> None:
    write_results("transfer", {"rows": rows}, table(rows))


if __name__ == "__main__":
    main()

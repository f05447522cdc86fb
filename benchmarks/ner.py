"""Named entities trained in English and found in four other languages, by three systems on the same encoder.

    python benchmarks/ner.py [SEEDS [SYSTEM ...]]            # default: 1, all systems

Rows of other systems stay in the results, so the benchmark can be run in parts: `ours`, `spacy`, `plain`.

Trained on the 2,001 English sentences of Universal NER's EWT, tested on German and Russian (PUD), Croatian (SET) and
Chinese (GSD). The systems are `xlt.train(task="ner")`; spaCy's `ner` with configs/ner.cfg; and a plain loop over
transformers' `AutoModelForTokenClassification` with its usual settings. Each reads the data 4 times in batches of 16.
All settings of ours were chosen on the English development data. A span counts if its start, end and type are correct.
spaCy and the plain loop get the gold tokens of the test data, because they label tokens; ours gets the text. The type
OTH of the Croatian data, which the training data lack, is left out. Writes benchmarks/results/ner.{json,md}.
"""

import io
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Any

import numpy as np
import spacy
import torch
from common import PROJECT, RESULTS, data_folder, write_results
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_nlp

from spacy_xlt import export
from spacy_xlt.data.docbin import write_docbin
from spacy_xlt.data.entities import EntityRecord, load_entities
from spacy_xlt.data.entity_tags import Entity, Span, entities_of_tags
from spacy_xlt.encoders.folder import default_folder
from spacy_xlt.evaluation.entities import entity_figures
from spacy_xlt.tasks.entities import bio_labels
from spacy_xlt.training.ner import train_ner

TEST = ("de", "ru", "hr", "zh")
TYPES = ["LOC", "ORG", "PER"]
LABELS = bio_labels(TYPES)
EPOCHS, BATCH, RATE = 4, 16, 5e-5
Found = list[list[Entity]]


def read(name: str) -> list[EntityRecord]:
    """The sentences of a file, with entities of the types of the training data only."""
    records = load_entities(data_folder() / "uner" / f"{name}.iob2", language=name[:2])
    return [
        EntityRecord(each.text, tuple(e for e in each.entities if e.label in TYPES), each.language, each.location)
        for each in records
    ]


def tokens_of(name: str) -> list[list[str]]:
    """The gold tokens of each sentence of a file."""
    blocks = (data_folder() / "uner" / f"{name}.iob2").read_text(encoding="utf8").strip().split("\n\n")
    return [[line.split("\t")[1] for line in block.splitlines() if not line.startswith("#")] for block in blocks]


def place(text: str, tokens: Sequence[str]) -> list[Span]:
    """The start and end of each token."""
    spans, start = [], 0
    for token in tokens:
        start = text.index(token, start)
        spans.append((start, start + len(token)))
        start += len(token)
    return spans


def tags_of(record: EntityRecord, spans: Sequence[Span]) -> list[str]:
    """The BIO tag of each token."""
    tags = []
    for start, end in spans:
        entity = next((e for e in record.entities if start < e.end and end > e.start), None)
        tags.append("O" if entity is None else f"{'B' if entity.start >= start else 'I'}-{entity.label}")
    return tags


def gold_docs(nlp: Language, records: Sequence[EntityRecord], tokens: Sequence[Sequence[str]]) -> list[Doc]:
    """Docs with gold tokens and entities."""
    docs = []
    for record, words in zip(records, tokens):
        spans = place(record.text, words)
        after = [*(start for start, _ in spans[1:]), spans[-1][1]]
        doc = Doc(nlp.vocab, words=list(words), spaces=[end < start for (_, end), start in zip(spans, after)])
        tags = tags_of(record, spans)
        doc.set_ents([
            span
            for entity in entities_of_tags([(token.idx, token.idx + len(token)) for token in doc], tags)
            if (span := doc.char_span(entity.start, entity.end, label=entity.label)) is not None
        ])  # fmt: skip
        docs.append(doc)
    return docs


class Ours:
    name = "xlt.train(task='ner')"

    def train(self, seed: int) -> None:
        self.nlp = train_ner(read("en.train"), languages=["en", *TEST], seed=seed, progress=False)

    def find(self, records: Sequence[EntityRecord], tokens: Sequence[Sequence[str]]) -> Found:
        return [[Entity(**e) for e in doc._.xlt_entities] for doc in self.nlp.pipe(record.text for record in records)]


class OursInt8(Ours):
    name = "xlt.train(task='ner'), 8 bits"

    def __init__(self, ours: Ours) -> None:
        self.ours = ours

    def train(self, seed: int) -> None:
        self.nlp = export(self.ours.nlp, preset="balanced", progress=False)


class SpacyNer:
    name = "spaCy's ner, configs/ner.cfg"

    def train(self, seed: int) -> None:
        blank = spacy.blank("xx")
        with tempfile.TemporaryDirectory() as scratch:
            for part in ("train", "dev"):
                docs = gold_docs(blank, read(f"en.{part}"), tokens_of(f"en.{part}"))
                write_docbin(docs if part == "train" else docs[:200], Path(scratch) / f"{part}.spacy")
            overrides = {
                "paths.train": f"{scratch}/train.spacy",
                "paths.dev": f"{scratch}/dev.spacy",
                "system.seed": seed,
            }
            nlp = init_nlp(util.load_config(PROJECT / "configs" / "ner.cfg", overrides=overrides, interpolate=False))
            (Path(scratch) / "model").mkdir()
            train_nlp(nlp, Path(scratch) / "model", stdout=io.StringIO(), stderr=io.StringIO())
            self.nlp = spacy.load(Path(scratch) / "model" / "model-last")

    def find(self, records: Sequence[EntityRecord], tokens: Sequence[Sequence[str]]) -> Found:
        result = []
        docs = gold_docs(self.nlp, records, tokens)
        for doc in docs:
            doc.ents = []  # spaCy's ner keeps the entities that a Doc has.
        for doc, record, words in zip(self.nlp.pipe(docs), records, tokens):
            spans = place(record.text, words)
            result.append([Entity(spans[e.start][0], spans[e.end - 1][1], e.label_) for e in doc.ents])
        return result


class PlainLoop:
    name = "plain transformers loop"

    def __init__(self) -> None:
        from transformers import AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(str(default_folder()))

    def train(self, seed: int) -> None:
        from transformers import AutoModelForTokenClassification, get_linear_schedule_with_warmup

        torch.manual_seed(seed)
        self.model: Any = AutoModelForTokenClassification.from_pretrained(str(default_folder()), num_labels=len(LABELS))
        self.model.train()
        records, tokens = read("en.train"), tokens_of("en.train")
        gold = [[LABELS.index(tag) for tag in tags_of(r, place(r.text, t))] for r, t in zip(records, tokens)]
        steps = EPOCHS * -(-len(records) // BATCH)
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=RATE, weight_decay=0.01)
        schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
        chance = np.random.default_rng(seed)
        for _ in range(EPOCHS):
            order = chance.permutation(len(records))
            for start in range(0, len(order), BATCH):
                rows = order[start : start + BATCH]
                batch, words = self.batch([tokens[row] for row in rows])
                labels = torch.full(batch["input_ids"].shape, -100)
                for place_, row in enumerate(rows):
                    for piece, word in words[place_]:
                        labels[place_, piece] = gold[row][word]
                with torch.autocast("cpu", torch.bfloat16):
                    loss = self.model(**batch, labels=labels).loss
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
        self.model.eval()

    def batch(self, tokens: Sequence[Sequence[str]]) -> tuple[Any, list[list[tuple[int, int]]]]:
        """A batch, and for each text the first word piece of each word."""
        batch = self.tokenizer(
            [list(words) for words in tokens], is_split_into_words=True, padding=True, truncation=True, max_length=512,
            return_tensors="pt",
        )  # fmt: skip
        firsts = []
        for row in range(len(tokens)):
            seen: dict[int, int] = {}
            for piece, word in enumerate(batch.word_ids(row)):
                if word is not None:
                    seen.setdefault(word, piece)
            firsts.append([(piece, word) for word, piece in seen.items()])
        batch.pop("token_type_ids", None)
        return batch, firsts

    def find(self, records: Sequence[EntityRecord], tokens: Sequence[Sequence[str]]) -> Found:
        result = []
        for start in range(0, len(records), BATCH):
            batch, firsts = self.batch(tokens[start : start + BATCH])
            with torch.inference_mode():
                best = self.model(**batch).logits.argmax(dim=2).numpy()
            for row, record in enumerate(records[start : start + BATCH]):
                words = tokens[start + row]
                tags = ["O"] * len(words)
                for piece, word in firsts[row]:
                    tags[word] = LABELS[best[row, piece]]
                result.append(entities_of_tags(place(record.text, words), tags))
        return result


def main(seeds: int = 1, *names: str) -> None:
    ours = Ours()
    systems: dict[str, list[Any]] = {"ours": [ours, OursInt8(ours)], "spacy": [SpacyNer()], "plain": [PlainLoop()]}
    test = {name: (read(f"{name}.test"), tokens_of(f"{name}.test")) for name in TEST}
    test = {"en": (read("en.dev"), tokens_of("en.dev")), **test}
    results = RESULTS / "ner.json"
    rows: list[dict[str, Any]] = json.loads(results.read_text())["rows"] if names and results.is_file() else []
    for system in [each for name in names or systems for each in systems[name]]:
        figures: dict[str, list[float]] = {name: [] for name in test}
        seconds, speeds = [], []
        intervals: dict[str, Any] = {}
        for seed in range(seeds):
            start = perf_counter()
            system.train(seed)
            seconds.append(perf_counter() - start)
            start = perf_counter()
            for name, (records, tokens) in test.items():
                found = entity_figures([record.entities for record in records], system.find(records, tokens))
                figures[name].append(found.scores["f1"])
                intervals[name] = found.ci95["f1"]
            speeds.append(sum(len(records) for records, _ in test.values()) / (perf_counter() - start))
        means = {name: mean(values) for name, values in figures.items()}
        row = {
            "system": system.name,
            "seconds": round(mean(seconds), 1),
            "docs_per_second": round(mean(speeds), 1),
            "f1": {name: [round(value, 4) for value in values] for name, values in figures.items()},
            "ci95_of_last_seed": intervals,
            "mean_of_targets": round(mean(means[name] for name in TEST), 4),
        }
        print(row, flush=True)
        rows = [*(other for other in rows if other["system"] != system.name), row]
    head = "| System | English dev | German | Russian | Croatian | Chinese | mean of the four | seconds | texts/s |\n"
    lines = [
        f"| {row['system']} | "
        + " | ".join(f"{mean(row['f1'][name]):.3f}" for name in test)
        + f" | {row['mean_of_targets']:.3f} | {row['seconds']:.0f} | {row['docs_per_second']:.0f} |"
        for row in rows
    ]
    table = f"{head}|---{'|---:' * 8}|\n" + "\n".join(lines)
    note = f"\n\nF1 of spans. Mean of {seeds} seed(s). Seconds of training; of the export in the row with 8 bits."
    write_results("ner", {"rows": rows, "seeds": seeds}, table + note)


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["1"])[0]), *sys.argv[2:])

"""Documents per second of `xlt_encoder` beside raw torch and spacy-transformers, in one process on the same texts.

    python benchmarks/encode.py

816 SIB-200 sentences (the English, German, Arabic and Chinese test texts), the default encoder, no cache:
  ours          nlp.pipe with xlt_encoder: tokenizing, pooling, Docs and all
  torch         the same model in sorted batches of 16, tokenized by transformers, mean-pooled: what one writes by hand
  spacy-transformers   nlp.pipe with its `transformer` component on the same folder
Rounds alternate between the three, so that a busy machine slows all alike; the medians are compared.
Writes benchmarks/results/encode.{json,md}.
"""

import csv
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import spacy
import torch
from common import data_folder, write_results
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer

from spacy_xlt.encoders.folder import default_folder

FOLDERS = ("eng_Latn", "deu_Latn", "arb_Arab", "zho_Hans")
ROUNDS = 3
BATCH = 16


def read_texts() -> list[str]:
    texts = []
    for folder in FOLDERS:
        file = data_folder() / "sib200" / folder / "test.tsv"
        if not file.is_file():
            sys.exit(f"✘ {file} is missing: set SPACY_XLT_DATA to the folder of the benchmark data.")
        with file.open(encoding="utf8", newline="") as lines:
            texts += [row["text"] for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]
    return texts


def ours(texts: list[str]) -> Callable[[], np.ndarray]:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_encoder", config={"cache_size": 0})
    return lambda: np.array([doc._.xlt_embedding for doc in nlp.pipe(texts)])


def raw_torch(texts: list[str]) -> Callable[[], np.ndarray]:
    tokenizer = AutoTokenizer.from_pretrained(default_folder())
    model = AutoModel.from_pretrained(default_folder(), add_pooling_layer=False).eval()

    @torch.inference_mode()
    def run() -> np.ndarray:
        encoded = tokenizer([f"query: {text}" for text in texts], truncation=True, max_length=512)["input_ids"]
        order = sorted(range(len(texts)), key=lambda i: len(encoded[i]))
        vectors = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            batch = tokenizer.pad({"input_ids": [encoded[i] for i in rows]}, return_tensors="pt")
            states = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1).to(states.dtype)
            pooled = (states * mask).sum(1) / mask.sum(1)
            vectors[rows] = torch.nn.functional.normalize(pooled, dim=1).numpy()
        return vectors

    return run


def spacy_transformers(texts: list[str]) -> Callable[[], Any]:
    nlp = spacy.blank("xx")
    model = {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": str(default_folder()),
        "get_spans": {"@span_getters": "spacy-transformers.doc_spans.v1"},
        "tokenizer_config": {"use_fast": True},
    }
    nlp.add_pipe("transformer", config={"model": model})
    nlp.initialize()
    return lambda: [doc._.trf_data for doc in nlp.pipe(texts)]


def main() -> None:
    texts = read_texts()
    systems = {"ours": ours(texts), "torch": raw_torch(texts), "spacy-transformers": spacy_transformers(texts)}
    # The first run of each warms up; the vectors of the two that pool alike must agree.
    warm = {name: run() for name, run in systems.items()}
    cosine = float((warm["ours"] * warm["torch"]).sum(axis=1).min())
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    for _ in tqdm(range(ROUNDS), desc="Rounds"):
        for name, run in systems.items():
            start = perf_counter()
            run()
            seconds[name].append(perf_counter() - start)
    rates = {name: len(texts) / median(values) for name, values in seconds.items()}
    spreads = {name: (max(values) - min(values)) / median(values) for name, values in seconds.items()}
    rows = [
        {
            "system": name,
            "docs_per_s": round(rates[name], 1),
            "spread": round(spreads[name], 3),
            "ours_is_faster_by": round(rates["ours"] / rates[name], 2),
        }
        for name in systems
    ]
    head = "| system | docs/s | spread of rounds | ours / it |\n|---|---|---|---|\n"
    lines = [f"| {r['system']} | {r['docs_per_s']} | {r['spread']:.0%} | {r['ours_is_faster_by']} |" for r in rows]
    note = f"\n\n{len(texts)} texts, {ROUNDS} rounds, medians; smallest cosine of ours and torch {cosine:.6f}."
    write_results("encode", {"rows": rows, "texts": len(texts), "cosine": cosine}, head + "\n".join(lines) + note)


if __name__ == "__main__":
    main()

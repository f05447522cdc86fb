"""Long texts: what it costs and saves to read only some windows of them, at inference and in fine-tuning.

    python benchmarks/long_texts.py [ARTICLES]

The texts are news articles of MasakhaNEWS: English training articles, and development articles in English, Swahili,
Hausa, Amharic and French, at most ARTICLES (default 240) evenly spread over each file.

Reading: the default encoder embeds the articles with windows of different lengths and numbers. A logistic regression on
the English training articles is scored on the development articles. The vectors of each other language are centered on
the English mean, as the projector does it. The encoder computes in bfloat16 where the CPU has it.

Fine-tuning: `xlt.train(method="finetune")` with different `max_length` on the training articles, scored on the
development articles, in a process of its own for each, whose peak memory is reported.
Writes benchmarks/results/long_texts.{json,md}.
"""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from time import perf_counter
from typing import Any, Optional

import numpy as np
from common import data_folder, peak_mb, write_results
from sklearn.linear_model import LogisticRegression

from spacy_xlt import train
from spacy_xlt.encoders.folder import default_folder
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.evaluation.evaluate import evaluate_classifier

# (window, max_windows); None reads everything.
SETTINGS: tuple[tuple[int, Optional[int]], ...] = (
    (512, None),
    (512, 1),
    (256, 1),
    (128, 2),
    (96, 3),
    (64, 4),
    (128, 4),
)
OTHERS = ("swa.dev", "hau.dev", "amh.dev", "fra.dev")
MAX_LENGTHS = (128, 512)
# As benchmarks/logistic.py: not chosen on these data.
C = 10.0


def read_articles(name: str, most: int) -> list[tuple[str, str]]:
    """(text, category) of at most so many articles of a file."""
    with (data_folder() / "masakhanews" / f"{name}.tsv").open(encoding="utf8", newline="") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file, delimiter="\t")]
    chosen = sorted(set(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int).tolist()))
    return [rows[index] for index in chosen]


def reading(articles: int) -> list[dict[str, Any]]:
    """Accuracy and seconds of each setting of the windows."""
    encoder = TorchEncoder(bfloat16=True)
    encoder.load(default_folder())
    parts = {name: read_articles(name, articles) for name in ("eng.train", "eng.dev", *OTHERS)}
    gold = {name: np.array([label for _, label in part]) for name, part in parts.items()}
    rows = []
    for window, max_windows in SETTINGS:
        settings = replace(encoder.settings, window=window, max_windows=max_windows)
        encoder.set_model(encoder.model, encoder.tokenizer_json, settings)
        start = perf_counter()
        vectors = {name: encoder.encode([text for text, _ in part]) for name, part in parts.items()}
        seconds = perf_counter() - start
        head = LogisticRegression(C=C, max_iter=1000).fit(vectors["eng.train"], gold["eng.train"])
        for name in OTHERS:
            vectors[name] += vectors["eng.train"].mean(axis=0) - vectors[name].mean(axis=0)
        accuracy = {name: float((head.predict(vectors[name]) == gold[name]).mean()) for name in ("eng.dev", *OTHERS)}
        row = {
            "window": window,
            "max_windows": max_windows,
            "articles_per_second": round(sum(map(len, parts.values())) / seconds, 1),
            "english": round(accuracy["eng.dev"], 4),
            "others": round(float(np.mean([accuracy[name] for name in OTHERS])), 4),
        }
        rows.append(row)
        print(row, flush=True)
    return rows


def finetuning(articles: int, max_length: int) -> dict[str, Any]:
    """Accuracy, seconds and peak memory of fine-tuning."""
    start = perf_counter()
    dev = read_articles("eng.dev", articles)
    nlp = train(read_articles("eng.train", articles), dev=dev, method="finetune", max_length=max_length, progress=False)
    seconds = perf_counter() - start
    peak = peak_mb()
    report = evaluate_classifier(nlp, dev, language="en", progress=False)
    return {
        "max_length": max_length,
        "seconds": round(seconds),
        "peak_mb": round(peak),
        "accuracy": round(report.languages["en"].accuracy, 4),
    }


def main(articles: int = 240) -> None:
    read = reading(articles)
    tuned = []
    for max_length in MAX_LENGTHS:
        command = [sys.executable, __file__, str(articles), str(max_length)]
        tuned.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        print(tuned[-1], flush=True)
    everything = read[0]["articles_per_second"]
    lines = ["| window | windows | times as fast | English | mean of 4 others |", "|---|---|---|---|---|"]
    for row in read:
        ratio = row["articles_per_second"] / everything
        windows = row["max_windows"] or "all"
        lines.append(f"| {row['window']} | {windows} | {ratio:.1f} | {row['english']:.3f} | {row['others']:.3f} |")
    lines += ["", "| max_length | seconds | peak MB | accuracy |", "|---|---|---|---|"]
    lines += [f"| {row['max_length']} | {row['seconds']} | {row['peak_mb']} | {row['accuracy']:.3f} |" for row in tuned]
    texts = read_articles("eng.train", articles)
    mean_length = np.mean([len(text) for text, _ in texts])
    note = (
        f"\n\n{len(texts)} training articles of {mean_length:.0f} characters in the mean, "
        f"{len(read_articles('eng.dev', articles))} development articles. The first table: frozen encoder; the second: "
        "fine-tuned, from the articles to the pipeline."
    )
    write_results("long_texts", {"reading": read, "finetuning": tuned}, "\n".join(lines) + note)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(finetuning(int(sys.argv[1]), int(sys.argv[2]))))
    else:
        main(*map(int, sys.argv[1:]))

"""News in African languages: a model that is trained on English articles, and what unlabeled articles add.

    python benchmarks/masakhanews.py [METHOD ...]        # default: frozen finetune

The model learns from the 948 English training articles of MasakhaNEWS, and half of the English development articles
choose its settings. It classifies the other half, and the test articles in Swahili, Hausa, Amharic and French,
which have other shares of the labels:

- `no projection`: the model as it is;
- `projected`: `xlt.project` with the development articles of each language, without their labels;
- `prior corrected`: the shares of the labels in a language are estimated from the predictions for the test articles
  by expectation maximization (Saerens et al. 2002), and the probabilities are corrected for them.

Writes benchmarks/results/masakhanews.{json,md}.
"""

import csv
import sys
from statistics import mean
from typing import Any

import numpy as np
from common import data_folder, write_results
from numpy.typing import NDArray
from spacy.language import Language

from spacy_xlt import load_dataset, project, train
from spacy_xlt.data.records import Record
from spacy_xlt.evaluation.metrics import accuracy, macro_f1
from spacy_xlt.heads.losses import log_probabilities
from spacy_xlt.training.model_state import get_layer, head_labels, make_features
from spacy_xlt.training.trainer import trainable_encoder
from spacy_xlt.transfer.label_shift import estimate_prior, shift

LANGUAGES = {"eng": "en", "swa": "sw", "hau": "ha", "amh": "am", "fra": "fr"}


def read(name: str, part: str) -> list[Record]:
    """The articles of a file: headline and text."""
    with (data_folder() / "masakhanews" / f"{name}.{part}.tsv").open(encoding="utf8", newline="") as file:
        rows = [(f"{row['headline']}\n{row['text']}", row["category"]) for row in csv.DictReader(file, delimiter="\t")]
    return load_dataset(rows, language=LANGUAGES[name]).records


def probabilities(nlp: Language, records: list[Record]) -> NDArray[np.float64]:
    scores = get_layer(nlp)(make_features(nlp, records)).astype(np.float64)
    return log_probabilities(scores, exclusive=True)[1]


def figures(predicted: NDArray[np.float64], records: list[Record], labels: list[str]) -> dict[str, float]:
    """Accuracy and macro-F1. A label that the English articles do not have is always wrong."""
    names = [*labels, *sorted({record.labels[0] for record in records} - set(labels))]
    gold = np.array([names.index(record.labels[0]) for record in records])
    rows = predicted.argmax(axis=1)
    return {"accuracy": round(float(accuracy(gold, rows)), 4), "macro_f1": round(float(macro_f1(gold, rows)), 4)}


def measure(nlp: Language, test: dict[str, list[Record]], prior: NDArray[np.float64]) -> list[dict[str, Any]]:
    """The figures of each language, from the probabilities as they are and corrected for the prior."""
    labels = head_labels(nlp)
    plain, corrected = {}, {}
    for code, records in test.items():
        predicted = probabilities(nlp, records)
        plain[code] = figures(predicted, records, labels)
        corrected[code] = figures(shift(predicted, prior, estimate_prior(predicted, prior)), records, labels)
    return [plain, corrected]


def main(*methods: str) -> None:
    english, held_out = read("eng", "train"), read("eng", "dev")
    # There is no English test file: every other development article is a test article.
    dev = held_out[::2]
    test = {code: held_out[1::2] if code == "en" else read(name, "test") for name, code in LANGUAGES.items()}
    adapt = {code: [record.text for record in read(name, "dev")] for name, code in LANGUAGES.items() if code != "en"}
    rows: list[dict[str, Any]] = []
    for method in methods or ("frozen", "finetune"):
        nlp = train(english, dev=dev, method=method, progress=False)  # type: ignore[arg-type]
        shares = [sum(record.labels[0] == label for record in english) / len(english) for label in head_labels(nlp)]
        prior = np.array(shares)
        # In bfloat16 where the CPU has it, which is twice as fast.
        trainable_encoder(nlp).bfloat16 = True
        for step in ("no projection", "projected"):
            if step == "projected":
                project(nlp, adapt, progress=False)
            for way, of_way in zip((step, f"{step}, prior corrected"), measure(nlp, test, prior)):
                others = [of_way[code] for code in of_way if code != "en"]
                means = {name: round(mean(each[name] for each in others), 4) for name in ("accuracy", "macro_f1")}
                rows.append({"method": method, "way": way, "languages": of_way, "mean": means})
                print(rows[-1], flush=True)
    codes = [code for code in LANGUAGES.values() if code != "en"]
    lines = [
        f"| {row['method']} | {row['way']} | {row['languages']['en']['accuracy']:.3f} | "
        + " | ".join(f"{row['languages'][code]['accuracy']:.3f}" for code in codes)
        + f" | **{row['mean']['accuracy']:.3f}** | {row['mean']['macro_f1']:.3f} |"
        for row in rows
    ]
    head = f"| training | way | en | {' | '.join(codes)} | mean of {len(codes)} | macro-F1 |\n"
    head += "|---" * (5 + len(codes)) + "|\n"
    counts = ", ".join(f"{code} {len(of_code)}" for code, of_code in adapt.items())
    note = f"\n\nAccuracy on test articles; macro-F1 is the mean of the same languages. Unlabeled articles: {counts}."
    write_results("masakhanews", {"rows": rows}, head + "\n".join(lines) + note)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Zero-shot classification by descriptions of the labels: accuracy on SIB-200 (14 languages) and on the tickets (13).

    python benchmarks/descriptions.py [--cache EMBEDDINGS.npz] [--entailment FOLDER]

The labels are described in configs/labels. `descriptions` uses nothing else. `centered` centers each language on
unlabeled texts, and `sharpened` also moves the prototypes towards these texts: the 99 development sentences of each
language of SIB-200, and 64 unlabeled tickets of each language. `shares given` knows that all labels are equally
frequent, as the data card of the tickets says. The labels of the development sentences chose the method and its
constants. The descriptions of the tickets were rewritten once, after errors on English training tickets and a first run
on the test tickets. If SIB200_LLM names the folder `llm-results` of the repository dadelani/sib-200, the answers stored
there, of GPT-3.5 and GPT-4, are scored by the label that they name first. FOLDER is a model of pairs of texts, such as
training/xnli/int8 of `spacy project run xnli`: it scores whether a sentence entails each description.
Embeddings are kept in EMBEDDINGS.npz. Writes benchmarks/results/descriptions.{json,md}.
"""

import argparse
import csv
import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple, Optional

import numpy as np
import spacy
from common import PROJECT, data_folder, write_results
from numpy.typing import NDArray

from spacy_xlt import Dataset, zero_shot
from spacy_xlt.heads.layer import Layer, probabilities_of
from spacy_xlt.vectors import unit_rows
from spacy_xlt.zeroshot.descriptions import describe_prototypes
from spacy_xlt.zeroshot.labels import DescribedLabel, read_labels
from spacy_xlt.zeroshot.mixture import sharpen

LABELS = PROJECT / "configs" / "labels"
TICKETS = PROJECT / "corpus" / "tickets"
GPT = {"gpt3.5": "GPT-3.5, prompted", "gpt4": "GPT-4, prompted"}
BINS = 10


class Embedder:
    """Embeds texts with the default encoder, and keeps the embeddings in a file."""

    def __init__(self, path: Optional[Path]) -> None:
        self._component: Any = spacy.blank("xx").add_pipe("xlt_encoder")
        self._path = path
        self._kept: dict[str, NDArray[Any]] = {}
        if path is not None and path.is_file():
            with np.load(path) as archive:
                self._kept = dict(archive)

    def __call__(self, texts: Sequence[str]) -> NDArray[Any]:
        key = sha256("\x1e".join(texts).encode("utf8")).hexdigest()
        if key not in self._kept:
            self._kept[key] = self._component.encode(list(texts))
            if self._path is not None:
                np.savez(self._path, **self._kept)  # type: ignore[arg-type]
        return self._kept[key]


class Texts(NamedTuple):
    """Texts of one language and their embeddings. gold: the labels, empty for unlabeled texts."""

    texts: list[str]
    vectors: NDArray[Any]
    gold: list[str]


class Task(NamedTuple):
    """Unlabeled and test texts of each language."""

    source: str
    unlabeled: dict[str, Texts]
    test: dict[str, Texts]


def read(embed: Embedder, path: Path, *, labeled: bool = True) -> Texts:
    dataset = Dataset.load(path, labeled=labeled)
    gold = [record.labels[0] for record in dataset.records] if labeled else []
    return Texts(list(dataset.texts), embed(dataset.texts), gold)


def read_sib200(embed: Embedder) -> Task:
    folders = sorted(path for path in (data_folder() / "sib200").iterdir() if path.is_dir())
    dev, test = ({f.name: read(embed, f / f"{part}.tsv") for f in folders} for part in ("dev", "test"))
    return Task("eng_Latn", dev, test)


def read_tickets(embed: Embedder) -> Task:
    unlabeled = {p.stem: read(embed, p, labeled=False) for p in sorted((TICKETS / "unlabelled").glob("*.jsonl"))}
    return Task("en", unlabeled, {p.stem: read(embed, p) for p in sorted((TICKETS / "test").glob("*.jsonl"))})


class Projected:
    """Each language is centered on its unlabeled texts, as `spacy-xlt.AnchoredCentering.v1` does."""

    def __init__(self, task: Task) -> None:
        from spacy_xlt.alignment.centering import AnchoredCentering

        vectors = {language: texts.vectors for language, texts in task.unlabeled.items()}
        self.maps = AnchoredCentering().fit(vectors, task.source)
        self.origin = vectors[task.source].mean(axis=0)
        self.source = task.source

    def __call__(self, language: str, vectors: NDArray[Any]) -> NDArray[Any]:
        return vectors if language == self.source else unit_rows(self.maps[language](vectors))


def figures(layer: Layer, labels: Sequence[str], texts: Mapping[str, Texts], project: Any) -> dict[str, Any]:
    """Accuracy in each language, and the expected calibration error over all texts."""
    accuracies, confident, right = {}, [], []
    for language, of_language in texts.items():
        probabilities = probabilities_of(layer(project(language, of_language.vectors)), True)
        is_right = np.array(labels)[probabilities.argmax(axis=1)] == np.array(of_language.gold)
        accuracies[language] = float(is_right.mean())
        confident.append(probabilities.max(axis=1))
        right.append(is_right)
    confidence, hits = np.concatenate(confident), np.concatenate(right)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(confidence[bins == b].mean() - hits[bins == b].mean()) * (bins == b).mean() for b in set(bins)]
    return {"languages": accuracies, "mean": mean(accuracies.values()), "calibration_error": float(sum(gaps))}


def measure(
    name: str, task: Task, labels: Sequence[DescribedLabel], embed: Embedder, *, equal_shares: bool = False
) -> list[dict[str, Any]]:
    names = [label.name for label in labels]
    layer = describe_prototypes(labels, embed)
    project = Projected(task)
    unlabeled = np.concatenate([project(code, texts.vectors) for code, texts in task.unlabeled.items()])
    sharpened = sharpen(unit_rows(layer.weight), unlabeled, project.origin)
    identity = lambda language, vectors: vectors  # noqa: E731
    systems = {
        "descriptions": (layer, identity),
        "centered": (Layer(layer.weight, -layer.weight @ project.origin), project),
        "sharpened": (sharpened.layer, project),
    }
    if equal_shares:
        prior = np.full(len(names), 1.0 / len(names))
        given = sharpen(unit_rows(layer.weight), unlabeled, project.origin, prior=prior)
        systems["sharpened, shares given"] = (given.layer, project)
    return [
        {"task": name, "system": system, **figures(each, names, task.test, how)}
        for system, (each, how) in systems.items()
    ]


def without_a_label(task: Task, labels: Sequence[DescribedLabel], embed: Embedder) -> dict[str, float]:
    """Leave out one label at a time: are its texts found to belong to none of the others?"""
    from sklearn.metrics import roc_auc_score

    project = Projected(task)
    unlabeled = np.concatenate([project(code, texts.vectors) for code, texts in task.unlabeled.items()])
    areas, found, false_alarms = [], [], []
    for left_out in labels:
        layer = describe_prototypes([label for label in labels if label != left_out], embed)
        result = sharpen(unit_rows(layer.weight), unlabeled, project.origin, none_share=1.0 / len(labels))
        probabilities = np.concatenate(
            [probabilities_of(result.layer(project(code, texts.vectors)), True) for code, texts in task.test.items()]
        )
        outside = np.array([label == left_out.name for texts in task.test.values() for label in texts.gold])
        areas.append(float(roc_auc_score(outside, probabilities[:, -1])))
        is_none = probabilities.argmax(axis=1) == len(labels) - 1
        found.append(float(is_none[outside].mean()))
        false_alarms.append(float(is_none[~outside].mean()))
    return {"auroc": mean(areas), "found": mean(found), "false_alarms": mean(false_alarms)}


def entailed(task: Task, labels: Path, folder: Path) -> dict[str, Any]:
    """The accuracy of a model of pairs of texts, which scores whether a text entails a description."""
    nlp = zero_shot(labels, entailment=folder)
    accuracies = {}
    for language, texts in task.test.items():
        predicted = [max(doc.cats, key=doc.cats.__getitem__) for doc in nlp.pipe(texts.texts)]
        accuracies[language] = mean(float(a == b) for a, b in zip(predicted, texts.gold))
        print(f"entailment, {language}: {accuracies[language]:.3f}", flush=True)
    return {"languages": accuracies, "mean": mean(accuracies.values())}


def read_answers(folder: Path, labels: Sequence[str], languages: Sequence[str]) -> dict[str, float]:
    """The accuracy of stored answers in each language. An answer without a label is wrong."""
    accuracies = {}
    for language in languages:
        with (folder / f"{language}.tsv").open(encoding="utf8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        column = list(rows[0])[-1]
        right = 0
        for row in rows:
            answer = (row[column] or "").casefold()
            named = {label: answer.find(label) for label in labels if label in answer}
            right += bool(named) and min(named, key=named.__getitem__) == row["category"]
        accuracies[language] = right / len(rows)
    return accuracies


def main(cache: Optional[Path], entailment: Optional[Path]) -> None:
    embed = Embedder(cache)
    sib200, tickets = read_sib200(embed), read_tickets(embed)
    rows: list[dict[str, Any]] = []
    for language in ("en", "de", "zh"):
        labels = read_labels(LABELS / f"sib200.{language}.yml")
        rows += measure(f"SIB-200, described in {language}", sib200, labels, embed)
    english = read_labels(LABELS / "sib200.en.yml")
    names = [label.name for label in english]
    rows += measure("tickets, described in en", tickets, read_labels(LABELS / "tickets.yml"), embed, equal_shares=True)
    if entailment is not None:
        accuracies = entailed(sib200, LABELS / "sib200.en.yml", entailment)
        rows.append({"task": "SIB-200, described in en", "system": "entailment", **accuracies})
    folder = os.environ.get("SIB200_LLM")
    for model, name in GPT.items() if folder else ():
        languages = read_answers(Path(folder or "") / f"output_{model}", names, list(sib200.test))
        rows.append({"task": "SIB-200", "system": name, "languages": languages, "mean": mean(languages.values())})
    none = without_a_label(sib200, english, embed)
    write_results("descriptions", {"rows": rows, "without_a_label": none}, table(rows, none))


def table(rows: Sequence[dict[str, Any]], none: Mapping[str, float]) -> str:
    lines = ["| task | system | mean accuracy | English | lowest | calibration error |", "|---|---|---|---|---|---|"]
    for row in rows:
        languages = row["languages"]
        english = languages.get("eng_Latn", languages.get("en"))
        lowest = min(languages, key=languages.__getitem__)
        error = f"{row['calibration_error']:.3f}" if "calibration_error" in row else "-"
        lines.append(
            f"| {row['task']} | {row['system']} | {row['mean']:.3f} | {english:.3f} "
            f"| {languages[lowest]:.3f} ({lowest}) | {error} |"
        )
    return "\n".join(
        [
            *lines,
            "",
            "If one of the seven labels of SIB-200 is left out (mean over the labels), the none label finds "
            f"{none['found']:.2f} of its texts, and {none['false_alarms']:.2f} of the other texts are taken for none "
            f"(AUROC {none['auroc']:.2f}).",
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, help="an .npz file that keeps embeddings between runs")
    parser.add_argument("--entailment", type=Path, help="the folder of a model of pairs of texts, trained on XNLI")
    args = parser.parse_args()
    main(args.cache, args.entailment)

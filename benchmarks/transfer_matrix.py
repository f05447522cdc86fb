"""The transfer matrix of SIB-200: a frozen head trained in each of 14 languages, tested in each.

    python benchmarks/transfer_matrix.py [--cache FOLDER]

Sources and the languages to label first are chosen on the development texts; the matrix is that of the test texts.
With --cache, embeddings are kept in a folder, and texts whose embeddings are there are not embedded again. Seconds are
those of this process and of the wall clock.

Writes benchmarks/results/transfer_matrix.{json,md}.
"""

import argparse
import tempfile
from glob import glob
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Optional

import numpy as np
from common import data_folder, write_results

from spacy_xlt.data.dataset import Dataset
from spacy_xlt.evaluation.matrix import TransferMatrix
from spacy_xlt.evaluation.transfer_matrix import transfer_matrix
from spacy_xlt.languages import name


def read(split: str) -> Dataset:
    return Dataset.load(sorted(glob(str(data_folder() / "sib200" / "*" / f"{split}.tsv"))))


def timed(train: Dataset, test: Dataset, cache: Path, k: int) -> tuple[TransferMatrix, dict[str, float]]:
    start, cpu = perf_counter(), process_time()
    found = transfer_matrix(train, test, cache=cache, k=k)
    return found, {"wall_s": round(perf_counter() - start, 1), "cpu_s": round(process_time() - cpu, 1)}


def sources(dev: TransferMatrix, test: TransferMatrix) -> list[dict[str, Any]]:
    """The source that is best on the development texts, and what it and English give on the test texts."""
    return [
        {
            "language": target,
            "best": source,
            "accuracy": test.accuracy[source][target],
            "english": test.accuracy["en"][target],
            "own": test.accuracy[target][target],
        }
        for target, source in dev.best_source.items()
    ]


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def main(cache: Optional[Path]) -> None:
    train, dev_texts, test_texts = map(read, ("train", "dev", "test"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = cache or Path(scratch)
        there = len(list(folder.glob("*.npy")))
        dev, first = timed(train, dev_texts, folder, k=3)
        test, second = timed(train, test_texts, folder, k=0)
        _, again = timed(train, dev_texts, folder, k=3)
    seconds = {"train and dev": first, "test": second, "train and dev again, from the cache": again}
    codes = list(test.accuracy)
    lines = [
        "Accuracy on the test texts in percent. Rows: language of the training texts.",
        "",
        f"| | {' | '.join(codes)} | mean | lowest |",
        f"|---|{'---:|' * (len(codes) + 2)}",
    ]
    for source, row in test.accuracy.items():
        values = [row[code] for code in codes]
        cells = [f"{100 * each:.0f}" for each in values]
        lines.append(
            f"| {name(source)} | {' | '.join([*cells, percent(float(np.mean(values))), percent(min(values))])} |"
        )
    lines += [
        "",
        "Sources that are best on the development texts, and the accuracy on the test texts:",
        "",
        "| Language | Best source | Its accuracy | English as the source | Own labels |",
        "|---|---|---:|---:|---:|",
    ]
    best = sources(dev, test)
    lines += [
        f"| {name(row['language'])} | {name(row['best'])} | {percent(row['accuracy'])} | "
        f"{percent(row['english']) if row['language'] != 'en' else '–'} | {percent(row['own'])} |"
        for row in best
    ]
    targets = [row for row in best if row["language"] != "en"]
    means = [percent(float(np.mean([row[key] for row in targets]))) for key in ("accuracy", "english", "own")]
    lines.append(f"| Mean without English | | {' | '.join(means)} |")
    lines += [
        "",
        "Languages to label first for the best worst case (development texts, on which they were chosen):",
        "",
        "| Labels in | Lowest accuracy | of | Mean |",
        "|---|---:|---|---:|",
    ]
    lines += [
        f"| {', '.join(map(name, step.languages))} | {percent(step.worst)} | {name(step.worst_language)} | "
        f"{percent(step.mean)} |"
        for step in dev.label_first
    ]
    lines += ["", "| Step | Seconds | CPU seconds |", "|---|---:|---:|"]
    lines += [f"| {title} | {each['wall_s']} | {each['cpu_s']} |" for title, each in seconds.items()]
    lines += ["", f"Of the embeddings, {there} files of 42 were in the cache before."]
    write_results(
        "transfer_matrix",
        {"dev": dev.to_dict(), "test": test.to_dict(), "sources": best, "seconds": seconds, "cached_before": there},
        "\n".join(lines),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cache", type=Path)
    main(parser.parse_args().cache)

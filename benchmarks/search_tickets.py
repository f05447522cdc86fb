"""Search the English test tickets with the same tickets in other languages.

    python benchmarks/search_tickets.py MODEL INDEX corpus/tickets/test METRICS

The right ticket has the same id. MRR@10 and recall@10 by language.
"""

import json
import sys
from pathlib import Path

import numpy as np
from common import PROJECT  # noqa: F401  (this folder goes behind the package in sys.path)

import spacy_xlt as xlt
from spacy_xlt.files import write_json

K = 10


def main(model: str, index_folder: str, tickets: str, metrics: str) -> None:
    index = xlt.Index.load(index_folder, model)
    languages = {}
    for file in sorted(Path(tickets).glob("*.jsonl")):
        rows = [json.loads(line) for line in file.read_text(encoding="utf8").splitlines()]
        if file.stem != "en":
            found = index.search_all([row["text"] for row in rows], K)
            hit = np.array([[each.id == row["id"] for each in hits] for row, hits in zip(rows, found)])
            languages[file.stem] = {
                "n": len(rows),
                "mrr": float((hit / np.arange(1, hit.shape[1] + 1)).sum(axis=1).mean()),
                "recall": float(hit.any(axis=1).mean()),
            }
    mean = {name: float(np.mean([row[name] for row in languages.values()])) for name in ("mrr", "recall")}
    write_json({"model": model, "languages": languages, "mean": mean}, Path(metrics))
    print(json.dumps({"mean": mean, **languages}, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What projection takes out of vectors with a strong bias of language: sums of static word-piece vectors.

    python benchmarks/static_table.py

A text is the sum of the default encoder's word embeddings of its pieces, without context, each weighted by a / (a + p),
p its share of all pieces (SIF, Arora, Liang & Ma 2017), at unit length. A logistic head learns SIB-200's English train
sentences; AnchoredCentering is fitted on 500 lines of NTREX and the dev sentences of each language, without labels.
The weights' a and the head's C are chosen on dev; accuracy on test, mean of 13 languages.
Writes benchmarks/results/static_table.{json,md}.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from align import SOURCE, Texts, sentences
from common import write_results
from sklearn.linear_model import LogisticRegression
from transfer import read_sib200

from spacy_xlt.alignment.affine import AffineMap, Floats
from spacy_xlt.alignment.centering import AnchoredCentering
from spacy_xlt.encoders.folder import default_folder
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.exporters.static_table import sif_weights
from spacy_xlt.vectors import unit_rows

SMOOTHING = (1e-3, 3e-4, 1e-4, 3e-5)
COSTS = (1.0, 3.0, 10.0, 30.0, 100.0)

Pieces = Mapping[str, Sequence[Sequence[int]]]
Labels = Mapping[str, Sequence[str]]


def embed(pieces: Pieces, table: Floats, a: float) -> dict[str, Floats]:
    """Vectors [n, d] of all texts; the pieces are counted in the lines of NTREX."""
    counts = np.zeros(len(table))
    for name, rows in pieces.items():
        if name.startswith("ntrex."):
            np.add.at(counts, np.concatenate([np.asarray(row) for row in rows]), 1)
    weighted = table * sif_weights(counts / counts.sum(), a)[:, None]
    return {name: unit_rows(np.stack([weighted[row].sum(axis=0) for row in rows])) for name, rows in pieces.items()}


def accuracy(
    head: Any, split: str, vectors: Mapping[str, Floats], labels: Labels, maps: Mapping[str, AffineMap]
) -> dict[str, float]:
    """Of each target; without a map, of the vectors as they are."""
    found = {}
    for language in sorted(name.partition(".")[2] for name in vectors if name.startswith(f"{split}.")):
        if language != SOURCE:
            rows = vectors[f"{split}.{language}"]
            rows = unit_rows(maps[language](rows)) if language in maps else rows
            found[language] = float((head.predict(rows) == np.array(labels[f"{split}.{language}"])).mean())
    return found


def read() -> tuple[Texts, dict[str, list[str]]]:
    texts, labels = sentences()
    train = read_sib200("train")[SOURCE]
    texts[f"train.{SOURCE}"] = [record.text for record in train]
    labels[f"train.{SOURCE}"] = [record.labels[0] for record in train]
    return {name: of_name for name, of_name in texts.items() if not name.startswith("tatoeba.")}, labels


def main() -> None:
    texts, labels = read()
    encoder = TorchEncoder()
    encoder.load(default_folder())
    table = encoder._model.get_input_embeddings().weight.detach().numpy()
    assert encoder._tokenizer is not None
    pieces = {name: encoder._tokenizer.windows(of_name)[0] for name, of_name in texts.items()}
    rows = []
    for a in SMOOTHING:
        vectors = embed(pieces, table, a)
        languages = [name.partition(".")[2] for name in vectors if name.startswith("dev.")]
        unlabeled = {code: np.concatenate([vectors[f"ntrex.{code}"], vectors[f"dev.{code}"]]) for code in languages}
        maps = AnchoredCentering().fit(unlabeled, SOURCE)
        for cost in COSTS:
            head = LogisticRegression(C=cost, max_iter=1000).fit(vectors[f"train.{SOURCE}"], labels[f"train.{SOURCE}"])
            row: dict[str, Any] = {"a": a, "C": cost}
            for split, (name, used) in product(("dev", "test"), (("raw", {}), ("projected", maps))):
                found = accuracy(head, split, vectors, labels, used)
                row[f"{split}_{name}"] = round(float(np.mean(list(found.values()))), 4)
            rows.append(row)
    raw, projected = (max(rows, key=lambda row: row[f"dev_{name}"]) for name in ("raw", "projected"))
    lines = [
        "| vectors | a | C | SIB-200 dev | SIB-200 test |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {row['a']} | {row['C']} | {row[f'dev_{name}']:.3f} | {row[f'test_{name}']:.3f} |"
            for name, row in (("raw", raw), ("projected", projected))
        ),
    ]
    write_results("static_table", {"rows": rows, "raw": raw, "projected": projected}, "\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()

"""Our head beside scikit-learn's logistic regression on the same embeddings.

    python benchmarks/logistic.py MODEL TRAIN TEST METRICS

MODEL is a pipeline of the four components, TRAIN its labeled training texts, TEST labeled texts in many languages,
METRICS what `xlt evaluate MODEL TEST` wrote. Prints the accuracy of both, before and after projection.
"""

import sys
from pathlib import Path

import common  # noqa: F401  (it keeps our langdetect.py from standing in for the package)
import numpy as np
import spacy
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression

from spacy_xlt.data.dataset import Dataset
from spacy_xlt.evaluation.document import Metrics
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe

# Chosen once, on no data of ours: what the issue of the first release asks to be compared with.
C = 10.0


def main(model: Path, train: Path, test: Path, metrics: Path) -> None:
    document = Metrics.load(metrics).to_dict()
    source = document["source"]
    nlp = spacy.load(model)
    records = Dataset.load([train]).records
    head = LogisticRegression(C=C, max_iter=1000)
    embeddings = find_pipe(nlp, Encoder).encode([record.text for record in records])
    head.fit(embeddings, [record.labels[0] for record in records])

    tests = Dataset.load([test]).records
    with nlp.select_pipes(disable=["xlt_textcat"]):
        docs = list(nlp.pipe(record.text for record in tests))
    gold = np.array([record.labels[0] for record in tests])
    languages = np.array([record.language for record in tests])
    right: list[NDArray[np.bool_]] = [
        head.predict(np.array([doc._.get(attribute) for doc in docs])) == gold
        for attribute in ("xlt_embedding", "xlt_projected")
    ]

    table = Table("language", "ours before", "logistic before", "ours after", "logistic after", title=str(model))
    rows = {}
    for language in document["languages"]:
        ours = [part["languages"][language]["accuracy"] for part in (document["before_projection"], document)]
        theirs = [float(hits[languages == language].mean()) for hits in right]
        rows[language] = [ours[0], theirs[0], ours[1], theirs[1]]
        table.add_row(language, *(f"{value:.3f}" for value in rows[language]))
    targets = [row for language, row in rows.items() if language != source]
    table.add_row(f"mean of {len(targets)}", *(f"{value:.3f}" for value in np.mean(targets, axis=0)), style="bold")
    Console().print(table)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

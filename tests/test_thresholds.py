"""Thresholds of a multilabel model: the same answer everywhere, also where one is 0."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.training import Example

from spacy_xlt.batch.model import Prediction, TextModel
from spacy_xlt.data.docbin import make_docs
from spacy_xlt.data.records import Record
from spacy_xlt.evaluation.evaluate import evaluate
from spacy_xlt.serving.classifier import Classifier
from spacy_xlt.transfer.acceptance import correct_rows
from tests.cli.running import succeed
from tests.toy import LABELS, TEXTS, make_pipeline

HEAD = "xlt_textcat_multilabel"
SENTENCES = [text for text, _ in TEXTS["en"]]


@pytest.fixture(scope="module")
def trained(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "model"
    make_pipeline(tiny_bert, textcat=HEAD).to_disk(folder)
    return folder


@pytest.mark.parametrize(
    "cfg",
    [
        {"threshold": 0.5},
        {"threshold": 0.0},
        {"threshold": None, "thresholds": {"order": 0.0, "account": 0.99}},
        {"threshold": None, "thresholds": {"account": 0.02}},
    ],
)
def test_everything_gives_the_labels_that_reach_their_threshold(
    cfg: dict[str, Any], trained: Path, tmp_path: Path
) -> None:
    nlp = spacy.load(trained)
    head: Any = nlp.get_pipe(HEAD)
    head.cfg.update(cfg)
    nlp.to_disk(tmp_path / "model")
    nlp = spacy.load(tmp_path / "model")
    one, each = cfg["threshold"], cfg.get("thresholds", {})
    least = {label: one if one is not None else each.get(label, 0.5) for label in LABELS}
    expected = [tuple(label for label in LABELS if doc.cats[label] >= least[label]) for doc in nlp.pipe(SENTENCES)]
    # Texts with these labels as their gold: whoever takes other thresholds makes mistakes.
    records = [Record(text, labels, "en", "x") for text, labels in zip(SENTENCES, expected)]

    assert Classifier.load(tmp_path / "model").predict(SENTENCES).labels == expected
    for docs in (False, True):
        found = TextModel(tmp_path / "model", docs=docs)(SENTENCES).of_texts
        assert [tuple(result.label) for result in found if isinstance(result, Prediction)] == expected
    assert correct_rows(nlp, records).all()
    assert evaluate(nlp, records).languages["en"].accuracy == 1.0
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in make_docs(nlp, records, LABELS)]
    scores = nlp.evaluate(examples)
    assert scores["cats_by_language"]["en"]["accuracy"] == 1.0
    occurring = [label for label in LABELS if any(label in labels for labels in expected)]
    assert [scores["cats_f_per_type"][label]["f"] for label in occurring] == [1.0] * len(occurring)

    # Short enough for one row of the table.
    texts = ["order", "password"]
    printed = succeed("classify", tmp_path / "model", *texts)
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if line[:1] == "│"]
    shown = [{name for name in row[2].replace("-", "").split(", ") if name} for row in cells]
    assert shown == [{label for label in LABELS if doc.cats[label] >= least[label]} for doc in nlp.pipe(texts)]


def test_probabilities_do_not_depend_on_thresholds(trained: Path) -> None:
    nlp = spacy.load(trained)
    before = [doc.cats for doc in nlp.pipe(SENTENCES)]
    head: Any = nlp.get_pipe(HEAD)
    head.set_thresholds(np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.3]]), np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))
    assert head.cfg["threshold"] is None
    assert [doc.cats for doc in nlp.pipe(SENTENCES)] == before

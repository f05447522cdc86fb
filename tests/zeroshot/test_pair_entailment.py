"""A trained model of pairs as the back end of zero-shot labels."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import spacy

pytest.importorskip("transformers")

from spacy_xlt import export, save, zero_shot
from spacy_xlt.errors import XltError
from spacy_xlt.tasks.pairs import pair_probabilities
from spacy_xlt.training.pairs import train_pairs
from spacy_xlt.zeroshot.labels import read_labels
from spacy_xlt.zeroshot.pair_entailment import PairEntailment

LABELS = {"order": ["orders and parcels", "Bestellung"], "account": "password"}
TEXTS = ["My order has not arrived.", "Мой заказ", "", "How can I change the password of my account? " * 30]
NLI = [
    ("My order has not arrived.", "an order", "entailment"),
    ("My order has not arrived.", "it is here", "contradiction"),
    ("Delete my account.", "an account", "entailment"),
    ("Delete my account.", "keep it", "contradiction"),
]
SETTINGS = {"epochs": 2, "max_length": 48, "progress": False}


@pytest.fixture(scope="module")
def folder(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pairs") / "model"
    save(train_pairs(NLI, encoder=tiny_bert, **SETTINGS), out)  # type: ignore[arg-type]
    return out


def probabilities(nlp: spacy.Language) -> np.ndarray:
    return np.array([list(doc.cats.values()) for doc in nlp.pipe(TEXTS)])


def test_probabilities_are_those_of_the_model_of_pairs(folder: Path) -> None:
    nlp = zero_shot(LABELS, entailment=folder, languages=["en", "ru"])
    model = spacy.load(folder).get_pipe("xlt_pairs").model  # type: ignore[attr-defined]
    descriptions = ("orders and parcels", "Bestellung", "password")
    rows = pair_probabilities(model, [(TEXTS[0], f"This text is about {each}.") for each in descriptions])
    odds = np.log(rows[:, 1] / rows[:, 0])
    expected = np.exp([odds[:2].max(), odds[2]])
    np.testing.assert_allclose(probabilities(nlp)[0], expected / expected.sum(), rtol=1e-3)
    np.testing.assert_allclose(probabilities(nlp)[2], 0.5)


def test_the_pipeline_survives_the_disk_bytes_and_pickle(folder: Path, tmp_path: Path) -> None:
    nlp = zero_shot(LABELS, entailment=folder, none_label="other")
    expected = probabilities(nlp)
    save(nlp, tmp_path / "model")
    np.testing.assert_allclose(probabilities(spacy.load(tmp_path / "model")), expected, atol=1e-6)
    copy = spacy.blank("xx").from_config(nlp.config).from_bytes(nlp.to_bytes())
    np.testing.assert_allclose(probabilities(copy), expected, atol=1e-6)
    scorer = pickle.loads(pickle.dumps(nlp.get_pipe("xlt_zeroshot").back_end))  # type: ignore[attr-defined]
    np.testing.assert_allclose(scorer.probabilities(TEXTS, None), expected, atol=1e-5)


def test_an_exported_model_is_a_back_end_as_well(folder: Path, tmp_path: Path) -> None:
    export(folder, tmp_path / "onnx", preset="quality")
    nlp = zero_shot(LABELS, entailment=tmp_path / "onnx")
    expected = probabilities(zero_shot(LABELS, entailment=folder))
    np.testing.assert_allclose(probabilities(nlp), expected, atol=1e-3)
    save(nlp, tmp_path / "model")
    np.testing.assert_allclose(probabilities(spacy.load(tmp_path / "model")), expected, atol=1e-3)


def test_a_model_with_other_labels_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    pairs = [("a b", "a", "same"), ("a c", "b", "other")]
    save(train_pairs(pairs, encoder=tiny_bert, **SETTINGS), tmp_path / "model")  # type: ignore[arg-type]
    scorer = PairEntailment()
    scorer.load(tmp_path / "model")
    scorer.describe(read_labels(LABELS), lambda _: np.zeros((0, 0), dtype=np.float32))
    with pytest.raises(XltError, match="entailment"):
        scorer.probabilities(TEXTS, None)


def test_another_folder_is_refused(tiny_bert: Path) -> None:
    with pytest.raises(XltError, match="pairs"):
        PairEntailment().load(tiny_bert)

"""The entailment back end, with a tiny random model."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language

pytest.importorskip("transformers")

from spacy_xlt.batch.model import TextModel
from spacy_xlt.errors import XltError
from spacy_xlt.models import save
from spacy_xlt.serving.classifier import Classifier
from spacy_xlt.serving.model_folder import OnlySpacyError
from spacy_xlt.transfer.zero_shot import zero_shot
from spacy_xlt.zeroshot.entailment import Entailment
from spacy_xlt.zeroshot.labels import read_labels
from tests.processes import start_method
from tests.zeroshot.tiny import make_tiny_nli

LABELS = {"order": ["orders and parcels", "Bestellung"], "account": "password"}
TEXTS = ["My order has not arrived.", "Мой заказ", "", "How can I change the password of my account? " * 30]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("nli")
    return make_tiny_nli(root / "model", root / "raw")


@pytest.fixture(scope="module")
def nlp(folder: Path) -> Language:
    return zero_shot(LABELS, entailment=folder, languages=["en", "ru"], none_label="other")


def cats(nlp: Language, texts: list[str] = TEXTS, **options: Any) -> list[list[float]]:
    return [list(doc.cats.values()) for doc in nlp.pipe(texts, **options)]


def test_probabilities_are_those_of_the_log_odds(folder: Path) -> None:
    scorer = Entailment("It is {}.")
    scorer.load(folder)
    scorer.describe(read_labels(LABELS), lambda _: np.zeros((0, 0), dtype=np.float32))
    tokenizer, model, entailment, contradiction = scorer.model
    expected = []
    for description in ("orders and parcels", "Bestellung", "password"):
        logits = model(**tokenizer(TEXTS[0], f"It is {description}.", return_tensors="pt")).logits[0].tolist()
        expected.append(float(logits[entailment] - logits[contradiction]))
    scores = np.array([max(expected[:2]), expected[2]])
    probabilities = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(scorer.probabilities(TEXTS[:1], None)[0], probabilities, rtol=1e-4)


def test_the_pipeline_needs_no_encoder(nlp: Language) -> None:
    assert nlp.pipe_names == ["xlt_langdetect", "xlt_zeroshot"]
    assert list(nlp(TEXTS[0]).cats) == ["order", "account", "other"]
    assert sum(nlp(TEXTS[0]).cats.values()) == pytest.approx(1.0, abs=1e-5)
    assert list(nlp("").cats.values()) == pytest.approx([1 / 3] * 3)


def test_streams_files_and_bytes(nlp: Language, tmp_path: Path) -> None:
    expected = [list(nlp(text).cats.values()) for text in TEXTS]
    np.testing.assert_allclose(cats(nlp), expected, atol=1e-5)
    save(nlp, tmp_path / "model")
    for again in (spacy.load(tmp_path / "model"), pickle.loads(pickle.dumps(nlp))):
        np.testing.assert_allclose(cats(again), expected, atol=1e-5)
    other = Entailment()
    other.from_bytes(nlp.get_pipe("xlt_zeroshot").to_bytes())  # type: ignore[attr-defined]
    assert other.labels == ["order", "account", "other"]


def test_worker_processes(nlp: Language) -> None:
    expected = cats(nlp)
    with start_method("fork"):
        np.testing.assert_allclose(cats(nlp, n_process=2, batch_size=2), expected, atol=1e-5)


def test_process_runs_it_with_spacy(nlp: Language, tmp_path: Path) -> None:
    save(nlp, tmp_path / "model")
    with pytest.raises(OnlySpacyError):
        Classifier.load(tmp_path / "model")
    model = TextModel(tmp_path / "model")
    assert model.kind == "nlp.pipe"
    (prediction,) = model(TEXTS[:1]).of_texts
    assert prediction.label == max(nlp(TEXTS[0]).cats, key=nlp(TEXTS[0]).cats.__getitem__)  # type: ignore[union-attr]


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(XltError, match=r"config\.json"):
        zero_shot(LABELS, entailment=tmp_path)


def test_a_model_of_another_task(tmp_path: Path) -> None:
    folder = make_tiny_nli(tmp_path / "model", tmp_path / "raw", ("negative", "positive"))
    nlp = zero_shot(LABELS, entailment=folder)
    with pytest.raises(XltError, match="negative, positive"):
        nlp("text")


def test_texts_and_prior_are_refused(folder: Path) -> None:
    with pytest.raises(XltError, match="prior"):
        zero_shot(LABELS, entailment=folder, prior={"order": 0.5, "account": 0.5})


def test_a_template_without_a_place_for_the_description() -> None:
    with pytest.raises(XltError, match="about it"):
        Entailment("about it")


def test_damaged_labels(nlp: Language, tmp_path: Path) -> None:
    nlp.get_pipe("xlt_zeroshot").to_disk(tmp_path / "pipe")  # type: ignore[attr-defined]
    (tmp_path / "pipe" / "labels.json").write_text("{")
    with pytest.raises(XltError, match=r"labels\.json"):
        Entailment().load(tmp_path / "pipe")

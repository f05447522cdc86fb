"""`xlt_zeroshot` and `zero_shot`, with prototypes."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language

pytest.importorskip("transformers")

from spacy_xlt.batch.model import TextModel
from spacy_xlt.data.dataset import Dataset
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.evaluate import evaluate
from spacy_xlt.models import save
from spacy_xlt.serving.classifier import Classifier
from spacy_xlt.transfer.zero_shot import zero_shot
from tests.processes import start_method
from tests.toy import TEXTS

LABELS = {"order": "order, parcel, Bestellung", "account": ["password", "account, settings"]}
UNLABELED = {language: [text for text, _ in texts] * 2 for language, texts in TEXTS.items()}
ALL = [*(text for texts in TEXTS.values() for text, _ in texts), "", "  ", "42", "My 订单 не пришёл"]


@pytest.fixture(scope="module")
def nlp(tiny_bert: Path) -> Language:
    """A sharpened pipeline with a none label. Tests leave it as it is."""
    return zero_shot(LABELS, texts=UNLABELED, encoder=tiny_bert, languages=["en", "de", "ru"], none_label="other")


@pytest.fixture(scope="module")
def saved(nlp: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    save(nlp, folder)
    return folder


def cats(nlp: Language, texts: list[str] = ALL, **options: Any) -> list[list[float]]:
    return [list(doc.cats.values()) for doc in nlp.pipe(texts, **options)]


# The result of zero_shot


def test_the_pipeline_and_what_it_was_made_from(nlp: Language) -> None:
    assert nlp.pipe_names == ["xlt_langdetect", "xlt_encoder", "xlt_projector", "xlt_zeroshot"]
    assert nlp.analyze_pipes()["problems"]["xlt_zeroshot"] == []
    meta = nlp.meta["xlt_zero_shot"]
    assert meta["labels"]["account"] == ["password", "account, settings"]
    assert meta["languages"] == {"de": 4, "en": 12, "ru": 4}
    assert sum(meta["prior"].values()) == pytest.approx(1.0, abs=1e-3)
    projector: Any = nlp.get_pipe("xlt_projector")
    assert projector.source == "en" and projector.languages == ["de", "en", "ru"]


def test_cats_are_probabilities_of_all_labels(nlp: Language) -> None:
    for doc in nlp.pipe(ALL):
        assert list(doc.cats) == ["order", "account", "other"]
        assert sum(doc.cats.values()) == pytest.approx(1.0, abs=1e-5)


def test_without_texts_the_projector_is_the_identity(tiny_bert: Path) -> None:
    nlp = zero_shot(LABELS, encoder=tiny_bert)
    doc = nlp(ALL[0])
    np.testing.assert_array_equal(doc._.xlt_projected, doc._.xlt_embedding)
    assert list(nlp("").cats.values()) == [0.5, 0.5]


def test_the_real_encoder_understands_descriptions_in_other_languages(default_encoder: Path) -> None:
    nlp = zero_shot({"Lieferung": "Wo ist mein Paket, Versand", "account": "密码, 登录"}, encoder=default_encoder)
    for text, label in [("The parcel has not arrived", "Lieferung"), ("Я забыл пароль", "account")]:
        found = nlp(text).cats
        assert max(found, key=found.__getitem__) == label


def test_languages_of_texts_are_detected(tiny_bert: Path) -> None:
    texts = [text for of_language in UNLABELED.values() for text in of_language]
    nlp = zero_shot(LABELS, texts=texts, encoder=tiny_bert, languages=["en", "de", "ru"])
    assert nlp.meta["xlt_zero_shot"]["languages"] == {"de": 4, "en": 12, "ru": 4}


def test_the_source_is_the_most_frequent_language(tiny_bert: Path, tmp_path: Path) -> None:
    texts = [text for text, _ in TEXTS["ru"]] * 5
    nlp = zero_shot(LABELS, texts=texts, encoder=tiny_bert, languages=["de", "ru"])
    save(nlp, tmp_path / "model")
    for each in (nlp, spacy.load(tmp_path / "model")):
        assert each.get_pipe("xlt_projector").source == "ru"  # type: ignore[attr-defined]


def test_a_given_prior(tiny_bert: Path) -> None:
    nlp = zero_shot(LABELS, texts=UNLABELED, encoder=tiny_bert, prior={"order": 0.8, "account": 0.2})
    assert nlp.meta["xlt_zero_shot"]["prior"] == {"order": 0.8, "account": 0.2}
    assert nlp("").cats["order"] > nlp("").cats["account"]


# Streams, copies and files


def test_a_stream_keeps_its_order(nlp: Language) -> None:
    np.testing.assert_allclose(cats(nlp, batch_size=3), [list(nlp(text).cats.values()) for text in ALL], atol=1e-5)


def test_worker_processes(nlp: Language) -> None:
    expected = cats(nlp)
    with start_method("fork"):
        np.testing.assert_allclose(cats(nlp, n_process=2, batch_size=4), expected, atol=1e-5)


def test_a_saved_pipeline(nlp: Language, saved: Path) -> None:
    again = spacy.load(saved)
    np.testing.assert_allclose(cats(again), cats(nlp), atol=1e-6)
    assert again.meta["xlt_zero_shot"] == nlp.meta["xlt_zero_shot"]


def test_bytes_and_pickle(nlp: Language) -> None:
    empty = spacy.blank("xx").from_config(nlp.config)
    empty.from_bytes(nlp.to_bytes())
    for again in (empty, pickle.loads(pickle.dumps(nlp))):
        np.testing.assert_allclose(cats(again), cats(nlp), atol=1e-6)


def test_classifier_gives_the_same_results(nlp: Language, saved: Path) -> None:
    classifier = Classifier.load(saved)
    labels, probabilities, _ = classifier.predict(ALL)
    assert classifier.labels == ("order", "account", "other")
    np.testing.assert_allclose(probabilities, cats(nlp), atol=1e-5)
    assert labels == [max(doc.cats, key=doc.cats.__getitem__) for doc in nlp.pipe(ALL)]


def test_process_uses_it(saved: Path) -> None:
    model, with_docs = TextModel(saved), TextModel(saved, docs=True)
    assert (model.kind, with_docs.kind) == ("Classifier", "nlp.pipe")
    for one, other in zip(model(ALL).of_texts, with_docs(ALL).of_texts):
        assert not isinstance(one, str) and not isinstance(other, str)
        assert one.label == other.label
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-4)


def test_export_keeps_the_predictions(nlp: Language) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from spacy_xlt.exporters.export import export

    exported = export(nlp, preset="quality", progress=False)
    np.testing.assert_allclose(cats(exported), cats(nlp), atol=1e-4)
    assert exported.meta["xlt_zero_shot"] == nlp.meta["xlt_zero_shot"]


def test_evaluate_measures_it(nlp: Language) -> None:
    data = Dataset.load({language: list(texts) for language, texts in TEXTS.items()})
    report = evaluate(nlp, data, progress=False)
    assert set(report.languages) == {"en", "de", "ru"}
    assert report.n == len(data)


# Bad input


def test_a_component_without_labels(tiny_bert: Path) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_zeroshot")
    with pytest.raises(XltError, match="no labels"):
        nlp("text")


def test_a_missing_projector(nlp: Language) -> None:
    with nlp.select_pipes(disable=["xlt_projector", "xlt_encoder"]), pytest.raises(XltError, match="xlt_projector"):
        nlp("text")


@pytest.mark.parametrize(
    ("options", "offender"),
    [
        ({"prior": {"order": 0.5, "refund": 0.5}, "texts": UNLABELED}, "refund"),
        ({"prior": {"order": 0.5}, "texts": UNLABELED}, "account"),
        ({"prior": {"order": 1.5, "account": 0.5}, "texts": UNLABELED}, "1.5"),
        ({"prior": {"order": 0.5, "account": 0.5}}, "unlabeled"),
        ({"none_label": "other"}, "unlabeled"),
        ({"none_label": "order", "texts": UNLABELED}, "order"),
        ({"texts": {"en": ["one text"]}}, "1 unlabeled"),
        ({"languages": ["Klingonish"]}, "Klingonish"),
        ({"encoder": "no/such/folder"}, "no/such/folder"),
    ],
)
def test_bad_options(tiny_bert: Path, options: dict[str, Any], offender: str) -> None:
    with pytest.raises(XltError, match=offender):
        zero_shot(LABELS, **{"encoder": tiny_bert, "progress": False, **options})


def test_damaged_files(saved: Path, tmp_path: Path) -> None:
    from spacy_xlt.zeroshot.prototypes import Prototypes

    with pytest.raises(XltError, match="missing"):
        Prototypes().load(tmp_path)
    content = (saved / "xlt_zeroshot" / "prototypes.npz").read_bytes()
    for damaged in (content[:-40], b"", b"no archive"):
        with pytest.raises(XltError, match="damaged"):
            Prototypes().from_bytes(damaged)

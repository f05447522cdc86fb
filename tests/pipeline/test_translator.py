"""`xlt_translator`, and how encoder, projector and Classifier use translations."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import registry

pytest.importorskip("transformers")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.alignment.projection import DEFAULT_TRANSLATION_WEIGHT
from spacy_xlt.errors import XltError, XltWarning
from spacy_xlt.exporters.export import export
from spacy_xlt.model_folder import check_model
from spacy_xlt.models import save
from spacy_xlt.pipeline.projector import language_mixture
from spacy_xlt.serving.classifier import Classifier
from spacy_xlt.serving.model_folder import OnlySpacyError
from spacy_xlt.training.model_state import read_head
from spacy_xlt.translators.callable import CallableTranslator
from spacy_xlt.translators.glossary import Glossary
from tests.pipeline.test_whole import BAD, GOOD
from tests.processes import start_method
from tests.toy import TEXTS, make_pipeline
from tests.translators.functions import shout

GERMAN = [("order", "Bestellung"), ("password", "Passwort"), ("not yet", "noch nicht")]
RUSSIAN = [("order", "заказ"), ("password", "пароль"), ("money", "деньги")]
ALL = [*BAD.values(), *GOOD]


def add_glossary(nlp: Language) -> Language:
    glossary = Glossary()
    glossary.add("de", GERMAN)
    glossary.add("ru", RUSSIAN)
    nlp.add_pipe("xlt_translator", before="xlt_encoder")
    nlp.get_pipe("xlt_translator").from_bytes(glossary.to_bytes())  # type: ignore[attr-defined]
    return nlp


@pytest.fixture(scope="module")
def nlp(tiny_bert: Path) -> Language:
    """A trained pipeline with a glossary of German and Russian. Tests leave it as it is."""
    nlp = add_glossary(make_pipeline(tiny_bert, config={"xlt_langdetect": {"languages": ["en", "de", "ru"]}}))
    nlp.get_pipe("xlt_projector").translation_weights = {"ru": 0.75}  # type: ignore[attr-defined]
    return nlp


@pytest.fixture(scope="module")
def saved(nlp: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    save(nlp, folder)
    return folder


def figures(docs: list[Doc]) -> list[tuple[Any, ...]]:
    return [
        (doc._.language, doc._.xlt_translation, tuple(round(value, 5) for value in doc.cats.values())) for doc in docs
    ]


# What the components write


def test_texts_are_translated_and_their_translation_is_embedded(nlp: Language) -> None:
    doc = nlp(TEXTS["de"][0][0])
    assert doc._.xlt_translation == "Meine order ist not yet angekommen"
    encoder: Any = nlp.get_pipe("xlt_encoder")
    np.testing.assert_array_equal(doc._.xlt_translation_embedding, encoder.encode([doc._.xlt_translation])[0])
    np.testing.assert_array_equal(doc._.xlt_embedding, encoder.encode([doc.text])[0])


@pytest.mark.parametrize("text", ["Where is my order?", "", "Guten Morgen zusammen, wie geht es Ihnen?"])
def test_other_texts_are_classified_as_before(nlp: Language, tiny_bert: Path, text: str) -> None:
    doc = nlp(text)
    assert doc._.xlt_translation is None and doc._.xlt_translation_embedding is None
    with nlp.select_pipes(disable="xlt_translator"):
        np.testing.assert_array_equal(doc._.xlt_projected, nlp(text)._.xlt_projected)


@pytest.mark.parametrize(("language", "weight"), [("de", DEFAULT_TRANSLATION_WEIGHT), ("ru", 0.75)])
def test_the_vectors_are_averaged_so_probabilities_are_their_geometric_mean(
    nlp: Language, language: str, weight: float
) -> None:
    doc = nlp(TEXTS[language][0][0])
    projector: Any = nlp.get_pipe("xlt_projector")
    projected = projector.project(doc._.xlt_embedding[None], [language_mixture(doc)])
    expected = (1 - weight) * projected[0] + weight * doc._.xlt_translation_embedding
    np.testing.assert_allclose(doc._.xlt_projected, expected, atol=1e-6)
    head = read_head(nlp)
    of_text, of_translation = head(projected)[0], head(doc._.xlt_translation_embedding[None])[0]
    product = of_text ** (1 - weight) * of_translation**weight
    np.testing.assert_allclose(list(doc.cats.values()), product / product.sum(), atol=1e-5)


@pytest.mark.parametrize(("weight", "used"), [(0.0, "xlt_embedding"), (1.0, "xlt_translation_embedding")])
def test_the_extreme_weights(nlp: Language, weight: float, used: str) -> None:
    projector: Any = nlp.get_pipe("xlt_projector")
    doc = nlp(TEXTS["ru"][0][0])
    vectors = doc._.xlt_embedding[None]
    projector.translation_weights["ru"] = weight
    try:
        mixed = projector.mix_translations(vectors, [doc._.xlt_translation_embedding], ["ru"])
    finally:
        projector.translation_weights["ru"] = 0.75
    np.testing.assert_allclose(mixed[0], doc._.get(used), atol=1e-7)


def test_a_language_that_is_set_is_used(nlp: Language) -> None:
    doc = nlp.make_doc("Passwort")
    doc._.language = "en"
    assert nlp(doc)._.xlt_translation is None
    doc = nlp.make_doc("Passwort")
    doc._.language = "de"
    assert nlp(doc)._.xlt_translation == "password"


# Streams, copies and files


def test_a_stream_keeps_its_order(nlp: Language) -> None:
    assert figures(list(nlp.pipe(ALL, batch_size=3))) == figures([nlp(text) for text in ALL])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes(nlp: Language, method: str) -> None:
    texts = [text for language in TEXTS.values() for text, _ in language]
    expected = figures(list(nlp.pipe(texts)))
    with start_method(method):
        assert figures(list(nlp.pipe(texts, n_process=2, batch_size=4))) == expected


def test_round_trips(nlp: Language, saved: Path) -> None:
    expected = figures(list(nlp.pipe(GOOD)))
    by_bytes = spacy.blank("xx").from_config(nlp.config).from_bytes(nlp.to_bytes())
    for copy in (spacy.load(saved), by_bytes):
        assert figures(list(copy.pipe(GOOD))) == expected
        assert copy.get_pipe("xlt_projector").translation_weights == {"ru": 0.75}  # type: ignore[attr-defined]
    assert check_model(saved).labels


def test_docbin_keeps_translations(nlp: Language) -> None:
    docs = list(nlp.pipe(GOOD))
    loaded = list(
        DocBin(store_user_data=True).from_bytes(DocBin(docs=docs, store_user_data=True).to_bytes()).get_docs(nlp.vocab)
    )
    assert figures(loaded) == figures(docs)


def test_classifier_gives_the_figures_of_nlp_pipe(nlp: Language, saved: Path, tmp_path: Path) -> None:
    export(nlp, tmp_path / "exported", preset="quality")
    for folder in (saved, tmp_path / "exported"):
        docs = list(spacy.load(folder).pipe(ALL))
        result = Classifier.load(folder).predict(ALL)
        np.testing.assert_allclose(result.probabilities, [[*doc.cats.values()] for doc in docs], atol=2e-6)
        assert result.languages == [doc._.language for doc in docs]
    assert sum(doc._.xlt_translation is not None for doc in docs) == 5


def test_weights_are_forgotten_with_their_language(nlp: Language) -> None:
    projector: Any = pickle.loads(pickle.dumps(nlp.get_pipe("xlt_projector")))
    projector.translation_weights["de"] = 0.25
    projector.remove("de")
    assert projector.translation_weights == {"ru": 0.75}


# Other translators


def test_a_function_in_a_config(tiny_bert: Path, tmp_path: Path) -> None:
    nlp = make_pipeline(tiny_bert)
    translator = {"@xlt_translators": "spacy-xlt.Callable.v1", "function": {"@misc": "spacy-xlt-tests.shout.v1"}}
    nlp.add_pipe("xlt_translator", before="xlt_encoder", config={"translator": translator, "languages": ["de"]})
    doc = nlp(TEXTS["de"][1][0])
    assert doc._.xlt_translation == f"de-en: {doc.text.upper()}"
    nlp.to_disk(tmp_path / "model")
    assert figures([spacy.load(tmp_path / "model")(doc.text)]) == figures([doc])
    with pytest.raises(OnlySpacyError):
        Classifier.load(tmp_path / "model")


def test_a_translator_that_fails_leaves_the_text_untranslated(nlp: Language, tiny_bert: Path) -> None:
    nlp = make_pipeline(tiny_bert)
    nlp.add_pipe("xlt_translator", before="xlt_encoder", config={"languages": ["de"]})
    component: Any = nlp.get_pipe("xlt_translator")
    component.translator = CallableTranslator(shout)
    texts = ["Das fail war nicht gut für meine Bestellung", TEXTS["de"][0][0]]
    with pytest.warns(XltWarning, match="the service is down"):
        docs = list(nlp.pipe(texts))
    assert docs[0]._.xlt_translation is None and docs[1]._.xlt_translation is not None
    assert component.failed == 1


def test_an_empty_glossary_is_an_error(tiny_bert: Path) -> None:
    nlp = make_pipeline(tiny_bert)
    nlp.add_pipe("xlt_translator", before="xlt_encoder")
    with pytest.raises(XltError, match="xlt_translator"):
        nlp("Wo ist meine Bestellung?")


@pytest.mark.parametrize("name", ["Apertium", "CTranslate2", "Glossary", "HuggingFaceSeq2Seq"])
def test_every_translator_can_be_named_in_a_config(name: str) -> None:
    nlp = spacy.blank("xx")
    block = {"@xlt_translators": f"spacy-xlt.{name}.v1"}
    component: Any = nlp.add_pipe("xlt_translator", config={"translator": block})
    made = registry.xlt_translators.get(f"spacy-xlt.{name}.v1")()  # type: ignore[attr-defined]
    assert type(component.translator) is type(made)
    assert component.translator.config().items() >= block.items()

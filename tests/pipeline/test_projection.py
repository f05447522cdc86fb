"""Fitting the projector of a trained pipeline for new languages."""

from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language

pytest.importorskip("spacy_transformers")

from spacy_xlt.errors import XltError
from spacy_xlt.pipeline import encoder as encoder_module
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projection import fit_projection, set_aligner
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.training.train import train
from tests.records import make_records

ENGLISH = [record.text for record in make_records(6)]
GERMAN = ["Wo ist mein Paket?", "Die Rechnung ist falsch.", "Der Kurier ist zu spät.", "Bitte erstatten Sie."]
FRENCH = ["Où est mon colis ?", "La facture est fausse.", "Le coursier est en retard."]
SWAHILI = ["Oda yangu bado haijafika.", "Ankara si sahihi.", "Mjumbe amechelewa.", "Nirudishie pesa."]


@pytest.fixture(scope="module")
def trained(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train(make_records(), encoder=tiny_bert).to_disk(folder)
    return folder


@pytest.fixture
def nlp(trained: Path) -> Language:
    return spacy.load(trained)


def scores(nlp: Language, texts: list[str], language: str) -> list[float]:
    """With the language given, so that nothing depends on its detection."""
    docs = []
    for text in texts:
        doc = nlp.make_doc(text)
        doc._.language = language
        docs.append(doc)
    return [doc.cats["billing"] for doc in nlp.pipe(docs)]


def test_a_new_language_moves_itself_and_no_other(nlp: Language) -> None:
    fit_projection(nlp, {"de": GERMAN})
    before = {code: scores(nlp, texts, code) for code, texts in (("en", ENGLISH), ("de", GERMAN), ("sw", SWAHILI))}
    fit_projection(nlp, {"sw": SWAHILI})
    assert find_pipe(nlp, Projector).languages == ["de", "en", "sw"]
    assert scores(nlp, ENGLISH, "en") == before["en"]
    assert scores(nlp, GERMAN, "de") == before["de"]
    assert scores(nlp, SWAHILI, "sw") != before["sw"]


def test_a_language_can_be_fitted_anew_and_comes_out_the_same_in_any_order(nlp: Language) -> None:
    fit_projection(nlp, {"de": FRENCH})
    wrong = scores(nlp, GERMAN, "de")
    fit_projection(nlp, {"de": GERMAN})
    right = scores(nlp, GERMAN, "de")
    assert right != wrong
    fit_projection(nlp, {"de": list(reversed(GERMAN))})
    np.testing.assert_allclose(scores(nlp, GERMAN, "de"), right, atol=1e-6)


def test_the_source_itself_stays_even_when_it_is_given(nlp: Language) -> None:
    before = scores(nlp, ENGLISH, "en")
    fit_projection(nlp, {"en": ENGLISH, "de": GERMAN})
    assert scores(nlp, ENGLISH, "en") == before
    assert find_pipe(nlp, Projector).counts == {"en": 6, "de": 4}


def test_codes_of_any_kind_are_brought_to_the_base_code(nlp: Language) -> None:
    fit_projection(nlp, {"swh_Latn": SWAHILI})
    assert find_pipe(nlp, Projector).languages == ["en", "sw"]


def test_texts_in_several_chunks_give_what_one_gives(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    fit_projection(nlp, {"de": GERMAN})
    whole = find_pipe(nlp, Projector).maps["de"].origin
    monkeypatch.setattr(encoder_module, "CHUNK", 3)
    find_pipe(nlp, Encoder)._cache.clear()
    fit_projection(nlp, {"de": GERMAN})
    np.testing.assert_allclose(find_pipe(nlp, Projector).maps["de"].origin, whole, atol=1e-6)


# Translations and other aligners

PAIRS = list(zip(ENGLISH, GERMAN))


@pytest.mark.parametrize("aligner", ["Ridge", "RidgeToIdentity", "Procrustes", "spacy-xlt.GeneralizedProcrustes.v1"])
def test_an_aligner_that_learns_from_translations(nlp: Language, aligner: str, tmp_path: Path) -> None:
    before = scores(nlp, ENGLISH, "en")
    set_aligner(nlp, aligner)
    fit_projection(nlp, {}, translations={"de": PAIRS})
    projector = find_pipe(nlp, Projector)
    assert projector.languages == ["de", "en"] and projector.maps["de"].matrix is not None
    assert scores(nlp, ENGLISH, "en") == before
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert scores(loaded, GERMAN, "de") == scores(nlp, GERMAN, "de")
    # The saved pipeline goes on with the aligner that it was given.
    assert type(find_pipe(loaded, Projector).aligner) is type(projector.aligner)


def test_the_pairs_are_those_of_the_texts_whatever_stands_beside_them(nlp: Language) -> None:
    set_aligner(nlp, "Ridge")
    fit_projection(nlp, {}, translations={"de": PAIRS})
    alone = find_pipe(nlp, Projector).maps["de"]
    beside = {"de": [GERMAN[2], "Guten Tag."], "en": ["Good day."]}
    fit_projection(nlp, beside, translations={"de": [*reversed(PAIRS), PAIRS[0]]})
    again = find_pipe(nlp, Projector).maps["de"]
    rows = find_pipe(nlp, Encoder).encode(GERMAN)
    np.testing.assert_allclose(again(rows), alone(rows), atol=1e-5)


def test_languages_fitted_before_stay_when_the_aligner_changes(nlp: Language) -> None:
    fit_projection(nlp, {"sw": SWAHILI})
    before = scores(nlp, SWAHILI, "sw")
    set_aligner(nlp, "Procrustes")
    fit_projection(nlp, {}, translations={"de": PAIRS})
    assert find_pipe(nlp, Projector).languages == ["de", "en", "sw"]
    assert scores(nlp, SWAHILI, "sw") == before


def test_an_aligner_that_needs_translations_says_so(nlp: Language) -> None:
    set_aligner(nlp, "Procrustes")
    with pytest.raises(XltError, match="'de'"):
        fit_projection(nlp, {"de": GERMAN})


def test_an_unknown_aligner(nlp: Language) -> None:
    with pytest.raises(XltError, match="'Magic'.*spacy-xlt.Ridge.v1"):
        set_aligner(nlp, "Magic")


def test_translations_into_the_source(nlp: Language) -> None:
    with pytest.raises(XltError, match="'en' is the source language"):
        fit_projection(nlp, {}, translations={"en": PAIRS})


# What cannot be fitted


@pytest.mark.parametrize("texts", [[], ["", " \n"]])
def test_a_language_without_texts_is_named_and_nothing_changes(nlp: Language, texts: list[str]) -> None:
    with pytest.raises(XltError, match="'sw'"):
        fit_projection(nlp, {"de": GERMAN, "sw": texts})
    assert find_pipe(nlp, Projector).languages == ["en"]


def test_texts_without_a_language(nlp: Language) -> None:
    with pytest.raises(XltError, match="no language"):
        fit_projection(nlp, {"xx": GERMAN})


@pytest.mark.parametrize("name", ["xlt_encoder", "xlt_projector"])
def test_a_pipeline_that_lacks_a_component(nlp: Language, name: str) -> None:
    nlp.remove_pipe(name)
    kind = "Encoder" if name == "xlt_encoder" else "Projector"
    with pytest.raises(XltError, match=kind):
        fit_projection(nlp, {"de": GERMAN})


def test_a_source_that_was_never_seen(tiny_bert: Path) -> None:
    nlp = train(make_records(language="en"), encoder=tiny_bert, source="fr")
    with pytest.raises(XltError, match="'fr'"):
        fit_projection(nlp, {"de": GERMAN})
    fit_projection(nlp, {"fr": FRENCH, "de": GERMAN})
    assert find_pipe(nlp, Projector).languages == ["de", "fr"]

"""Adding dictionaries and other translators to a trained pipeline."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language

pytest.importorskip("transformers")

from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.models import save
from spacy_xlt.pipeline.find import find_pipe, has_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.pipeline.translator import DocTranslator
from spacy_xlt.transfer.add_translator import add_translator
from spacy_xlt.transfer.translation_weights import GRID, Embedded, weight_by_labels
from spacy_xlt.translators.callable import CallableTranslator
from tests.toy import TEXTS, make_pipeline
from tests.translators.functions import shout

ON_EMBEDDING = {"model": {"embed": {"@architectures": "spacy-xlt.DocEmbedding.v1", "attribute": "xlt_embedding"}}}
RUSSIAN = {"ru": [("order", "заказ"), ("password", "пароль"), ("money", "деньги")]}
GERMAN = {"de": [("order", "Bestellung"), ("password", "Passwort")]}
DEV = [Record(text, (label,), "ru", "") for text, label in TEXTS["ru"]]


@pytest.fixture
def nlp(tiny_bert: Path) -> Language:
    return make_pipeline(tiny_bert, config={"xlt_langdetect": {"languages": ["en", "de"]}})


def test_dictionaries(nlp: Language) -> None:
    result = add_translator(nlp, RUSSIAN)
    assert nlp.pipe_names == ["xlt_langdetect", "xlt_translator", "xlt_encoder", "xlt_projector", "xlt_textcat"]
    assert result.accepted and result.settings["weights"] == {"ru": 0.5} and result.metrics == {}
    assert nlp.meta["xlt_transfer"] == [result.to_dict()]
    doc = nlp(TEXTS["ru"][0][0])
    assert doc._.language == "ru" and "order" in doc._.xlt_translation


def test_the_detector_gets_the_languages_and_keeps_its_settings(nlp: Language, tmp_path: Path) -> None:
    result = add_translator(nlp, RUSSIAN)
    assert any("ru" in note for note in result.notes)
    save(nlp, tmp_path / "model")
    for each in (nlp, spacy.load(tmp_path / "model")):
        prior = find_pipe(each, LanguageDetector).prior
        assert set(prior) == {"de", "en", "ru"} and prior["ru"] == pytest.approx(1 / 3)


def test_more_dictionaries_can_be_added(nlp: Language) -> None:
    add_translator(nlp, RUSSIAN)
    add_translator(nlp, GERMAN)
    add_translator(nlp, {"de": [("purchase", "Bestellung")]})
    assert nlp.pipe_names.count("xlt_translator") == 1
    assert find_pipe(nlp, DocTranslator).languages == ["de", "ru"]
    assert "purchase" in nlp(TEXTS["de"][0][0])._.xlt_translation
    assert "order" in nlp(TEXTS["ru"][0][0])._.xlt_translation


def test_development_data_give_metrics_and_weights(nlp: Language) -> None:
    result = add_translator(nlp, RUSSIAN, dev=DEV)
    assert result.metrics["ru"]["n"] == len(DEV)
    assert result.settings["weights"]["ru"] in GRID
    assert find_pipe(nlp, Projector).translation_weight("ru") == result.settings["weights"]["ru"]
    assert result.data["dev"]["texts"] == len(DEV)


SENTENCES = [
    ("my order is late", "мой заказ опаздывает"),
    ("cancel the order", "отмените заказ"),
    ("the password is wrong", "пароль неверный"),
    ("a new password please", "новый пароль пожалуйста"),
]


def test_words_of_parallel_sentences_are_added(nlp: Language) -> None:
    result = add_translator(nlp, pairs={"ru": SENTENCES})
    assert result.settings == {"translator": "Glossary", "languages": ["ru"], "weights": {"ru": 0.5}}
    assert [note for note in result.notes if "4 parallel sentences" in note]
    doc = nlp("Где мой заказ? Я его жду.")
    assert "order" in doc._.xlt_translation


def test_a_dictionary_comes_before_words_of_parallel_sentences(nlp: Language, tmp_path: Path) -> None:
    file = tmp_path / "news.tsv"
    file.write_text("".join(f"{source}\t{text}\n" for source, text in SENTENCES), encoding="utf8")
    add_translator(nlp, {"ru": [("purchase", "заказ")]}, pairs={"ru": file})
    translation = nlp("Где мой заказ? Я забыл пароль.")._.xlt_translation
    assert translation.index("purchase") < translation.index("order") < translation.index("password")


def test_parallel_sentences_that_cannot_be_used(nlp: Language) -> None:
    before = nlp.to_bytes()
    with pytest.raises(XltError, match="'ru'"):
        add_translator(nlp, pairs={"ru": [("order", "заказ")]})
    with pytest.raises(XltError, match="translator"):
        add_translator(nlp, CallableTranslator(shout), pairs={"ru": SENTENCES}, languages=["ru"])
    with pytest.raises(XltError, match="translate with"):
        add_translator(nlp)
    with pytest.raises(XltError, match="'en'"):
        add_translator(nlp, pairs={"en": SENTENCES})
    assert nlp.to_bytes() == before


def test_the_translation_alone_is_used_if_the_encoder_does_not_know_the_letters(nlp: Language) -> None:
    tibetan = {"bo": [("order", "མངགས་ཉོ"), ("password", "གསང་གྲངས"), ("money", "དངུལ")]}
    result = add_translator(nlp, {**tibetan, **RUSSIAN})
    assert result.settings["weights"] == {"bo": 1.0, "ru": 0.5}
    assert [note for note in result.notes if "letters" in note and "'bo'" in note]


def test_a_model_folder_is_changed_in_place(nlp: Language, tmp_path: Path) -> None:
    save(nlp, tmp_path / "model")
    add_translator(tmp_path / "model", RUSSIAN, texts=[text for text, _ in TEXTS["ru"]], language="ru")
    assert "order" in spacy.load(tmp_path / "model")(TEXTS["ru"][0][0])._.xlt_translation


def test_wrong_dictionaries(nlp: Language) -> None:
    texts = {"ru": [text for text, _ in TEXTS["ru"]]}
    with pytest.raises(XltError, match="'ru' are swapped"):
        add_translator(nlp, {"ru": [(word, entry) for entry, word in RUSSIAN["ru"]]}, texts=texts)
    assert not has_pipe(nlp, DocTranslator)
    result = add_translator(nlp, {"ru": GERMAN["de"]}, texts=texts)
    assert any("0%" in note for note in result.notes)


@pytest.mark.parametrize(
    ("translator", "options", "fragment"),
    [
        (shout, {"languages": ["de"]}, "misc"),
        ("no-such-folder", {}, "no-such-folder"),
        (42, {}, "int"),
        (RUSSIAN, {"languages": ["ru"]}, "languages"),
        ({"Klingonese": RUSSIAN["ru"]}, {}, "Klingonese"),
        (RUSSIAN, {"texts": ["a"]}, "language"),
    ],
)
def test_what_cannot_be_added_changes_nothing(nlp: Language, translator: Any, options: Any, fragment: str) -> None:
    with pytest.raises(XltError, match=fragment):
        add_translator(nlp, translator, **options)
    assert not has_pipe(nlp, DocTranslator)


class Shouting(CallableTranslator):
    """A translator that can be written to a config, and does not say which languages it translates."""

    def config(self) -> dict[str, Any]:
        return {"@xlt_translators": "spacy-xlt.Callable.v1", "function": {"@misc": "spacy-xlt-tests.shout.v1"}}


def test_another_translator(nlp: Language) -> None:
    result = add_translator(nlp, Shouting(shout), languages=["German", "en"])
    assert result.settings == {"translator": "Shouting", "languages": ["de"], "weights": {"de": 0.5}}
    assert nlp(TEXTS["de"][0][0])._.xlt_translation.startswith("de-en: MEINE")
    with pytest.raises(XltError, match="Shouting"):
        add_translator(nlp, RUSSIAN)


def test_languages_must_be_named_if_the_translator_does_not_know_them(nlp: Language) -> None:
    with pytest.raises(XltError, match="Shouting") as raised:
        add_translator(nlp, Shouting(shout))
    assert raised.value.parameter == "languages" and not has_pipe(nlp, DocTranslator)


def test_a_head_on_the_embeddings_cannot_use_translations(tiny_bert: Path) -> None:
    with pytest.raises(XltError, match="xlt_projector"):
        add_translator(make_pipeline(tiny_bert, config={"xlt_textcat": ON_EMBEDDING}), RUSSIAN)


# Weights


def embedded(right_by_text: float, right_by_translation: float, n: int = 200) -> tuple[Embedded, Any]:
    """Texts and translations that are right for a share of the texts, and the gold. Vectors are scores."""
    rng = np.random.default_rng(0)
    gold = np.eye(2)[rng.integers(2, size=n)]
    sides = [np.where(rng.random((n, 1)) < share, gold, 1 - gold) for share in (right_by_text, right_by_translation)]
    noise = rng.normal(scale=0.1, size=(2, n, 2))
    return Embedded(*(np.float32(side + each) for side, each in zip(sides, noise))), gold


@pytest.mark.parametrize(
    ("by_text", "by_translation", "expected"),
    [(0.9, 0.1, (0.0, 0.25)), (0.1, 0.9, (0.75, 1.0)), (0.7, 0.7, (0.5,))],
)
def test_the_weight_follows_the_labels(by_text: float, by_translation: float, expected: tuple[float, ...]) -> None:
    texts, gold = embedded(by_text, by_translation)
    assert weight_by_labels(texts, gold, lambda rows: rows) in expected


def test_a_few_texts_do_not_change_the_weight() -> None:
    texts, gold = embedded(1.0, 0.0, n=1)
    assert weight_by_labels(Embedded(texts.projected, texts.projected), gold, lambda rows: rows) == 0.5

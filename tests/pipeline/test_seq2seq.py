"""`xlt_seq2seq`: what it writes, and that streams, copies and files keep it."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin

pytest.importorskip("transformers")
pytest.importorskip("sentencepiece")

from spacy_xlt.errors import XltError, XltWarning
from spacy_xlt.generation.settings import Output
from spacy_xlt.models import save
from spacy_xlt.transfer.translate import translate
from spacy_xlt.translators.find import find_translator
from spacy_xlt.translators.folder import FolderTranslator
from tests.pipeline.test_whole import BAD
from tests.processes import start_method
from tests.translators import tiny

GERMAN = ["Wo ist mein Paket?", "Meine Bestellung ist nicht da. Wo ist sie?\nBitte antworten.", "Paket"]
ALL = [*BAD.values(), *GERMAN]


def make(folder: Path, **config: Any) -> Language:
    nlp = spacy.blank("xx")
    component: Any = nlp.add_pipe("xlt_seq2seq", config=config)
    component.initialize(source=str(folder))
    return nlp


@pytest.fixture(scope="module")
def mt5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # With these random weights, no version of torch and transformers gives an empty output.
    return tiny.make_tiny_mt5(tmp_path_factory.mktemp("seq2seq") / "mt5", initializer_factor=4.0)


@pytest.fixture(scope="module")
def nllb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_tiny_nllb(tmp_path_factory.mktemp("seq2seq") / "nllb")


@pytest.fixture(scope="module")
def nlp(mt5: Path) -> Language:
    """It summarizes, so it needs no language. Tests leave it as it is."""
    return make(mt5, task="summarize")


@pytest.fixture(scope="module")
def saved(nlp: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    save(nlp, folder)
    return folder


def outputs(docs: list[Doc]) -> list[tuple[Any, ...]]:
    return [(doc._.xlt_output, doc._.xlt_output_looped, list(doc._.xlt_output_missing)) for doc in docs]


def run(nlp: Language, texts: list[str] = ALL, **options: Any) -> list[tuple[Any, ...]]:
    """The outputs of a pipeline that has not seen the texts yet."""
    nlp.get_pipe("xlt_seq2seq").forget()  # type: ignore[attr-defined]
    return outputs(list(nlp.pipe(texts, **options)))


def in_german(nlp: Language, texts: list[str] = GERMAN) -> list[Doc]:
    docs = [nlp.make_doc(text) for text in texts]
    for doc in docs:
        doc._.language = "de"
    return docs


class Recorder(FolderTranslator):
    """Takes the place of a model: writes in capitals, and fails on `fail`. A `loop` loops."""

    is_loaded = True  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Any] = []

    def generate(self, texts: Any, languages: Any, targets: Any, settings: Any = None) -> list[Output | None]:
        self.calls.append((list(texts), list(languages), list(targets)))
        if any("fail" in text for text in texts):
            raise RuntimeError("out of order")
        return [
            None if language == "yo" else Output(text.upper(), "loop" in text)
            for text, language in zip(texts, languages)
        ]


def with_recorder(**config: Any) -> tuple[Language, Recorder]:
    nlp = spacy.blank("xx")
    component: Any = nlp.add_pipe("xlt_seq2seq", config=config)
    component.back_end = Recorder()
    return nlp, component.back_end


# What it writes


def test_outputs_are_written_and_marked() -> None:
    nlp, _ = with_recorder(task="reply")
    assert outputs(list(nlp.pipe(["hi", "a loop", "", " \n"]))) == [
        ("HI", False, []),
        ("A LOOP", True, []),
        ("", False, []),
        ("", False, []),
    ]


def test_the_language_of_the_output() -> None:
    nlp, recorder = with_recorder(task="reply")
    list(nlp.pipe(in_german(nlp, ["hallo"])))
    nlp, translator = with_recorder(task="translate", to="Swahili")
    list(nlp.pipe(in_german(nlp, ["hallo"])))
    assert [recorder.calls[0][2], translator.calls[0][2]] == [["de"], ["sw"]]


def test_a_text_in_the_language_of_the_output_is_kept() -> None:
    nlp, recorder = with_recorder(to="de")
    assert [doc._.xlt_output for doc in nlp.pipe(in_german(nlp))] == GERMAN
    assert recorder.calls == []


def test_a_language_that_the_model_does_not_have(nllb: Path) -> None:
    nlp = make(nllb)
    doc = nlp.make_doc("Báwo ni")
    doc._.language = "yo"
    assert nlp(doc)._.xlt_output is None
    assert all(doc._.xlt_output is not None for doc in nlp.pipe(in_german(nlp)))


def test_a_text_that_the_model_fails_on_has_no_output() -> None:
    nlp, _ = with_recorder(task="reply")
    with pytest.warns(XltWarning, match="out of order"):
        docs = list(nlp.pipe(["one", "fail", "three"]))
    assert [doc._.xlt_output for doc in docs] == ["ONE", None, "THREE"]
    assert nlp.get_pipe("xlt_seq2seq").failed == 1  # type: ignore[attr-defined]


def test_values_that_a_translation_loses_are_named() -> None:
    nlp, recorder = with_recorder(glossary={"Blue Card": "Tarjeta Azul"})
    (doc,) = nlp.pipe(in_german(nlp, ["my blue card, order AB-12, me@example.org"]))
    # The recorder writes capitals: the address is found whatever its case, and the term needs its placeholder.
    assert doc._.xlt_output == "MY Tarjeta Azul, ORDER AB-12, me@example.org"
    assert doc._.xlt_output_missing == []
    assert recorder.calls[1][0] == ["my ZX0ZX, order ZX1ZX, ZX2ZX"]
    nlp, _ = with_recorder(glossary={"Blue Card": "Tarjeta Azul"}, protect=False)
    (doc,) = nlp.pipe(in_german(nlp, ["my blue card"]))
    assert doc._.xlt_output == "MY BLUE CARD"


# Real folders


def test_long_texts_are_read_to_their_end(mt5: Path) -> None:
    for task in ("translate", "summarize"):
        nlp = make(mt5, task=task)
        docs = in_german(nlp, ["Wo ist mein Paket? " * 300, "x" * 3000])
        found = outputs(list(nlp.pipe(docs)))
        assert all(output for output, *_ in found)


def test_beams_and_sampling(mt5: Path) -> None:
    greedy = run(make(mt5, task="reply"), GERMAN)
    assert run(make(mt5, task="reply", beams=3), GERMAN) == run(make(mt5, task="reply", beams=3), GERMAN)
    drawn = make(mt5, task="reply", temperature=50.0, seed=1)
    assert run(drawn, GERMAN) == run(drawn, GERMAN, batch_size=1) == run(drawn, GERMAN[::-1])[::-1] != greedy
    assert run(make(mt5, task="reply", temperature=50.0, seed=2), GERMAN) != run(drawn, GERMAN)
    short = run(make(mt5, task="reply", max_length=1), GERMAN)
    assert all(len(output) <= len(long) for (output, *_), (long, *_) in zip(short, greedy))


@pytest.mark.parametrize(
    ("config", "fragment"),
    [
        ({"task": "sing"}, "sing"),
        ({"template": "no field"}, "no field"),
        ({"template": "{text} {mood}"}, "mood"),
        ({"beams": 0}, "0"),
        ({"top_p": 0.0}, "0.0"),
        ({"beams": 2, "temperature": 1.0}, "1.0"),
        ({"max_length": 0}, "0"),
        ({"to": "Klingonic"}, "Klingonic"),
        ({"glossary": [" "]}, "blank"),
        ({"back_end": {"@xlt_translators": "spacy-xlt.Apertium.v1"}}, "Apertium"),
    ],
)
def test_settings_without_sense_are_errors(config: dict[str, Any], fragment: str) -> None:
    with pytest.raises(XltError, match=fragment):
        spacy.blank("xx").add_pipe("xlt_seq2seq", config=config)


def test_a_component_without_a_model_is_an_error() -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_seq2seq")
    with pytest.raises(XltError, match="xlt_seq2seq"):
        nlp("Wo ist mein Paket?")


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(XltError, match=tmp_path.name):
        make(tmp_path)


# Streams, copies and files


def test_a_stream_keeps_its_order(nlp: Language) -> None:
    expected = outputs([nlp(text) for text in ALL])
    assert run(nlp, batch_size=3) == expected
    assert run(nlp, ALL[::-1])[::-1] == expected
    assert any(output for output, *_ in expected)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes(nlp: Language, method: str) -> None:
    expected = run(nlp, GERMAN)
    nlp.get_pipe("xlt_seq2seq").forget()  # type: ignore[attr-defined]
    with start_method(method):
        assert outputs(list(nlp.pipe(GERMAN, n_process=2, batch_size=2))) == expected


def test_round_trips(nlp: Language, saved: Path) -> None:
    expected = run(nlp)
    by_bytes = spacy.blank("xx").from_config(nlp.config).from_bytes(nlp.to_bytes())
    for copy in (spacy.load(saved), by_bytes):
        assert run(copy) == expected
        assert copy.get_pipe("xlt_seq2seq").settings.task == "summarize"  # type: ignore[attr-defined]


def test_docbin_keeps_outputs(nlp: Language) -> None:
    docs = list(nlp.pipe(GERMAN))
    stored = DocBin(docs=docs, store_user_data=True).to_bytes()
    assert outputs(list(DocBin(store_user_data=True).from_bytes(stored).get_docs(nlp.vocab))) == outputs(docs)


# As a translator


def test_a_saved_pipeline_translates(mt5: Path, tmp_path: Path) -> None:
    nlp = make(mt5)
    expected = [doc._.xlt_output for doc in nlp.pipe(in_german(nlp))]
    assert all(expected)
    save(nlp, tmp_path / "model")
    for folder in (tmp_path / "model", tmp_path / "model" / "xlt_seq2seq"):
        assert find_translator(folder).translate(GERMAN, ["de"] * 3, "en") == expected
    records = translate([(text, "order") for text in GERMAN], language="de", to="en", translator=tmp_path / "model")
    assert [record.text for record in records] == expected
    other = spacy.blank("xx")
    component: Any = other.add_pipe("xlt_translator", config={"languages": ["de"]})
    component.translator = find_translator(tmp_path / "model")
    assert [doc._.xlt_translation for doc in other.pipe(in_german(other))] == expected


def test_a_pipeline_without_the_component_is_no_translator(tmp_path: Path) -> None:
    spacy.blank("xx").to_disk(tmp_path / "model")
    with pytest.raises(XltError, match="xlt_seq2seq"):
        find_translator(tmp_path / "model")

"""A mixed stream through the pipeline of each language."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Optional

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import ignore_error

from spacy_xlt import Router
from spacy_xlt.detectors.base import Candidates, Languages
from spacy_xlt.errors import XltError
from tests.detectors.snippets import SENTENCES
from tests.detectors.with_scripts import DETECTOR


@Language.component("tests_mark")
def mark(doc: Doc) -> Doc:
    doc.user_data["route"] = doc.lang_
    return doc


@Language.component("tests_refuse")
def refuse(doc: Doc) -> Doc:
    if "refuse" in doc.text:
        raise ValueError(doc.text)
    return doc


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small pipeline of each language."""
    found = {}
    for language in ("de", "en", "fr", "ru", "xx"):
        nlp = spacy.blank(language)
        nlp.add_pipe("tests_mark")
        found[language] = tmp_path_factory.mktemp("pipelines") / language
        nlp.to_disk(found[language])
    return found


@pytest.fixture
def router(folders: dict[str, Path]) -> Router:
    return Router({"de": folders["de"], "en": str(folders["en"]), "ru": spacy.load(folders["ru"]), "*": folders["xx"]})


def routes(docs: Iterator[Doc]) -> list[str]:
    return [doc.user_data.get("route", doc.lang_) for doc in docs]


STREAM = ["de", "en", "ru", "fr", "en", "ja", "de", "ru", "sw"]


def test_each_text_goes_to_the_pipeline_of_its_language_in_order(router: Router) -> None:
    docs = list(router.pipe(SENTENCES[language] for language in STREAM))
    assert [doc.text for doc in docs] == [SENTENCES[language] for language in STREAM]
    assert [doc._.language for doc in docs] == STREAM
    assert routes(iter(docs)) == ["de", "en", "ru", "xx", "en", "xx", "de", "ru", "xx"]
    assert all(doc._.language_candidates[doc._.language] == doc._.language_score > 0.9 for doc in docs)


def test_a_text_that_an_error_handler_left_out_moves_no_other(folders: dict[str, Path]) -> None:
    german = spacy.blank("de")
    german.add_pipe("tests_refuse")
    german.set_error_handler(ignore_error)
    router = Router({"de": german, "*": folders["xx"]})
    texts = [SENTENCES["en"], f"{SENTENCES['de']} refuse", SENTENCES["de"], SENTENCES["ru"]]
    docs = list(router.pipe(texts))
    assert [(doc.text, doc._.language) for doc in docs] == [
        (text, language) for text, language in zip(texts, ["en", "de", "de", "ru"]) if "refuse" not in text
    ]


@pytest.mark.parametrize("chunk_size", [1, 2, 4, 100])
@pytest.mark.parametrize("max_loaded", [1, 2, 9])
def test_chunks_and_memory_change_nothing(folders: dict[str, Path], chunk_size: int, max_loaded: int) -> None:
    pipelines = {"*" if language == "xx" else language: folder for language, folder in folders.items()}
    router = Router(pipelines, chunk_size=chunk_size, max_loaded=max_loaded)
    assert routes(router.pipe([SENTENCES[language] for language in STREAM])) == [
        "de",
        "en",
        "ru",
        "fr",
        "en",
        "xx",
        "de",
        "ru",
        "xx",
    ]
    assert len(router._loaded) <= max_loaded


def test_pipelines_are_loaded_when_they_are_needed_and_the_oldest_goes(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    load = spacy.load
    monkeypatch.setattr(spacy, "load", lambda source: loaded.append(Path(source).name) or load(source))
    router = Router({"de": folders["de"], "en": folders["en"], "fr": folders["fr"]}, max_loaded=2)
    assert loaded == []
    for language in ("de", "en", "de", "fr", "de", "en"):
        router(SENTENCES[language])
    assert loaded == ["de", "en", "fr", "en"]


def test_texts_without_a_language_go_to_the_others(router: Router, folders: dict[str, Path]) -> None:
    texts = ["", "123", "😡", SENTENCES["de"]]
    assert routes(router.pipe(texts)) == ["xx", "xx", "xx", "de"]
    assert [(doc._.language, doc._.language_score) for doc in router.pipe(texts[:3])] == [("xx", 0.0)] * 3
    assert [doc.lang_ for doc in Router({"de": folders["de"]}).pipe(texts)] == ["xx", "xx", "xx", "de"]


def test_without_others_the_languages_of_the_pipelines_are_the_prior(folders: dict[str, Path]) -> None:
    router = Router({"deu": folders["de"], "en-GB": folders["en"]})
    assert {doc._.language for doc in router.pipe(["casa", "mein", "no", SENTENCES["it"]])} <= {"de", "en"}


def test_below_the_threshold_a_text_goes_to_the_others(folders: dict[str, Path]) -> None:
    class Unsure:
        def detect(self, texts: Sequence[str], languages: Optional[Languages] = None) -> list[Candidates]:
            return [[("de", 0.6)] for _ in texts]

    pipelines = {"de": folders["de"], "*": folders["xx"]}
    assert routes(Router(pipelines, detector=Unsure(), threshold=0.5).pipe(["a"])) == ["de"]
    assert routes(Router(pipelines, detector=Unsure(), threshold=0.7).pipe(["a"])) == ["xx"]


def marked(route: str) -> Language:
    """A pipeline that writes its name on the Doc."""
    nlp = spacy.blank("xx")
    nlp.meta["name"] = route
    nlp.add_pipe("tests_mark_name", config={"route": route})
    return nlp


@Language.factory("tests_mark_name")
def make_mark_name(nlp: Language, name: str, route: str) -> Any:
    def write(doc: Doc) -> Doc:
        doc.user_data["route"] = route
        return doc

    return write


@pytest.mark.parametrize(
    ("pipelines", "expected"),
    [
        (("zh", "zh_Hant", "*"), ["zh", "zh_Hant", "*", "*"]),
        (("zho_Hans", "zh-TW", "sr"), ["zho_Hans", "zh-TW", "sr", "xx"]),
        (("zh", "srp_Cyrl", "*"), ["zh", "zh", "*", "*"]),
        (("zh_Hant", "srp_Latn", "de", "*"), ["*", "zh_Hant", "srp_Latn", "*"]),
    ],
)
def test_a_pipeline_for_a_script(pipelines: tuple[str, ...], expected: list[str]) -> None:
    router = Router({code: marked(code) for code in pipelines}, detector=DETECTOR, languages=[])
    docs = list(router.pipe(["simplified", "traditional", "serbian", "noise"]))
    assert routes(iter(docs)) == expected
    assert [(doc._.language, doc._.language_script) for doc in docs] == [
        ("zh", "zho_Hans"),
        ("zh", "zho_Hant"),
        ("sr", "srp_Latn"),
        ("xx", "xx"),
    ]


def test_the_scripts_of_the_pipelines_are_the_prior() -> None:
    router = Router({"zh_Hant": marked("traditional"), "de": marked("german")}, detector=DETECTOR)
    assert routes(router.pipe(["simplified", "traditional", "german"])) == ["traditional", "traditional", "german"]


def test_of_a_detector_without_scripts_the_only_pipeline_of_the_language_has_all_texts() -> None:
    class Chinese:
        def detect(self, texts: Sequence[str], languages: Optional[Languages] = None) -> list[Candidates]:
            return [[("zh", 0.9)] for _ in texts]

    for codes, expected in ((("zh_Hant",), "zh_Hant"), (("zh_Hant", "zh_Hans"), "*"), (("zh_Hant", "zh"), "zh")):
        router = Router({code: marked(code) for code in (*codes, "*")}, detector=Chinese())
        assert routes(router.pipe(["text"])) == [expected]


def test_settings_of_the_pipelines_are_passed_on(router: Router) -> None:
    docs = list(router.pipe([SENTENCES["de"]] * 3, batch_size=1, disable=["tests_mark"]))
    assert [doc.user_data.get("route") for doc in docs] == [None] * 3


def test_the_stream_is_read_no_further_than_a_chunk(folders: dict[str, Path]) -> None:
    read = []

    def texts() -> Iterator[str]:
        for number in range(100):
            read.append(number)
            yield f"Wo bleibt das Paket {number}?"

    stream = Router({"de": folders["de"]}, chunk_size=5).pipe(texts())
    next(stream)
    assert len(read) == 5


@pytest.mark.parametrize(
    ("pipelines", "settings", "message"),
    [
        ({"xx": "a"}, {}, "'xx' names no language"),
        ({"germna": "a"}, {}, r"'germna'.*German"),
        ({"de": "a", "deu": "b"}, {}, "two pipelines for 'de'"),
        ({"zh_Hant": "a", "zh-TW": "b"}, {}, "two pipelines for 'zho_Hant'"),
        ({"de": "a"}, {"max_loaded": 0}, "max_loaded is at least 1, not 0"),
        ({"de": "a"}, {"chunk_size": 0}, "chunk_size is at least 1, not 0"),
    ],
)
def test_mistakes(pipelines: dict[str, str], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(XltError, match=message):
        Router(pipelines, **settings)


def test_a_pipeline_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(XltError, match="the pipeline for 'de', no_such_package, is neither"):
        Router({"de": "no_such_package"})(SENTENCES["de"])

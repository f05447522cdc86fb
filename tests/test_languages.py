"""Language codes: every code of a tool or a data set has one base code."""

from typing import Optional

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spacy_xlt.errors import XltError
from spacy_xlt.languages import (
    UNKNOWN,
    add_by_base_code,
    base_code,
    canonical_code,
    find_code,
    find_language,
    full_code,
    is_known,
    name,
    script,
)
from tests import sib200
from tests.data.codes import FLORES, GATITOS, NTREX


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
        ("ace_Arab", "ace"),
        ("azb", "az"),
        ("din", "dik"),
        ("gaz", "om"),
        ("knc_Arab", "kr"),
        ("mey", "ar"),
        ("nde", "nd"),
        ("srd", "sc"),
        ("tah", "ty"),
        ("ven", "ve"),
        ("chm", "mhr"),
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


@pytest.mark.parametrize("code", sorted({*FLORES, *NTREX, *GATITOS}))
def test_codes_of_the_data_sets_have_a_base_code_a_name_and_a_script(code: str) -> None:
    assert is_known(code)
    assert name(code) != code
    assert base_code(base_code(code)) == base_code(code)
    assert base_code(full_code(code)) == base_code(code)
    if "_" in code:
        assert script(code) == code.partition("_")[2]


@pytest.mark.parametrize("code", FLORES)
def test_codes_of_flores_are_spelled_as_flores_spells_them(code: str) -> None:
    assert canonical_code(code) in (code, base_code(code))
    assert full_code(code) == code or base_code(full_code(code)) == canonical_code(code)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("zho_Hant", "Hant"),
        ("zh-TW", "Hant"),
        ("zh_hk", "Hant"),
        ("zh-cn", "Hans"),
        ("zh-Hans-TW", "Hans"),
        ("sr-Latn", "Latn"),
        ("sr-Latn-RS", "Latn"),
        ("SRP_CYRL", "Cyrl"),
        ("pa-PK", "Arab"),
        ("kor_Kore", "Hang"),
        ("zh", None),
        ("de-AT", None),
        ("deu", None),
        ("de-1901", None),
        ("", None),
    ],
)
def test_script(code: str, expected: Optional[str]) -> None:
    assert script(code) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("zh-TW", "zho_Hant"),
        ("cmn_Hant", "zho_Hant"),
        ("zh_Hans", "zho_Hans"),
        ("zh", "zh"),
        ("sr-Latn", "srp_Latn"),
        ("srp", "sr"),
        ("hi-Latn", "hin_Latn"),
        ("arz_Arab", "arz_Arab"),
        ("ara_Arab", "arb_Arab"),
        ("prs_Arab", "prs_Arab"),
        ("twi_Latn", "twi_Latn"),
        ("arz", "ar"),
        ("deu_Latn", "de"),
        ("nb_Latn", "no"),
        ("nno_Latn", "nn"),
        ("pt-BR", "pt"),
        ("deu_Cyrl", "deu_Cyrl"),
        ("tlh-Latn", "tlh_Latn"),
        ("und-Latn", "xx"),
    ],
)
def test_canonical_code(code: str, expected: str) -> None:
    assert canonical_code(code) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("de", "deu_Latn"),
        ("pt-BR", "por_Latn"),
        ("ar", "arb_Arab"),
        ("hi", "hin_Deva"),
        ("hi-Latn", "hin_Latn"),
        ("zh-TW", "zho_Hant"),
        ("ceb", "ceb_Latn"),
        ("zh", "zh"),
        ("sr", "sr"),
        ("tlh", "tlh"),
        ("xx", "xx"),
    ],
)
def test_full_code(code: str, expected: str) -> None:
    assert full_code(code) == expected


CODES = st.one_of(
    st.sampled_from([*FLORES, *NTREX, *GATITOS]),
    st.from_regex(r"[a-z]{2,3}([_-][A-Za-z]{2,4})?", fullmatch=True),
    st.text(max_size=12),
)


@settings(deadline=None)
@example("0\r_")
@example(" zh _Hant")
@given(CODES)
def test_one_spelling_and_the_same_language(code: str) -> None:
    canonical, full = canonical_code(code), full_code(code)
    assert canonical_code(canonical) == canonical
    assert full_code(full) == full == full_code(canonical)
    assert base_code(code) == base_code(canonical) == base_code(full)
    assert script(canonical) in (None, script(code))


@given(st.lists(st.tuples(CODES, st.integers(0, 9))))
def test_adding_by_base_code_loses_nothing(pairs: list[tuple[str, int]]) -> None:
    sums = add_by_base_code(pairs)
    assert sum(sums.values()) == sum(number for _, number in pairs)
    assert list(sums) == list(dict.fromkeys(base_code(code) for code, _ in pairs))


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


@pytest.mark.parametrize(("language", "code"), [("zh-TW", "zho_Hant"), ("German", "de"), ("sr-Latn", "srp_Latn")])
def test_a_code_is_found_with_its_script(language: str, code: str) -> None:
    assert find_code(language) == code

"""What the default detector answers where the question has no obvious answer.

Every test is an expectation of the detector `spacy-xlt.NGrams.v2`, which tells scripts apart and answers `xx`; they are
skipped where it is not registered. The rules behind them:

- Hindi, Arabic and Greek in Latin letters are unknown, or are taken for another language with a low score, since there
  is no training text of them.
- Serbian is Serbian in both scripts; in Latin letters Bosnian and Croatian are right too (one language by its words).
- Bokmål has the base code `no`, Nynorsk `nn`; `nb` and `no` in a prior are the same.
- Chinese is `zh` in both scripts, and the script says which; Cantonese is `yue`.
"""

from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.util import registry

from spacy_xlt import registries as _registries  # noqa: F401

NAME = "spacy-xlt.NGrams.v2"
_detectors: Any = registry.xlt_detectors  # type: ignore[attr-defined]

pytestmark = pytest.mark.skipif(NAME not in _detectors.get_all(), reason=f"{NAME} is not registered")

ROMANIZED_HINDI = [
    "mera parcel abhi tak nahi aaya hai, kripya bataiye kab milega",
    "aap kaise hain, bahut din ho gaye baat kiye hue",
    "mujhe apna password badalna hai lekin app khul nahi raha hai",
    "kal hum log dilli ja rahe hain, tum bhi saath chalo na",
]
ARABIZI = [
    "ana mesh 3aref feen el tard elly talabto men esbo3een",
    "7abibi enta feen, ana mestanneek men el sob7",
    "3ayez a8ayar el password beta3 el 7esab bta3y",
    "kol sana wenta tayeb ya sadee2y, nshoofak bokra inshallah",
]
GREEKLISH = [
    "pou einai to paketo pou paraggeila prin apo dyo evdomades",
    "den mporo na allakso ton kodiko tou logariasmou mou",
    "kalimera ti kaneis simera, pame gia kafe to apogevma",
    "thelo ta lefta mou piso giati to proion itan xalasmeno",
]
SERBIAN_CYRILLIC = [
    "Где је пакет који сам наручио пре две недеље?",
    "Не могу да променим лозинку свог налога.",
    "Сутра ћемо отићи код баке у село и остати до недеље.",
]
SERBIAN_LATIN = [
    "Gde je paket koji sam poručio pre dve nedelje?",
    "Ne mogu da promenim lozinku svog naloga, molim vas pomozite.",
    "Sutra ćemo otići kod bake u selo i ostati do nedelje.",
]
BOKMAL = [
    "Hvor er pakken som jeg bestilte for to uker siden?",
    "Jeg får ikke endret passordet til kontoen min.",
    "I morgen skal vi reise til bestemor og bli der hele uken.",
]
NYNORSK = [
    "Kvar er pakka som eg tinga for to veker sidan?",
    "Eg får ikkje endra passordet til kontoen min.",
    "I morgon skal me reisa til bestemor og verta verande der heile veka.",
]
SIMPLIFIED = [
    "我两个星期前订的包裹在哪里？",
    "我无法更改账户的密码，请帮助我。",
    "这个应用程序每次打开都会忘记我的设置。",
]
TRADITIONAL = [
    "我兩個星期前訂的包裹在哪裡？",
    "我無法更改帳戶的密碼，請幫助我。",
    "這個應用程式每次打開都會忘記我的設定。",
]
CANTONESE = [
    "我兩個禮拜之前訂嘅包裹喺邊度呀？",
    "點解我改唔到個戶口嘅密碼㗎？",
    "聽日我哋去阿婆屋企食飯，你嚟唔嚟呀？",
]
UNKNOWN = [
    "xkq wvzp qqrj tttz bnmx plkj zzxw",
    "for (int i = 0; i < n; i++) { sum += a[i] * b[i]; }",
    "a3f9c2e1b7d84f60 9e8d7c6b5a4f3e2d 0f1e2d3c4b5a6978",
    "ÃÂ¤ÃÂ¶ÃÂ¼ Ã¢â¬â¢ Ã©Ã¨Ã Ã§ ÃÂ±ÃÂ³",
]


@pytest.fixture(scope="module")
def nlp() -> Language:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_langdetect", config={"detector": {"@xlt_detectors": NAME}})
    return nlp


def ids(texts: list[str]) -> list[str]:
    return [str(number) for number in range(len(texts))]


def answer(nlp: Language, text: str) -> tuple[str, str]:
    doc = nlp(text)
    return doc._.language, doc._.language_script


@pytest.mark.parametrize(
    ("texts", "own"),
    [(ROMANIZED_HINDI, "hi"), (ARABIZI, "ar"), (GREEKLISH, "el")],
    ids=["romanized Hindi", "Arabizi", "Greeklish"],
)
def test_other_scripts_in_latin_letters_are_unknown_or_have_a_low_score(
    nlp: Language, texts: list[str], own: str
) -> None:
    for doc in nlp.pipe(texts):
        assert doc._.language in (own, "xx") or doc._.language_score < 0.5


def test_romanized_hindi_is_mostly_unknown(nlp: Language) -> None:
    assert sum(doc._.language in ("hi", "xx") for doc in nlp.pipe(ROMANIZED_HINDI)) >= 3


@pytest.mark.parametrize("text", SERBIAN_CYRILLIC, ids=ids(SERBIAN_CYRILLIC))
def test_serbian_in_cyrillic_letters(nlp: Language, text: str) -> None:
    assert answer(nlp, text) == ("sr", "srp_Cyrl")


@pytest.mark.parametrize("text", SERBIAN_LATIN, ids=ids(SERBIAN_LATIN))
def test_serbian_in_latin_letters(nlp: Language, text: str) -> None:
    assert answer(nlp, text) in (("sr", "srp_Latn"), ("bs", "bos_Latn"), ("hr", "hrv_Latn"))


def test_serbian_in_latin_letters_with_given_languages() -> None:
    nlp = spacy.blank("xx")
    detector = {"@xlt_detectors": NAME}
    nlp.add_pipe("xlt_langdetect", config={"detector": detector, "languages": ["sr", "en", "de"]})
    assert [answer(nlp, text) for text in SERBIAN_LATIN] == [("sr", "srp_Latn")] * len(SERBIAN_LATIN)
    assert [answer(nlp, text) for text in SERBIAN_CYRILLIC] == [("sr", "srp_Cyrl")] * len(SERBIAN_CYRILLIC)


@pytest.mark.parametrize("text", BOKMAL, ids=ids(BOKMAL))
def test_bokmal(nlp: Language, text: str) -> None:
    assert answer(nlp, text) == ("no", "nob_Latn")


@pytest.mark.parametrize("text", NYNORSK, ids=ids(NYNORSK))
def test_nynorsk(nlp: Language, text: str) -> None:
    assert answer(nlp, text) == ("nn", "nno_Latn")


@pytest.mark.parametrize("code", ["no", "nb", "nob_Latn"])
def test_bokmal_in_a_prior(code: str) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_langdetect", config={"detector": {"@xlt_detectors": NAME}, "languages": [code, "en"]})
    assert [answer(nlp, text)[0] for text in BOKMAL] == ["no"] * len(BOKMAL)


@pytest.mark.parametrize("text", SIMPLIFIED, ids=ids(SIMPLIFIED))
def test_simplified_chinese(nlp: Language, text: str) -> None:
    assert answer(nlp, text) == ("zh", "zho_Hans")


@pytest.mark.parametrize("text", TRADITIONAL, ids=ids(TRADITIONAL))
def test_traditional_chinese(nlp: Language, text: str) -> None:
    assert answer(nlp, text) == ("zh", "zho_Hant")


@pytest.mark.parametrize("text", CANTONESE, ids=ids(CANTONESE))
def test_cantonese(nlp: Language, text: str) -> None:
    assert answer(nlp, text)[0] == "yue"


@pytest.mark.parametrize("text", UNKNOWN, ids=ids(UNKNOWN))
def test_a_text_in_no_language_is_unknown(nlp: Language, text: str) -> None:
    assert answer(nlp, text) == ("xx", "xx")
    assert nlp(text)._.language_score == 0.0

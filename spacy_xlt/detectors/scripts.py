"""The Unicode scripts of characters, and the languages that are written in each script.

Some scripts identify a language (Kana, Hangul, Thai, Greek and others). Cyrillic, Arabic and Devanagari narrow the
choice. This is more reliable than any model.
"""

import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Codepoints = NDArray[np.uint32]

# The name of a script, its ranges, and the languages that are written in it. Latin (*) has every language that is in no
# other row, and those in _ALSO_LATIN.
_TABLE = """
Latin 0041-005A,0061-007A,00AA,00BA,00C0-00D6,00D8-00F6,00F8-02AF,1D00-1DBF,1E00-1EFF,2C60-2C7F,A720-A7FF *
Latin AB30-AB6F,FB00-FB06,FF21-FF3A,FF41-FF5A *
Greek 0370-03FF,1F00-1FFF el,grc
Cyrillic 0400-052F,1C80-1C8F,2DE0-2DFF ru,uk,be,bg,sr,mk,kk,ky,tg,tt,mn,ba,cv,ce,os,av,ab,kv,uz,az,sah
Cyrillic A640-A69F rue,tyv,xal,myv,mdf,mhr,mrj,lez,inh,kbd,krc,bxr,koi,udm,kum,lbe,nog,crh
Armenian 0530-058F,FB13-FB17 hy,hyw
Hebrew 0590-05FF,FB1D-FB4F he,yi,hbo
Arabic 0600-06FF,0750-077F,0870-08FF,FB50-FDFF,FE70-FEFE ar,fa,ur,ps,ckb,ku,sd,ug,ks,azb,pnb,mzn,glk,skr,lrc,sdh,uzs
Syriac 0700-074F arc,syr
Thaana 0780-07BF dv
Nko 07C0-07FF nqo
Devanagari 0900-097F,A8E0-A8FF hi,mr,ne,sa,bho,mai,gom,new,awa,mag,hne,ks,sd,doi,brx,dty
Bengali 0980-09FF bn,as,bpy
Gurmukhi 0A00-0A7F pa
Gujarati 0A80-0AFF gu
Oriya 0B00-0B7F or
Tamil 0B80-0BFF ta
Telugu 0C00-0C7F te
Kannada 0C80-0CFF kn
Malayalam 0D00-0D7F ml
Sinhala 0D80-0DFF si
Thai 0E00-0E7F th
Lao 0E80-0EFF lo
Tibetan 0F00-0FFF bo,dz
Myanmar 1000-109F,A9E0-A9FF,AA60-AA7F my,shn,mnw
Georgian 10A0-10FF,1C90-1CBF,2D00-2D2F ka,xmf
Hangul 1100-11FF,3130-318F,A960-A97F,AC00-D7FF,FFA0-FFDF ko
Ethiopic 1200-139F,2D80-2DDF,AB00-AB2F am,ti
Khmer 1780-17FF km
Mongolian 1800-18AF mn
Olchiki 1C50-1C7F sat
Tifinagh 2D30-2D7F zgh,ber,tzm
Bopomofo 3100-312F,31A0-31BF zh
Kana 3040-30FF,31F0-31FF,FF66-FF9F ja
Han 2E80-2FDF,3005-3007,3400-4DBF,4E00-9FFF,F900-FAFF,20000-3FFFF zh,ja,yue,wuu
"""
# Languages of other scripts that are also written in Latin letters.
_ALSO_LATIN = {"sr", "az", "uz", "ku", "ms", "kk", "crh", "tt", "ber", "tzm", "kbd"}
# A letter of these scripts carries as much information as three letters of an alphabet.
_WEIGHTS = {"Kana": 3.0, "Han": 3.0, "Hangul": 3.0, "Bopomofo": 3.0}
# Historical languages, and Chinese varieties that are similar in writing. They need a request in `languages`.
ON_REQUEST = frozenset({"yue", "wuu", "grc", "hbo"})


def _read_table() -> tuple[list[str], list[tuple[int, int, int]], list[tuple[str, ...]]]:
    languages: dict[str, list[str]] = {"": []}
    ranges = []
    for line in _TABLE.strip().splitlines():
        name, spans, codes = line.split()
        languages.setdefault(name, []).extend(codes.split(","))
        for span in spans.split(","):
            first, _, last = span.partition("-")
            ranges.append((int(first, 16), int(last or first, 16), list(languages).index(name)))
    return list(languages), ranges, [tuple(codes) for codes in languages.values()]


NAMES, _RANGES, _LANGUAGES = _read_table()
NO_SCRIPT, LATIN, KANA, HAN = 0, 1, NAMES.index("Kana"), NAMES.index("Han")
_ELSEWHERE = frozenset(code for codes in _LANGUAGES for code in codes) - _ALSO_LATIN
WEIGHTS = np.array([0.0] + [_WEIGHTS.get(name, 1.0) for name in NAMES[1:]])


def languages_of(script: int) -> tuple[str, ...]:
    """Return the base codes of the languages of a script other than Latin, the most common first."""
    return _LANGUAGES[script]


def is_written_in(language: str, script: int) -> bool:
    """Whether texts of a language (base code) can be in a script (its number in `NAMES`)."""
    return language not in _ELSEWHERE if script == LATIN else language in _LANGUAGES[script]


def has_own_script(language: str) -> bool:
    """Whether a language is never written in Latin letters, so that its script limits the possible languages."""
    return language in _ELSEWHERE


@lru_cache(maxsize=1)
def _script_numbers() -> NDArray[np.uint8]:
    """Return the number of the script of every letter and mark up to U+3FFFF."""
    numbers = np.zeros(0x40000, dtype=np.uint8)
    for first, last, number in _RANGES:
        numbers[first : last + 1] = number
    # The ranges include digits and punctuation, which do not identify a script.
    for code in range(0x10000):
        if numbers[code] and unicodedata.category(chr(code))[0] not in "LM":
            numbers[code] = NO_SCRIPT
    return numbers


def to_codepoints(text: str) -> Codepoints:
    """Return the code points `[n]` of a text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def to_text(codepoints: Codepoints) -> str:
    """Return the text of code points `[n]`."""
    return codepoints.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def script_of(codepoints: Codepoints) -> NDArray[np.uint8]:
    """Return the script `[n]` of each code point `[n]`, as an index into `NAMES`. It is 0 for non-letters."""
    numbers = _script_numbers()
    found: NDArray[np.uint8] = numbers[np.minimum(codepoints, len(numbers) - 1)]
    return found

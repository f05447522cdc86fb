"""What is done to a text before any model sees it: controls, addresses, mentions and code go, long texts are sampled.

Back ends raise on surrogates and NUL, answer something for digits, take an address for a language, and some need
minutes for a megabyte. None of that can happen to what `prepare` returns.
"""

import re
import unicodedata

from spacy_xlt.text import has_letters, strip_controls

# Of a long text, so many characters each of its start, middle and end: more changes no answer and costs time.
WINDOW_CHARS = 300
# Addresses and code are looked for in windows so much longer: the expressions do not run over a megabyte.
RAW_WINDOW_CHARS = 2000

_SUSPECT = re.compile(r"[@<`&/#]|www\.", re.IGNORECASE)
# Each piece is linear: a megabyte of `@` must not take a minute.
_NOISE = re.compile(
    r"""
      ```.*?(?:```|\Z)                                      # fenced code
    | `[^`\n]*`                                             # inline code
    | <(?:style|script)\b[^<>]*>[^<]*                       # markup that is no text
    | </?[a-z!][^<>]*>                                      # tags
    | &(?:\#\w{1,8}|\w{1,32});                              # entities
    | (?:https?|ftp|file)://\S*
    | \bwww\.\S+
    | (?<![\w.])[\w.+-]{1,64}@\w[\w.-]{0,64}\.\w{2,}         # mail
    | (?<!\w)@\w+                                           # mentions
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
# Serial numbers, hashes: letters and at least two digits in one ASCII word.
_MIXED_WORD = re.compile(r"(?<!\w)(?=[a-z0-9]*[a-z])[a-z0-9]*\d[a-z0-9]*\d[a-z0-9]*(?!\w)", re.IGNORECASE)
_TWO_DIGITS = re.compile(r"\d\D{0,40}\d")
_CODE_SIGN = re.compile(r"[{}\[\]();=<>+*|\\^~_$]")
# A text is program code if it has this many of these signs, and they are this share of its characters.
CODE_SIGNS, CODE_SHARE = 8, 0.2
_LETTER = re.compile(r"[^\W\d_]")


def sample_windows(text: str, size: int) -> str:
    """Return the text, or of a long one `size` characters each of its start, middle and end."""
    if len(text) <= 3 * size:
        return text
    middle = (len(text) - size) // 2
    return " ".join((text[:size], text[middle : middle + size], text[-size:]))


def prepare(text: str) -> str:
    """Return what a language can be told from; the empty string if that is nothing.

    Control characters and lone surrogates are spaces; URLs, mail addresses, @mentions, markup, serial numbers and code
    are gone; a text all in capitals is in lower case; accents are composed (NFC); white space is one space; at most
    three windows of `WINDOW_CHARS` are left.
    """
    cleaned = _clean(sample_windows(text, RAW_WINDOW_CHARS))
    if not cleaned and len(text) > 3 * RAW_WINDOW_CHARS:
        # The windows are all digits or code: begin at the first letter between them.
        first = _LETTER.search(text, RAW_WINDOW_CHARS)
        if first:
            cleaned = _clean(text[first.start() : first.start() + RAW_WINDOW_CHARS])
    return cleaned


def _clean(text: str) -> str:
    text = strip_controls(text)
    if _SUSPECT.search(text):
        text = _NOISE.sub(" ", text)
    if _TWO_DIGITS.search(text):
        text = _MIXED_WORD.sub(" ", text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = sample_windows(" ".join(text.split()), WINDOW_CHARS)
    if not has_letters(text) or _is_code(text):
        return ""
    return text.lower() if text.isupper() else text


def _is_code(text: str) -> bool:
    signs = len(_CODE_SIGN.findall(text))
    return signs >= CODE_SIGNS and signs >= CODE_SHARE * (len(text) - text.count(" "))

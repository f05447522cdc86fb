"""Prepare texts for language detection: remove controls, addresses, mentions and code, and shorten long texts.

Without this, back ends raise errors for surrogates and NUL characters, return a language for digits and addresses, and
take minutes for a text of a million characters.
"""

import re
import unicodedata

from spacy_xlt.text import has_letters, strip_controls

# A long text is shortened to three windows of this number of characters: its start, middle and end. Longer windows take
# more time and rarely change the result.
WINDOW_CHARS = 300
# Addresses and code are removed from windows of this length, so that the regular expressions never scan a megabyte.
RAW_WINDOW_CHARS = 2000

_SUSPECT = re.compile(r"[@<`&/#]|www\.", re.IGNORECASE)
# Each alternative takes linear time, so that a megabyte of `@` is no problem.
_NOISE = re.compile(
    r"""
      ```.*?(?:```|\Z)                                      # fenced code
    | `[^`\n]*`                                             # inline code
    | <(?:style|script)\b[^<>]*>[^<]*                       # scripts and styles
    | </?[a-z!][^<>]*>                                      # tags
    | &(?:\#\w{1,8}|\w{1,32});                              # entities
    | (?:https?|ftp|file)://\S*
    | \bwww\.\S+
    | (?<![\w.])[\w.+-]{1,64}@\w[\w.-]{0,64}\.\w{2,}         # mail
    | (?<!\w)@\w+                                           # mentions
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
# Serial numbers and hashes: ASCII words of letters and at least two digits.
_MIXED_WORD = re.compile(r"(?<!\w)(?=[a-z0-9]*[a-z])[a-z0-9]*\d[a-z0-9]*\d[a-z0-9]*(?!\w)", re.IGNORECASE)
_TWO_DIGITS = re.compile(r"\d\D{0,40}\d")
_CODE_SIGN = re.compile(r"[{}\[\]();=<>+*|\\^~_$]")
# A text is program code if it has at least this number of these signs, and if they have this share of its characters.
CODE_SIGNS, CODE_SHARE = 8, 0.2
_LETTER = re.compile(r"[^\W\d_]")


def sample_windows(text: str, size: int) -> str:
    """Shorten a long text to windows of `size` characters at its start, middle and end."""
    if len(text) <= 3 * size:
        return text
    middle = (len(text) - size) // 2
    return " ".join((text[:size], text[middle : middle + size], text[-size:]))


def prepare(text: str) -> str:
    """Return the part of a text that is useful for language detection.

    - Control characters and lone surrogates are replaced by spaces, and white space by single spaces.
    - URLs, email addresses, @mentions, markup, serial numbers and code are removed.
    - A text in capitals is converted to lower case, and accents are composed (NFC).
    - A long text is shortened to three windows of `WINDOW_CHARS`.

    Args:
        text: The text.

    Returns:
        The prepared text. It is empty if no letters are left or if the text is code.
    """
    cleaned = _clean(sample_windows(text, RAW_WINDOW_CHARS))
    if not cleaned and len(text) > 3 * RAW_WINDOW_CHARS:
        # The windows have only digits or code, so the window begins at the first letter after the first one.
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

"""Small facts about a text that several modules need."""

import re
import unicodedata
from itertools import islice

_SURROGATES = re.compile("[\ud800-\udfff]")


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates by U+FFFD: spaCy, tokenizers and UTF-8 files refuse them."""
    return _SURROGATES.sub("\ufffd", text) if has_surrogates(text) else text


def has_surrogates(text: str) -> bool:
    """Whether there are lone surrogates in the text."""
    try:  # five times as fast as a search
        text.encode("utf8")
    except UnicodeEncodeError:
        return True
    return False


def has_letters(text: str, at_least: int = 1) -> bool:
    """Whether the text has so many letters (Unicode category L*), which is what a language can be told from."""
    return sum(1 for _ in islice(filter(str.isalpha, text), at_least)) >= at_least


def strip_controls(text: str) -> str:
    """Put a space for every control, format, private and surrogate character (category C*), line breaks included."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)

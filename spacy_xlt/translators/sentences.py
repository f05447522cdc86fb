"""Split texts into sentences for models that translate one sentence at a time."""

import re
from collections.abc import Callable, Sequence
from typing import Optional

# The end of a line; the end of a sentence before a space; the end of a sentence in scripts without spaces.
_END = re.compile(r"\s*\n\s*|(?<=[.!?…։؟۔।॥။།༎።])\s+|(?<=[。！？])\s*")


def split_sentences(text: str) -> list[str]:
    """Split a text into sentences by punctuation and line ends. Blank sentences are left out."""
    return [sentence.strip() for sentence in _END.split(text) if sentence.strip()]


def translate_sentences(
    texts: Sequence[str], translate: Callable[[list[str]], Sequence[Optional[str]]]
) -> list[Optional[str]]:
    """Translate texts sentence by sentence.

    Args:
        texts: The texts.
        translate: Translates a list of sentences.

    Returns:
        The translation of each text; None if one of its sentences was not translated, or if it has none.
    """
    split = [split_sentences(text) for text in texts]
    found = iter(translate([sentence for sentences in split for sentence in sentences]))
    result: list[Optional[str]] = []
    for sentences in split:
        translations = [next(found) for _ in sentences]
        whole = [translation for translation in translations if translation is not None]
        result.append(" ".join(whole) if whole and len(whole) == len(sentences) else None)
    return result

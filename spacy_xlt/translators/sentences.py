"""Split texts into the parts that a model reads at a time: sentences, or as many sentences as it can read."""

import re
from collections.abc import Callable, Sequence

from spacy_xlt.generation.settings import Output

# The end of a line; the end of a sentence before a space; the end of a sentence in scripts without spaces.
_END = re.compile(r"\s*\n\s*|(?<=[.!?…։؟۔।॥။།༎።])\s+|(?<=[。！？])\s*")
# A longer sentence is split, so that models, which read about 500 word pieces, do not cut it off.
MAX_CHARACTERS = 500


def split_sentences(text: str) -> list[str]:
    """Split a text into sentences by punctuation and line ends. Blank sentences are left out.

    A sentence of more than `MAX_CHARACTERS` characters is split at spaces, or anywhere if it has none.
    """
    sentences = [sentence.strip() for sentence in _END.split(text) if sentence.strip()]
    return [part for sentence in sentences for part in _split_long(sentence)]


def _split_long(sentence: str) -> list[str]:
    parts = []
    while len(sentence) > MAX_CHARACTERS:
        end = sentence.rfind(" ", 1, MAX_CHARACTERS + 1)
        end = MAX_CHARACTERS if end < 0 else end
        parts.append(sentence[:end].rstrip())
        sentence = sentence[end:].lstrip()
    return [*parts, sentence] if sentence else parts


def split_parts(text: str, count: Callable[[Sequence[str]], Sequence[int]], limit: int) -> list[str]:
    """Split a text into parts of whole sentences that a model can read. A text that is short enough is one part.

    Args:
        text: The text.
        count: Returns the number of word pieces of each text.
        limit: The most word pieces of a part.
    """
    if not text.strip():
        return []
    # A character has no more than a few word pieces, and counting those of a very long text takes long.
    if len(text) <= 20 * limit and count([text])[0] <= limit:
        return [text]
    sentences = split_sentences(text)
    parts: list[list[str]] = []
    used = limit
    for sentence, pieces in zip(sentences, count(sentences)):
        if used + pieces > limit:
            parts.append([])
            used = 0
        parts[-1].append(sentence)
        used += pieces
    return [" ".join(part) for part in parts]


def generate_parts(
    texts: Sequence[str],
    split: Callable[[str], list[str]],
    generate: Callable[[list[str]], Sequence[Output]],
) -> list[Output]:
    """Generate the outputs of texts part by part, and join them in order.

    Args:
        texts: The texts.
        split: Splits a text into parts.
        generate: Returns the output of each part.
    """
    parts = [split(text) for text in texts]
    found = iter(generate([part for of_text in parts for part in of_text]))
    result = []
    for of_text in parts:
        outputs = [next(found) for _ in of_text]
        text = " ".join(output.text for output in outputs if output.text)
        result.append(Output(text, any(output.looped for output in outputs)))
    return result

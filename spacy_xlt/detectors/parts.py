"""Split texts into parts with one script each."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spacy_xlt.detectors.scripts import HAN, KANA, NAMES, NO_SCRIPT, WEIGHTS, script_of, to_codepoints, to_text

# A script with a smaller share of the letters is ignored. It is mostly a name or a quotation.
SMALLEST_SHARE = 0.25
# A text with at least this share of kana among kana and Chinese characters is Japanese. With less, it is Chinese.
SMALLEST_KANA_SHARE = 0.05
_SPACE = ord(" ")


class Part(NamedTuple):
    """The part of a text that is in one script.

    Attributes:
        owner: The index of the text.
        text: The text, with spaces in place of the letters of other scripts.
        script: The number of the script.
        share: The share of the letters of the text, from 0 to 1.
        letters: The number of letters. A letter of CJK counts as three.
    """

    owner: int
    text: str
    script: int
    share: float
    letters: float


def split_scripts(texts: Sequence[str]) -> list[Part]:
    """Split texts by their scripts.

    Args:
        texts: The texts.

    Returns:
        The parts of all texts, in order. A text without letters of a known script has no parts. Chinese characters
        belong to the same part as kana.
    """
    if not texts:
        return []
    codepoints = to_codepoints("".join(texts))
    scripts = script_of(codepoints)
    ends = np.cumsum([len(text) for text in texts])
    owners = np.repeat(np.arange(len(texts)), np.diff(ends, prepend=0))
    size = len(NAMES)
    counts = np.bincount(owners * size + scripts, minlength=len(texts) * size).reshape(len(texts), size) * WEIGHTS
    japanese = (counts[:, KANA] > 0) & (counts[:, KANA] >= SMALLEST_KANA_SHARE * counts[:, HAN])
    counts[japanese, KANA] += counts[japanese, HAN]
    counts[japanese, HAN] = 0.0
    totals = counts.sum(axis=1)
    alone = ((counts > 0).sum(axis=1) == 1).tolist()
    first, letters_of = counts.argmax(axis=1).tolist(), totals.tolist()
    parts = []
    for owner in np.flatnonzero(totals).tolist():
        if alone[owner]:
            parts.append(Part(owner, texts[owner], first[owner], 1.0, letters_of[owner]))
            continue
        present = np.flatnonzero(counts[owner])
        kept = present[counts[owner, present] >= SMALLEST_SHARE * totals[owner]]
        kept_total = counts[owner, kept].sum()
        start, end = ends[owner] - len(texts[owner]), ends[owner]
        for script in kept:
            inside = (scripts[start:end] == script) | (scripts[start:end] == NO_SCRIPT)
            if script == KANA:
                inside |= scripts[start:end] == HAN
            text = to_text(np.where(inside, codepoints[start:end], _SPACE))
            letters = float(counts[owner, script])
            parts.append(Part(owner, text, int(script), letters / float(kept_total), letters))
    return parts

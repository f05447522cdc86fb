"""Temperatures that make a back end's scores probabilities: one for each class of length, fitted on dev data.

calibration.json is written by benchmarks/langdetect_calibration.py, which says how it was fitted. There are two sets of
each: `prior` where the user names the languages, `open` where every language may come.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.detectors.parts import Part
from spacy_xlt.detectors.scripts import HAN, KANA

FILE = Path(__file__).parent / "calibration.json"
# A single word of fewer letters than this, or of more; two words; texts of fewer letters than these (one of CJK counts
# three); the rest.
WORD_LETTERS = 6
TEXT_LETTERS = (20, 32, 64, 128)
CLASSES = ("1 short word", "1 word", "2 words", *(f"< {letters} letters" for letters in TEXT_LETTERS), "longer")


def length_classes(parts: Sequence[Part]) -> NDArray[np.int64]:
    """The number of the class of each part, as in CLASSES."""
    letters = np.array([part.letters for part in parts], dtype=np.float64)
    classes = 3 + np.searchsorted(TEXT_LETTERS, letters, side="right")
    words = np.array([3 if part.script in (HAN, KANA) else len(part.text.split(None, 2)) for part in parts])
    classes = np.where(words == 2, 2, classes)
    return np.where(words == 1, (letters >= WORD_LETTERS).astype(np.int64), classes)


@lru_cache(maxsize=1)
def read_calibration() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf8"))
    return found


def temperatures(name: str, parts: Sequence[Part], prior: bool) -> NDArray[np.float64]:
    """The temperature for each part; 1 for a back end that was not calibrated."""
    fitted = read_calibration()["temperatures"].get(name)
    if fitted is None:
        return np.ones(len(parts))
    return np.array(fitted["prior" if prior else "open"], dtype=np.float64)[length_classes(parts)]

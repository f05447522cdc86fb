"""Temperatures that calibrate the probabilities of the back ends, one for each length class.

benchmarks/langdetect_calibration.py fits them on development data and writes calibration.json. Each back end has two
sets: `prior` is used if the user names the languages, and `open` if every language is possible.

References:
    Guo et al. (2017), On Calibration of Modern Neural Networks, section 4.2 (temperature scaling).
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
# The length classes: a single word with fewer letters than WORD_LETTERS, or with more; two words; longer texts by their
# number of letters (a letter of CJK counts as three).
WORD_LETTERS = 6
TEXT_LETTERS = (20, 32, 64, 128)
CLASSES = ("1 short word", "1 word", "2 words", *(f"< {letters} letters" for letters in TEXT_LETTERS), "longer")


def length_classes(parts: Sequence[Part]) -> NDArray[np.int64]:
    """Return the length class of each part, as an index `[n]` into CLASSES."""
    letters = np.array([part.letters for part in parts], dtype=np.float64)
    classes = 3 + np.searchsorted(TEXT_LETTERS, letters, side="right")
    words = np.array([3 if part.script in (HAN, KANA) else len(part.text.split(None, 2)) for part in parts])
    classes = np.where(words == 2, 2, classes)
    return np.where(words == 1, (letters >= WORD_LETTERS).astype(np.int64), classes)


@lru_cache(maxsize=1)
def read_calibration() -> dict[str, Any]:
    """Return the content of calibration.json."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf8"))
    return found


def temperatures(name: str, parts: Sequence[Part], prior: bool) -> NDArray[np.float64]:
    """Return the temperatures for parts of texts.

    Args:
        name: The name of the back end.
        parts: The parts.
        prior: Whether the user names the languages.

    Returns:
        The temperature of each part, `[n]`. It is 1 for a back end that was not calibrated.
    """
    fitted = read_calibration()["temperatures"].get(name)
    if fitted is None:
        return np.ones(len(parts))
    return np.array(fitted["prior" if prior else "open"], dtype=np.float64)[length_classes(parts)]

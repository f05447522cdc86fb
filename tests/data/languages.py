"""Two tiny languages whose words lie alike: the second is the first, turned and stretched, with a little noise."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ortho_group

from tests.data.vectors import write_text

WIDTH = 6
N = 60


@dataclass(frozen=True)
class Languages:
    """Files in a folder: en.vec, de.vec, a MUSE dictionary; word i of English means word i of German."""

    english: Path
    german: Path
    dictionary: Path
    turn: NDArray[np.float64]


def make_languages(folder: Path, n: int = N, seed: int = 0) -> Languages:
    """dog and Hund are among the words; the others are en0, de0 and so on."""
    chance = np.random.default_rng(seed)
    turn = ortho_group.rvs(WIDTH, random_state=seed)
    english = chance.normal(size=(n, WIDTH)) + 0.5
    german = 3 * english @ turn + chance.normal(scale=0.01, size=(n, WIDTH))
    en = ["dog", *(f"en{i}" for i in range(1, n))]
    de = ["Hund", *(f"De{i}" for i in range(1, n))]
    dictionary = folder / "en-de.txt"
    dictionary.write_text("".join(f"{ours} {theirs.lower()}\n" for ours, theirs in zip(en, de)))
    return Languages(
        write_text(folder / "en.vec", dict(zip(en, english.tolist()))),
        write_text(folder / "de.vec", dict(zip(de, german.tolist()))),
        dictionary,
        turn,
    )

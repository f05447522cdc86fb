"""SIB-200, where it is there: a test that needs it is skipped visibly elsewhere."""

import csv
import os
from pathlib import Path

import pytest

FOLDERS = {
    "ar": "arb_Arab",
    "de": "deu_Latn",
    "en": "eng_Latn",
    "fr": "fra_Latn",
    "hi": "hin_Deva",
    "it": "ita_Latn",
    "ja": "jpn_Jpan",
    "pt": "por_Latn",
    "ru": "rus_Cyrl",
    "es": "spa_Latn",
    "sw": "swh_Latn",
    "tr": "tur_Latn",
    "vi": "vie_Latn",
    "zh": "zho_Hans",
}


def read_texts(language: str, split: str) -> list[str]:
    """The texts of a split. Skips the test if the data are not there."""
    return [row["text"] for row in _read(language, split)]


def read_labels(language: str, split: str) -> list[str]:
    """The topics of the same texts."""
    return [row["category"] for row in _read(language, split)]


def _read(language: str, split: str) -> list[dict[str, str]]:
    place = os.environ.get("SPACY_XLT_DATA") or Path(__file__).parents[2] / "shared" / "data"
    file = Path(place) / "sib200" / FOLDERS[language] / f"{split}.tsv"
    if not file.is_file():
        pytest.skip(f"{file} is not there: set SPACY_XLT_DATA to the folder of the benchmark data")
    with file.open(encoding="utf8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))

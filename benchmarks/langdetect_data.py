"""Texts of known language for the benchmark of language detection; only `test_sets` reads test files."""

import csv
import random
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from common import data_folder

# This folder's langdetect.py must not hide the package of the same name: the folder goes to the end of the path.
_HERE = str(Path(__file__).resolve().parent)
sys.path[:] = [place for place in sys.path if place != _HERE] + [_HERE]

Labeled = list[tuple[str, str]]

SIB200 = {
    "ar": "arb_Arab",
    "de": "deu_Latn",
    "en": "eng_Latn",
    "es": "spa_Latn",
    "fr": "fra_Latn",
    "hi": "hin_Deva",
    "it": "ita_Latn",
    "ja": "jpn_Jpan",
    "pt": "por_Latn",
    "ru": "rus_Cyrl",
    "sw": "swh_Latn",
    "tr": "tur_Latn",
    "vi": "vie_Latn",
    "zh": "zho_Hans",
}
NTREX = {"sw": "swa", "zh": "zho-CN", "ar": "arb"}
UMSAB = {"de": "german", "en": "english", "es": "spanish", "fr": "french"}
LANGUAGES = list(SIB200)
UNSPACED = ("ja", "zh")
# The first lines of NTREX are for fits, the rest for temperatures and choices.
NTREX_TRAIN = 1800
# lingua's word lists (shared/data/lid) begin at five letters, but for Vietnamese syllables and CJK characters.
WORD_LETTERS = {"vi": 3}

_WORD = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f\u0900-\u0903\u093a-\u094f\u064b-\u0652]+[^\W\d_]*)*")
_CHARACTERS = {"ja": re.compile("[\u3040-\u30ff]"), "zh": re.compile("[\u4e00-\u9fff]")}


def sib200(language: str, split: str) -> list[str]:
    path = data_folder() / "sib200" / SIB200[language] / f"{split}.tsv"
    with path.open(encoding="utf8", newline="") as lines:
        return [row["text"] for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]


def ntrex(language: str, split: str) -> list[str]:
    name = NTREX.get(language, SIB200[language][:3])
    lines = (data_folder() / "ntrex" / f"{name}.txt").read_text(encoding="utf8").splitlines()
    return lines[:NTREX_TRAIN] if split == "train" else lines[NTREX_TRAIN:]


def tweets(split: str) -> Labeled:
    """UMSAB: train, val or test."""
    found: Labeled = []
    for language, name in UMSAB.items():
        path = data_folder() / "umsab" / name / f"{split}_text.txt"
        found += [(text, language) for text in path.read_text(encoding="utf8").splitlines()]
    return found


def memory_mb() -> float:
    """The resident memory of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def first_words(text: str, language: str, count: int = 3) -> str:
    """The first words of a text; eight characters in place of three words where there are no spaces."""
    return text[: 8 * count // 3] if language in UNSPACED else " ".join(text.split()[:count])


def test_sets() -> dict[str, Labeled]:
    """What is reported: nothing of it may reach a fit or a choice."""
    sentences = [(text, language) for language in LANGUAGES for text in sib200(language, "test")]
    lid = {
        name: [
            (line, language)
            for language in LANGUAGES
            for line in (data_folder() / "lid" / f"{file}.{language}.txt").read_text(encoding="utf8").splitlines()
            if line.strip()
        ]
        for name, file in (("word_pairs", "word-pairs"), ("single_words", "single-words"))
    }
    return {
        "sentences": sentences,
        "three_words": [(first_words(text, language), language) for text, language in sentences],
        **lid,
        "tweets": tweets("test"),
    }


def fit_sets(split: str, each: int) -> dict[str, Labeled]:
    """The same kinds of text made from what may be used: `train` for fits, `dev` for temperatures and choices.

    each: so many snippets of each length, words and pairs a language. Snippets are one to fifteen words of running text
    from anywhere in it; words and pairs are drawn from the different words of all texts.
    """
    found: dict[str, Labeled] = {"snippets": [], "single_words": [], "word_pairs": []}
    for number, language in enumerate(LANGUAGES):
        rng = random.Random(number)
        texts = sib200(language, split) + ntrex(language, split)
        for words in (1, 2, 3, 3, 4, 5, 7, 10, 15, 99):
            for text in rng.sample(texts, min(each, len(texts))):
                found["snippets"].append((_snippet(text, language, words, rng), language))
        singles = _different_words(texts, language)
        joint = "" if language in UNSPACED else " "
        found["single_words"] += [(word, language) for word in rng.sample(singles, min(each, len(singles)))]
        found["word_pairs"] += [(joint.join(rng.choices(singles, k=2)), language) for _ in range(each)]
    tweet_texts = tweets("train" if split == "train" else "val")
    found["tweets"] = random.Random(0).sample(tweet_texts, min(20 * each, len(tweet_texts)))
    return found


def _snippet(text: str, language: str, words: int, rng: random.Random) -> str:
    unspaced = language in UNSPACED
    return cut(text, 3 * words if unspaced else words, unspaced, rng)


def cut(text: str, size: int, unspaced: bool, rng: random.Random) -> str:
    """Return `size` words (unspaced: characters) from the beginning of a text, or as often from anywhere in it."""
    units: Sequence[str] = text if unspaced else text.split()
    start = rng.choice((0, rng.randrange(max(1, len(units) - size + 1))))
    return ("" if unspaced else " ").join(units[start : start + size])


def _different_words(texts: list[str], language: str) -> list[str]:
    if language in UNSPACED:
        return sorted(set(_CHARACTERS[language].findall("".join(texts))))
    words = {word.lower() for text in texts for word in _WORD.findall(text)}
    return sorted(word for word in words if len(word) >= WORD_LETTERS.get(language, 5))

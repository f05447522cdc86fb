"""A toy language: English words in Tibetan letters, so that a tiny tokenizer does not know its script."""

import string
import unicodedata

from tests.records import make_records

# Letters that normalization does not change.
LETTERS = [
    char for char in map(chr, range(0x0F40, 0x0F6D)) if char.isalpha() and unicodedata.normalize("NFKC", char) == char
]
TABLE = dict(zip(string.ascii_lowercase + string.digits, LETTERS))
SENTENCES = [record.text for record in make_records(60)]


def to_tibetan(word: str) -> str:
    """Return a word in which each letter and digit is replaced by a Tibetan letter."""
    return "".join(TABLE.get(char, char) for char in word.lower())


PAIRS = [(sentence, to_tibetan(sentence)) for sentence in SENTENCES]
ENTRIES = [
    (word, to_tibetan(word)) for word in sorted({word.strip(".:") for text in SENTENCES for word in text.split()})
]

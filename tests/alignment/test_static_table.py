"""What projection is for, where an encoder has a strong bias of language: the mean of static word-piece vectors."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spacy_xlt.alignment.centering import AnchoredCentering
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.vectors import unit_rows
from tests.sib200 import read_labels, read_texts

TARGETS = ("de", "es", "ru", "tr", "zh")
# Brings the vectors to where the default penalty of the regression is about right.
SCALE = 30.0


@pytest.mark.benchmark_data
def test_projection_takes_the_language_out_of_static_vectors(default_encoder: Path) -> None:
    linear_model: Any = pytest.importorskip("sklearn.linear_model")
    encoder = TorchEncoder()
    encoder.load(default_encoder)
    table = encoder.model.get_input_embeddings().weight.numpy()

    def embed(language: str, split: str) -> np.ndarray:
        windows, _, _ = encoder.tokenizer.choose_windows(read_texts(language, split), count=1, length=512)
        return unit_rows(np.stack([table[window].mean(axis=0) for window in windows]))

    english = embed("en", "train")
    head = linear_model.LogisticRegression(max_iter=1000).fit(SCALE * english, read_labels("en", "train"))
    unlabeled = {"en": english, **{language: embed(language, "train")[:300] for language in TARGETS}}
    maps = AnchoredCentering().fit(unlabeled, "en")
    raw, projected = [], []
    for language in TARGETS:
        rows, gold = embed(language, "dev"), np.array(read_labels(language, "dev"))
        raw.append((head.predict(SCALE * rows) == gold).mean())
        projected.append((head.predict(SCALE * unit_rows(maps[language](rows))) == gold).mean())
    # With all 13 languages and weighted pieces: benchmarks/static_table.py.
    assert np.mean(raw) < 0.5 and np.mean(projected) > np.mean(raw) + 0.1

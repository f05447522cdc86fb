"""A pipeline of our components whose detector and encoder are fakes, so that every figure can be computed by hand.

A text is `CODE: WORD`. The detector reads the code; the encoder looks the whole text up in VECTORS.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import spacy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.training import Example

from spacy_xlt.detectors.base import Candidates
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.vectors import unit_rows

LABELS = ["a", "b"]
# German is turned towards `a`: without the projection its `b` is taken for an `a`.
VECTORS = {
    "en: a": [1.0, 0.0],
    "en: b": [0.0, 1.0],
    "de: a": [1.0, 0.0],
    "de: b": [0.8, 0.6],
    # Undecided, hence both where several labels are allowed.
    "en: both": [0.7, 0.7],
}


class FakeDetector:
    def detect(self, texts: Sequence[str], languages: Sequence[str] | None = None) -> list[Candidates]:
        return [[(text[:2], 1.0)] if ":" in text else [] for text in texts]


class FakeEncoder:
    is_loaded = True
    width = 2

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return unit_rows(np.array([VECTORS[text] for text in texts], dtype=np.float32))


def make_fake_pipeline(
    *, head: str = "xlt_textcat", attribute: str = "xlt_projected", detector: bool = True, projector: bool = True
) -> Language:
    """`a` wins where the first entry of the vector is the larger one; of several labels each with its entry above .5.

    attribute: what the head reads. detector, projector: whether there is one.
    """
    nlp = spacy.blank("xx")
    if detector:
        nlp.add_pipe("xlt_langdetect")
        find_pipe(nlp, LanguageDetector).detector = FakeDetector()
    nlp.add_pipe("xlt_encoder")
    encoder: Any = FakeEncoder()
    find_pipe(nlp, Encoder).encoder = encoder
    if projector:
        nlp.add_pipe("xlt_projector", config={"aligner": {"shrinkage": 0.0}})
    nlp.add_pipe(head, config={"model": {"embed": {"attribute": attribute}}})
    _set_weights(nlp, head)
    return nlp


def _set_weights(nlp: Language, head: str) -> None:
    pipe: Any = nlp.get_pipe(head)
    examples = [
        Example.from_dict(nlp.make_doc(f"en: {label}"), {"cats": {other: float(other == label) for other in LABELS}})
        for label in LABELS
    ]
    pipe.initialize(lambda: examples, nlp=nlp, labels=LABELS)
    multilabel = head.endswith("multilabel")
    output = pipe.model.get_ref("output_layer")
    weights = output.layers[0] if multilabel else output
    weights.set_param("W", np.eye(2, dtype="f"))
    weights.set_param("b", np.full(2, -25.0 if multilabel else 0.0, dtype="f"))


def fit(nlp: Language) -> None:
    """Fit English and German on their `a` and `b`."""
    encode = find_pipe(nlp, Encoder).encode
    find_pipe(nlp, Projector).fit({code: encode([f"{code}: a", f"{code}: b"]) for code in ("en", "de")})

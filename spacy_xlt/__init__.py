"""Train a spaCy text classifier in one language, use it in a hundred."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spacy_xlt.router import Router as Router
    from spacy_xlt.serving.classifier import Classifier as Classifier


def __getattr__(name: str) -> Any:
    """`Classifier` and `Router`, imported when they are asked for: every `spacy` command imports this module."""
    if name == "Router":
        from spacy_xlt.router import Router

        return Router
    if name == "Classifier":
        from spacy_xlt.serving.classifier import Classifier

        return Classifier
    raise AttributeError(f"module 'spacy_xlt' has no attribute {name!r}")


def similarity(doc_a: "Doc", doc_b: "Doc") -> float:
    """The cosine of two Docs, of whatever languages: of `_.xlt_projected`, or `_.xlt_embedding` where that is missing.

    0.0 if one of them is blank. Raises XltError if a Doc has neither.
    """
    import numpy as np

    from spacy_xlt.errors import XltError

    def vectors(attribute: str) -> "list[np.ndarray | None]":
        return [doc._.get(attribute) if doc.has_extension(attribute) else None for doc in (doc_a, doc_b)]

    for attribute in ("xlt_projected", "xlt_embedding"):
        a, b = vectors(attribute)
        if a is not None and b is not None:
            length = float(np.linalg.norm(a) * np.linalg.norm(b))
            return float(a @ b) / length if length else 0.0
    raise XltError("similarity needs embeddings on both Docs: put xlt_encoder into the pipeline.")

"""The similarity of two Docs, in whatever languages they are."""

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc

from spacy_xlt.errors import XltError


def similarity(doc_a: Doc, doc_b: Doc) -> float:
    """Return the cosine of the embeddings of two Docs.

    Args:
        doc_a: A Doc with `doc._.xlt_projected`, or with `doc._.xlt_embedding` where a Doc has no projected one.
        doc_b: Another Doc, in the same or in another language.

    Returns:
        The cosine; 0.0 if one of the texts is blank.

    Raises:
        XltError: One of the Docs has no embedding.
    """
    for attribute in ("xlt_projected", "xlt_embedding"):
        a, b = _vector(doc_a, attribute), _vector(doc_b, attribute)
        if a is not None and b is not None:
            length = float(np.linalg.norm(a) * np.linalg.norm(b))
            return float(a @ b) / length if length else 0.0
    raise XltError("similarity needs embeddings on both Docs: put xlt_encoder into the pipeline.")


def _vector(doc: Doc, attribute: str) -> "NDArray[np.float32] | None":
    return doc._.get(attribute) if doc.has_extension(attribute) else None

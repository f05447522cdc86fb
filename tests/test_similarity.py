"""`spacy_xlt.similarity`: of two Docs in any languages."""

from pathlib import Path

import numpy as np
import pytest
import spacy
from numpy.typing import NDArray
from spacy.tokens import Doc
from spacy.vocab import Vocab

import spacy_xlt
from spacy_xlt.errors import XltError
from spacy_xlt.extensions import set_extensions

set_extensions("xlt_embedding", "xlt_projected")
X = np.array([1, 0, 0], dtype=np.float32)
Y = np.array([0, 1, 0], dtype=np.float32)
NOTHING = np.zeros(3, dtype=np.float32)


def doc_of(embedding: NDArray[np.float32] | None = None, projected: NDArray[np.float32] | None = None) -> Doc:
    doc = Doc(Vocab(), words=["text"])
    doc._.xlt_embedding = embedding
    doc._.xlt_projected = projected
    return doc


@pytest.mark.parametrize(
    ("one", "other", "cosine"),
    [(X, X, 1.0), (X, Y, 0.0), (X, -X, -1.0), (X, X + Y, 0.5**0.5), (3 * X, 5 * (X + Y), 0.5**0.5)],
)
def test_cosine_of_the_embeddings(one: NDArray[np.float32], other: NDArray[np.float32], cosine: float) -> None:
    similarity = spacy_xlt.similarity(doc_of(one), doc_of(other))
    assert isinstance(similarity, float)
    assert similarity == pytest.approx(cosine, abs=1e-6)
    assert spacy_xlt.similarity(doc_of(other), doc_of(one)) == similarity


def test_the_projection_comes_before_the_embedding() -> None:
    assert spacy_xlt.similarity(doc_of(X, X), doc_of(Y, X)) == pytest.approx(1)


@pytest.mark.parametrize("other", [X, NOTHING])
def test_blank_text_is_similar_to_nothing(other: NDArray[np.float32]) -> None:
    assert spacy_xlt.similarity(doc_of(NOTHING), doc_of(other)) == 0.0
    assert spacy_xlt.similarity(doc_of(other), doc_of(NOTHING)) == 0.0


def test_a_doc_with_neither_is_an_error() -> None:
    for pair in ((doc_of(), doc_of(X)), (doc_of(X), doc_of())):
        with pytest.raises(XltError, match="xlt_encoder"):
            spacy_xlt.similarity(*pair)


def test_translations_are_more_similar_than_other_texts(default_encoder: Path) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_encoder")
    one, same, other = nlp.pipe(["Where is my parcel?", "Wo ist mein Paket?", "Ich habe mein Passwort vergessen."])
    assert spacy_xlt.similarity(one, same) > spacy_xlt.similarity(one, other) + 0.03

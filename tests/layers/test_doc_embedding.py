"""The layer that reads an embedding from the Doc."""

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc

from spacy_xlt.errors import XltError
from spacy_xlt.layers.doc_embedding import DocEmbedding_v1


def make_docs(*vectors: list[float], attribute: str = "xlt_projected") -> list[Doc]:
    DocEmbedding_v1(attribute)  # sets the extension
    nlp = spacy.blank("xx")
    docs = [nlp.make_doc(str(i)) for i in range(len(vectors))]
    for doc, vector in zip(docs, vectors):
        doc._.set(attribute, np.array(vector, dtype="f"))
    return docs


@pytest.mark.parametrize("attribute", ["xlt_projected", "xlt_embedding"])
def test_rows_in_the_order_of_the_docs(attribute: str) -> None:
    rows = DocEmbedding_v1(attribute).predict(make_docs([1.0, 2.0], [3.0, 4.0], [0.0, 0.0], attribute=attribute))
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, [[1, 2], [3, 4], [0, 0]])


def test_the_width_comes_from_the_sample() -> None:
    model = DocEmbedding_v1()
    model.initialize(X=make_docs([1.0, 2.0, 3.0]))
    assert model.get_dim("nO") == 3


def test_nothing_flows_back() -> None:
    rows, backprop = DocEmbedding_v1().begin_update(make_docs([1.0, 2.0]))
    assert backprop(rows) == []


def test_no_docs_give_rows_of_the_known_width() -> None:
    model = DocEmbedding_v1()
    model.initialize(X=make_docs([1.0, 2.0, 3.0]))
    assert model.predict([]).shape == (0, 3)


@pytest.mark.parametrize(("attribute", "maker"), [("xlt_projected", "xlt_projector"), ("xlt_embedding", "xlt_encoder")])
def test_a_doc_without_it_names_the_component_that_is_missing(attribute: str, maker: str) -> None:
    docs = make_docs([1.0], attribute=attribute)
    with pytest.raises(XltError, match=rf"needs doc\._\.{attribute}: put {maker} before it .* annotating_components"):
        DocEmbedding_v1(attribute).predict([*docs, spacy.blank("xx").make_doc("new")])

"""`xlt_search`: what it finds for Docs, and that it survives what spaCy does with components."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language

import spacy_xlt as xlt
from spacy_xlt.errors import XltError
from tests.search.test_index import ANSWERS, make_nlp

QUERIES = ["Your parcel arrives in two days.", "Das Paket kommt in zwei Tagen.", "return", " ", "parcel"]


@pytest.fixture(scope="module")
def folder(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index."""
    index = xlt.Index(make_nlp(tiny_bert))
    index.add(ANSWERS, progress=False)
    index.save(tmp_path_factory.mktemp("search") / "index")
    return tmp_path_factory.getbasetemp() / "search0" / "index"


@pytest.fixture()
def nlp(tiny_bert: Path, folder: Path) -> Language:
    nlp = make_nlp(tiny_bert)
    nlp.add_pipe("xlt_search", config={"k": 2}).initialize(index=str(folder))  # type: ignore[attr-defined]
    return nlp


def found(docs: Any) -> list[list[str]]:
    return [[hit["id"] for hit in doc._.xlt_hits] for doc in docs]


def test_the_hits_of_a_doc_are_those_of_the_index(nlp: Language, folder: Path) -> None:
    index = xlt.Index.load(folder, nlp)
    docs = [nlp(text) for text in QUERIES]
    assert found(docs) == [[hit.id for hit in index.search(text, 2)] for text in QUERIES]
    best = docs[0]._.xlt_hits[0]
    assert best["score"] == pytest.approx(1.0, abs=1e-5)
    assert {name: value for name, value in best.items() if name != "score"} == ANSWERS[1]


def test_pipe_processes_and_copies_find_the_same(nlp: Language, tmp_path: Path) -> None:
    expected = found(nlp(text) for text in QUERIES)
    assert found(nlp.pipe(QUERIES, batch_size=2)) == expected
    assert found(nlp.pipe(QUERIES, n_process=2, batch_size=2)) == expected
    nlp.to_disk(tmp_path / "model")
    assert found(spacy.load(tmp_path / "model").pipe(QUERIES)) == expected
    copy = spacy.blank("xx").from_config(nlp.config)
    copy.from_bytes(nlp.to_bytes())
    assert found(copy.pipe(QUERIES)) == expected


def test_what_is_missing_is_said(nlp: Language, folder: Path) -> None:
    alone = spacy.blank("xx")
    alone.add_pipe("xlt_search")
    with pytest.raises(XltError, match="no index"):
        alone("text")
    alone.get_pipe("xlt_search").initialize(index=str(folder))  # type: ignore[attr-defined]
    with pytest.raises(XltError, match="xlt_encoder"):
        alone("text")
    with pytest.raises(XltError, match=r"index\.json"):
        alone.get_pipe("xlt_search").initialize(index=str(folder.parent))  # type: ignore[attr-defined]
    with pytest.raises(XltError, match="0"):
        alone.add_pipe("xlt_search", name="other", config={"k": 0})

"""`xlt.Index`: what it reads, finds, saves and refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from spacy.language import Language

import spacy_xlt as xlt
from spacy_xlt.errors import XltError
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe

ANSWERS: list[dict[str, Any]] = [
    {"id": "returns", "text": "You can return articles within 30 days.", "lang": "en", "topic": "return"},
    {"id": "parcel", "text": "Your parcel arrives in two days.", "lang": "en", "topic": "delivery", "year": 2026},
    {"id": "paket", "text": "Das Paket kommt in zwei Tagen.", "lang": "de", "topic": "delivery"},
]


def make_nlp(encoder: Path) -> Language:
    nlp = spacy.blank("xx")
    for name in ("xlt_langdetect", "xlt_encoder", "xlt_projector"):
        nlp.add_pipe(name)
    find_pipe(nlp, Encoder).initialize(source=str(encoder))
    return nlp


@pytest.fixture(scope="module")
def nlp(tiny_bert: Path) -> Language:
    return make_nlp(tiny_bert)


@pytest.fixture()
def index(nlp: Language) -> xlt.Index:
    made = xlt.Index(nlp)
    made.add(ANSWERS)
    return made


def test_a_text_of_the_index_finds_itself_with_all_its_fields(index: xlt.Index) -> None:
    for answer in ANSWERS:
        hit = index.search(answer["text"], 1)[0]
        fields = {name: value for name, value in answer.items() if name not in ("id", "text", "lang")}
        assert (hit.id, hit.text, hit.language, hit.fields) == (answer["id"], answer["text"], answer["lang"], fields)
        assert hit.score == pytest.approx(1.0, abs=1e-5)


def test_several_queries_find_what_single_ones_find(index: xlt.Index) -> None:
    queries = ["Where is my parcel?", "return", "Wo ist mein Paket?"]
    together = index.search_all(queries, 2)
    for query, hits in zip(queries, together):
        alone = index.search(query, 2)
        assert [hit.id for hit in alone] == [hit.id for hit in hits]
        assert [hit.score for hit in alone] == pytest.approx([hit.score for hit in hits], abs=1e-5)


def test_filters_and_k(index: xlt.Index) -> None:
    assert {hit.id for hit in index.search("parcel", where={"topic": "delivery"})} == {"parcel", "paket"}
    assert [hit.id for hit in index.search("parcel", where={"year": 2026})] == ["parcel"]
    assert len(index.search("parcel", 2)) == 2
    with pytest.raises(XltError, match="0"):
        index.search("parcel", 0)


def test_the_vectors_of_docs_are_queries(index: xlt.Index, nlp: Language) -> None:
    doc = nlp(ANSWERS[2]["text"])
    hits = index.search_vectors(doc._.xlt_projected[None], 1)
    assert [[hit.id for hit in each] for each in hits] == [["paket"]]


def test_a_blank_query_finds_nothing(index: xlt.Index) -> None:
    assert index.search_all([" ", "parcel"], 1)[0] == []


def test_files_frames_docs_and_datasets_are_read(nlp: Language, tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    srsly.write_jsonl(tmp_path / "base.jsonl", ANSWERS)
    pd.DataFrame(ANSWERS).to_csv(tmp_path / "base.csv", index=False)
    pd.DataFrame(ANSWERS).to_parquet(tmp_path / "base.parquet")
    docs = [nlp(answer["text"]) for answer in ANSWERS]
    for doc, answer in zip(docs, ANSWERS):
        doc.user_data["id"] = answer["id"]
    sources = [*(tmp_path / f"base.{ending}" for ending in ("jsonl", "csv", "parquet")), pd.DataFrame(ANSWERS), docs]
    for source in sources:
        made = xlt.Index(nlp)
        assert made.add(source) == ["returns", "parcel", "paket"]
        assert made.search(ANSWERS[1]["text"], 1)[0].id == "parcel"
    made = xlt.Index(nlp)
    assert made.add(xlt.load_dataset(["a text", "another"], labeled=False)) == ["1", "2"]
    made = xlt.Index(nlp)
    made.add({"de": ["ein Text"], "sw": [{"text": "maandishi", "id": "m"}]})
    assert [(hit.id, hit.language) for hit in made] == [("1", "de"), ("m", "sw")]


def test_a_language_that_is_not_given_is_detected(nlp: Language) -> None:
    made = xlt.Index(nlp)
    made.add([{"text": "Wo bleibt denn eigentlich mein Paket, das ich bestellt habe?"}])
    assert [hit.language for hit in made] == ["de"]


def test_bad_records_are_left_out_with_a_warning(nlp: Language) -> None:
    made = xlt.Index(nlp)
    with pytest.warns(UserWarning, match="2 bad records"):
        made.add([{"text": "good"}, {"text": "  "}, {"txt": "no text"}])
    assert len(made) == 1


@pytest.mark.parametrize("data", [[], [{"text": ""}], [{"title": "x"}]])
def test_an_empty_base_is_refused(data: Any, nlp: Language) -> None:
    made = xlt.Index(nlp)
    with pytest.raises(XltError):
        made.add(data)
    with pytest.raises(XltError, match="empty"):
        made.search("anything")
    with pytest.raises(XltError, match="empty"):
        made.save("never-written")


def test_saved_and_loaded_it_finds_the_same(index: xlt.Index, nlp: Language, tmp_path: Path) -> None:
    index.settings["note"] = [1, 2]
    index.save(tmp_path / "index")
    loaded = xlt.Index.load(tmp_path / "index", nlp)
    assert loaded.settings == {"note": [1, 2]}
    assert [hit.id for hit in loaded.search("parcel")] == [hit.id for hit in index.search("parcel")]
    loaded.remove(["paket"])
    assert len(loaded) == 2 and len(index) == 3
    with pytest.raises(XltError, match="list"):
        loaded.remove("returns")


def test_an_index_of_another_encoder_is_refused(index: xlt.Index, tiny_encoder: Path, tmp_path: Path) -> None:
    index.save(tmp_path / "index")
    other = make_nlp(tiny_encoder)
    if np.array_equal(find_pipe(other, Encoder).encode(["x"]), find_pipe(index.nlp, Encoder).encode(["x"])):
        xlt.Index.load(tmp_path / "index", other)
    else:
        with pytest.raises(XltError, match="encoder"):
            xlt.Index.load(tmp_path / "index", other)


def test_an_index_of_another_projection_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    nlp = make_nlp(tiny_bert)
    made = xlt.Index(nlp)
    made.add(ANSWERS)
    made.save(tmp_path / "index")
    xlt.project(nlp, {"en": ["one text", "two texts"], "de": ["ein Text", "zwei Texte"]}, progress=False)
    with pytest.raises(XltError, match="projection"):
        xlt.Index.load(tmp_path / "index", nlp)
    with pytest.raises(XltError, match="projection"):
        made.add(["more"])


def test_a_pipeline_without_an_encoder_is_refused() -> None:
    with pytest.raises(XltError, match="Encoder"):
        xlt.Index(spacy.blank("en"))

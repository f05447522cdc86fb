"""`xlt_ner`, from training to export."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, DocBin

pytest.importorskip("transformers")

from spacy_xlt import export, save, train
from spacy_xlt.batch.engine import process
from spacy_xlt.data.entities import load_entities
from spacy_xlt.data.entity_tags import Entity
from spacy_xlt.errors import XltError, XltWarning
from spacy_xlt.evaluation.evaluate import evaluate
from spacy_xlt.evaluation.report import write_report
from spacy_xlt.evaluation.task_report import TaskReport
from spacy_xlt.pipeline.ner import set_entities
from spacy_xlt.training.ner import gold_examples, train_ner
from tests.processes import start_method
from tests.stopping import stopped_after

NAMES = {"PER": ["order", "password", "account"], "LOC": ["shop", "parcel"]}
SENTENCES = [
    "My order has not arrived.", "How can I change the password?", "The shop sent me the wrong parcel.",
    "Please delete my account.", "Where is the parcel that I ordered?", "The app forgets my password.",
    "I like it here.", "", "Nothing happens.", "The account of the shop, and the order.",
]  # fmt: skip
TEXTS = [*SENTENCES, "  ", "42", "我在台北。password", "My 订单 не пришёл, order!", "order " * 100]


def annotated(text: str) -> dict[str, Any]:
    """A text with the words of NAMES as entities."""
    spans = [
        [place, place + len(word), label]
        for label, words in NAMES.items()
        for word in words
        for place in range(len(text))
        if text.startswith(word, place) and not text[place + len(word) : place + len(word) + 1].isalpha()
    ]
    return {"text": text, "entities": sorted(spans), "lang": "en"}


DATA = [annotated(text) for text in SENTENCES]
SETTINGS: dict[str, Any] = {"epochs": 25, "learning_rate": 2e-3, "max_length": 32, "batch_size": 4, "progress": False}


@pytest.fixture(scope="module")
def nlp(tiny_bert: Path) -> Language:
    """A pipeline that knows its training texts. Tests leave it as it is."""
    return train_ner(DATA, dev=DATA, encoder=tiny_bert, **SETTINGS)


@pytest.fixture(scope="module")
def saved(nlp: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    save(nlp, folder)
    return folder


def entities(docs: Any) -> list[Any]:
    return [list(doc._.xlt_entities) for doc in docs]  # a DocBin gives a tuple


def places(docs: Any) -> list[list[tuple[int, int, str]]]:
    return [[(each["start"], each["end"], each["label"]) for each in doc._.xlt_entities] for doc in docs]


def test_it_learns_its_training_texts(nlp: Language) -> None:
    assert nlp.pipe_names == ["xlt_langdetect", "xlt_ner"]
    report = evaluate(nlp, DATA, progress=False)
    assert isinstance(report, TaskReport)
    assert report.languages["en"].scores["f1"] > 0.8
    doc = nlp("The shop sent me the wrong parcel.")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("shop", "LOC"), ("parcel", "LOC")]


def test_the_figures_are_those_of_spacy(nlp: Language) -> None:
    examples = gold_examples(nlp, load_entities(DATA))
    for example in examples:
        nlp(example.predicted)
    spacy_scores = get_ner_prf(examples)
    ours = evaluate(nlp, DATA, progress=False).to_dict()["languages"]["en"]
    for name, key in (("precision", "ents_p"), ("recall", "ents_r"), ("f1", "ents_f")):
        assert ours["scores"][name] == pytest.approx(spacy_scores[key])
    assert nlp.meta["performance"]["ents_f"] == pytest.approx(spacy_scores["ents_f"])
    for label, figures in ours["details"].items():
        assert figures["f1"] == pytest.approx(spacy_scores["ents_per_type"][label]["f"])


def test_every_architecture_trains_and_loads(tiny_encoder: Path, tmp_path: Path) -> None:
    nlp = train(DATA, task="ner", encoder=tiny_encoder, epochs=1, max_length=32, progress=False)
    save(nlp, tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    assert entities(loaded.pipe(TEXTS)) == entities(nlp.pipe(TEXTS))


def test_call_pipe_and_processes_are_equal(nlp: Language, saved: Path) -> None:
    one_by_one = [nlp(text)._.xlt_entities for text in TEXTS]
    assert places(nlp.pipe(TEXTS)) == places([nlp(text) for text in TEXTS])
    for row, other in zip(one_by_one, entities(nlp.pipe(TEXTS, batch_size=3))):
        assert [each["score"] for each in row] == pytest.approx([each["score"] for each in other], abs=1e-4)
    for method in ("fork", "spawn"):
        with start_method(method):
            assert places(spacy.load(saved).pipe(TEXTS, n_process=2, batch_size=4)) == places(nlp.pipe(TEXTS))


def test_round_trips(nlp: Language, saved: Path) -> None:
    expected = entities(nlp.pipe(TEXTS))
    assert any(expected)
    assert entities(spacy.load(saved).pipe(TEXTS)) == expected
    other = spacy.blank("xx")
    other.add_pipe("xlt_langdetect")
    other.add_pipe("xlt_ner")
    other.from_bytes(nlp.to_bytes())
    assert entities(other.pipe(TEXTS)) == expected
    docs = list(DocBin(docs=nlp.pipe(TEXTS), store_user_data=True).get_docs(nlp.vocab))
    assert entities(docs) == expected
    assert [[ent.text for ent in doc.ents] for doc in docs] == [
        [ent.text for ent in doc.ents] for doc in nlp.pipe(TEXTS)
    ]


def test_a_long_text_is_read_to_its_end(nlp: Language) -> None:
    text = "Nothing happens. " * 40 + "My order has not arrived."
    assert nlp(text)._.xlt_entities[-1]["end"] > len(text) - 30


def test_tokens_are_split_only_where_scripts_have_no_spaces() -> None:
    doc = spacy.blank("xx")("我在台北大學。 Die Berliners")
    before = doc.text
    set_entities(doc, [Entity(2, 6, "ORG"), Entity(12, 18, "LOC")])
    assert [ent.text for ent in doc.ents] == ["台北大學", "Berliners"]
    assert doc.text == before


def test_the_exported_model_finds_the_same(nlp: Language, saved: Path, tmp_path: Path) -> None:
    for preset in ("quality", "balanced"):
        exported = export(nlp, tmp_path / preset, preset=preset)  # type: ignore[arg-type]
        assert exported.meta["xlt_export"]["components"]["xlt_ner"] > (0.999 if preset == "quality" else 0.9)
        loaded = spacy.load(tmp_path / preset)
        assert entities(loaded.pipe(TEXTS)) == entities(exported.pipe(TEXTS))
    assert places(spacy.load(tmp_path / "quality").pipe(TEXTS)) == places(nlp.pipe(TEXTS))
    with pytest.raises(XltError, match="OnnxEncoder"):
        export(tmp_path / "quality", preset="balanced")
    with pytest.raises(XltError, match="quality"):
        export(nlp, preset="fast")


def test_process_writes_entities(nlp: Language, saved: Path, tmp_path: Path) -> None:
    rows = [{"id": number, "text": text, "entities": "mine"} for number, text in enumerate(TEXTS)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    summary = process(saved, tmp_path / "in.jsonl", tmp_path / "out", progress=False)
    found = [json.loads(line) for line in (tmp_path / "out" / "part-00000.jsonl").read_text().splitlines()]
    expected = places(nlp.pipe(TEXTS))
    assert [[(e["start"], e["end"], e["label"]) for e in row["entities"]] for row in found] == expected
    assert all(row["input_entities"] == "mine" and "label" not in row for row in found)
    assert all(row["text"][e["start"] : e["end"]] == e["text"] for row in found for e in row["entities"])
    assert set(summary.labels) == {label for row in expected for _, _, label in row}
    for format in ("csv", "parquet", "docbin"):
        process(saved, tmp_path / "in.jsonl", tmp_path / format, format=format, progress=False)  # type: ignore[arg-type]
    with pytest.raises(XltError, match="label"):
        process(saved, tmp_path / "in.jsonl", tmp_path / "x", abstain_below=0.5, progress=False)


def test_reports(nlp: Language, tmp_path: Path) -> None:
    report = evaluate(nlp, {"en": DATA, "de": DATA[:4]}, progress=False)
    assert isinstance(report, TaskReport)
    report.to_json(tmp_path / "ner.json")
    assert TaskReport.load(tmp_path / "ner.json") == report
    low, high = report.languages["en"].ci95["f1"]
    assert 0 <= low <= report.languages["en"].scores["f1"] <= high <= 1
    assert report.mean == report.languages["de"].scores
    assert "German" in report._repr_html_() and "German" in report.to_html(tmp_path / "page.html")
    write_report([tmp_path / "ner.json"], tmp_path / "page.html")
    assert "Named entities" in (tmp_path / "page.html").read_text(encoding="utf8")


def test_the_model_card_names_the_task_and_the_figures(saved: Path) -> None:
    card = (saved / "README.md").read_text(encoding="utf8")
    assert "finds named entities" in card and "doc.ents" in card and "| ents_f |" in card


def test_types_that_the_model_does_not_know_are_left_out(nlp: Language) -> None:
    other = [{"text": "My order.", "entities": [[3, 8, "XYZ"]], "lang": "de"}]
    with pytest.warns(XltWarning, match="XYZ"):
        report = evaluate(nlp, [*DATA, *other], progress=False)
    assert report.to_dict()["languages"]["de"]["details"].keys() <= {"PER", "LOC"}


def test_a_text_without_a_language_counts_towards_its_detected_language(nlp: Language) -> None:
    report = evaluate(nlp, [{**row, "lang": None} for row in DATA], progress=False)
    assert "en" in report.languages


def test_errors(tiny_bert: Path, nlp: Language) -> None:
    with pytest.raises(XltError, match="no entity"):
        train_ner([{"text": "a", "spans": []}], encoder=tiny_bert)
    with pytest.raises(XltError, match="XYZ"):
        train_ner(DATA, dev=[{"text": "order", "spans": [[0, 5, "XYZ"]]}], encoder=tiny_bert)
    with pytest.raises(XltError, match="translate"):
        train(DATA, task="translate")  # type: ignore[arg-type]
    with pytest.raises(XltError, match="adapt"):
        train(DATA, task="ner", adapt=["a"])
    empty = spacy.blank("xx")
    empty.add_pipe("xlt_ner")
    with pytest.raises(XltError, match="not trained"):
        empty("My order")
    with pytest.raises(XltError, match="StaticEncoder"):
        spacy.blank("xx").add_pipe("xlt_ner", config={"encoder": {"@xlt_encoders": "spacy-xlt.StaticEncoder.v1"}})


@pytest.mark.parametrize("name", ["layer.npz", "task.json"])
def test_a_damaged_folder_is_named(name: str, saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path / "model")
    (tmp_path / "model" / "xlt_ner" / name).write_bytes(b"damaged")
    with pytest.raises(XltError, match=name):
        spacy.load(tmp_path / "model")
    (tmp_path / "model" / "xlt_ner" / name).unlink()
    with pytest.raises(XltError, match=name):
        spacy.load(tmp_path / "model")


def test_training_is_the_same_twice_and_after_a_stop(tiny_bert: Path, tmp_path: Path) -> None:
    settings = {**SETTINGS, "epochs": 3}
    layers = [train_ner(DATA, encoder=tiny_bert, **settings).get_pipe("xlt_ner").model.layer for _ in range(2)]
    np.testing.assert_array_equal(layers[0].weight, layers[1].weight)
    with stopped_after(2):
        train_ner(DATA, encoder=tiny_bert, checkpoint=tmp_path / "checkpoint", **settings)
    assert (tmp_path / "checkpoint").is_dir()
    resumed = train_ner(DATA, encoder=tiny_bert, checkpoint=tmp_path / "checkpoint", **settings)
    np.testing.assert_allclose(resumed.get_pipe("xlt_ner").model.layer.weight, layers[0].weight, atol=1e-5)
    assert not (tmp_path / "checkpoint").exists()


def test_docs_keep_their_other_annotations(nlp: Language) -> None:
    doc = Doc(nlp.vocab, words=["My", "order", "!"], tags=["PRP", "NN", "."])
    for _, pipe in nlp.pipeline:
        doc = pipe(doc)
    assert [token.tag_ for token in doc] == ["PRP", "NN", "."] and [ent.text for ent in doc.ents] == ["order"]

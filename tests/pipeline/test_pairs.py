"""`xlt_pairs`, from training to export."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

pytest.importorskip("transformers")

from spacy_xlt import Classifier, evaluate, export, process, save
from spacy_xlt.data.docbin import make_pair
from spacy_xlt.errors import XltError
from spacy_xlt.pipeline.pairs import PairClassifier
from spacy_xlt.training.pairs import train_pairs
from tests.cli.running import fail, succeed
from tests.processes import start_method
from tests.stopping import stopped_after

SENTENCES = [
    "My order has not arrived.", "How can I change the password?", "The shop sent me the wrong parcel.",
    "Please delete my account.", "Where is the parcel that I ordered?", "The app forgets my password.",
]  # fmt: skip
# The second text of an entailed pair repeats the first text. That of a neutral pair is another text.
DATA = [
    (text, SENTENCES[(number + shift) % len(SENTENCES)], "neutral" if shift else "entailment", "contradiction")[:3]
    for number, text in enumerate(SENTENCES)
    for shift in (0, 1)
] + [(text, f"not {text}", "contradiction") for text in SENTENCES]
PAIRS = [(first, second) for first, second, _ in DATA]
HARD = [
    *PAIRS,
    ("", ""),
    ("order", ""),
    ("", "order"),
    (" ", "\n"),
    ("My 订单!", "order"),
    ("order " * 200, "shop " * 90),
]
SETTINGS: dict[str, Any] = {"epochs": 8, "learning_rate": 2e-3, "max_length": 48, "batch_size": 4, "progress": False}
METHODS = ("finetune", "frozen")


@pytest.fixture(scope="module")
def models(tiny_bert: Path) -> dict[str, Language]:
    """A pipeline of each method. Tests leave them as they are."""
    return {method: train_pairs(DATA, method=method, encoder=tiny_bert, **SETTINGS) for method in METHODS}  # type: ignore[arg-type]


@pytest.fixture(params=METHODS)
def nlp(request: pytest.FixtureRequest, models: dict[str, Language]) -> Language:
    return models[request.param]


def docs_of(nlp: Language, pairs: Any = HARD) -> list[Doc]:
    return [make_pair(nlp, first, second) for first, second in pairs]


def cats(docs: Any) -> np.ndarray[Any, Any]:
    return np.array([list(doc.cats.values()) for doc in docs])


def test_a_fine_tuned_model_knows_its_training_pairs(models: dict[str, Language]) -> None:
    docs = list(models["finetune"].pipe(docs_of(models["finetune"], PAIRS)))
    found = [max(doc.cats, key=doc.cats.__getitem__) for doc in docs]
    assert np.mean([label == right for label, (*_, right) in zip(found, DATA)]) > 0.8


def test_the_order_of_the_texts_of_a_pair_matters(models: dict[str, Language]) -> None:
    nlp = models["finetune"]
    one, other = nlp(make_pair(nlp, "My order.", "The shop.")), nlp(make_pair(nlp, "The shop.", "My order."))
    assert one.cats != other.cats


def test_single_docs_and_streams_get_the_same_probabilities(nlp: Language) -> None:
    single = cats(nlp(doc) for doc in docs_of(nlp))
    np.testing.assert_allclose(cats(nlp.pipe(docs_of(nlp))), single, atol=1e-4)
    assert np.allclose(single.sum(axis=1), 1, atol=1e-4)


def test_two_processes_give_the_same_probabilities(nlp: Language) -> None:
    expected = cats(nlp.pipe(docs_of(nlp)))
    with start_method("fork"):
        found = cats(nlp.pipe(docs_of(nlp), n_process=2, batch_size=8))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_doc_without_a_pair_gets_the_shares_of_the_labels(nlp: Language) -> None:
    doc = nlp("My order has not arrived.")
    assert doc.cats == pytest.approx(dict.fromkeys(("contradiction", "entailment", "neutral"), 1 / 3))


def test_a_pair_that_is_no_text_is_an_error(nlp: Language) -> None:
    doc = nlp.make_doc("order")
    doc._.xlt_pair = 7
    with pytest.raises(XltError, match="7"):
        nlp(doc)


def test_models_survive_the_disk_and_bytes(nlp: Language, tmp_path: Path) -> None:
    expected = cats(nlp.pipe(docs_of(nlp)))
    save(nlp, tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    np.testing.assert_allclose(cats(loaded.pipe(docs_of(loaded))), expected, atol=1e-5)
    copy = spacy.blank("xx").from_config(nlp.config).from_bytes(nlp.to_bytes())
    np.testing.assert_allclose(cats(copy.pipe(docs_of(copy))), expected, atol=1e-5)


def test_an_untrained_component_says_so() -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_pairs")
    with pytest.raises(XltError, match="not trained"):
        nlp("order")
    assert nlp.to_bytes()


def test_every_architecture_can_be_trained(tiny_encoder: Path) -> None:
    nlp = train_pairs(DATA, encoder=tiny_encoder, **{**SETTINGS, "epochs": 1})
    probabilities = cats(nlp.pipe(docs_of(nlp)))
    assert np.isfinite(probabilities).all() and len(np.unique(probabilities.round(5))) > 3


def test_a_killed_training_resumes(tiny_bert: Path, tmp_path: Path) -> None:
    options = {**SETTINGS, "epochs": 3, "encoder": tiny_bert}
    expected = train_pairs(DATA, **options)

    with stopped_after(2):
        train_pairs(DATA, checkpoint=tmp_path / "state", **options)
    resumed = train_pairs(DATA, checkpoint=tmp_path / "state", **options)
    np.testing.assert_allclose(cats(resumed.pipe(docs_of(resumed))), cats(expected.pipe(docs_of(expected))), atol=1e-4)


def test_development_data_calibrate_and_are_measured(tiny_bert: Path) -> None:
    nlp = train_pairs(DATA, dev=DATA, encoder=tiny_bert, **SETTINGS)
    assert nlp.meta["performance"]["cats_macro_f"] > 0.8
    assert nlp.meta["xlt_training"]["task"] == "pairs"


@pytest.mark.parametrize(
    "data, found",
    [
        ([("a text", "one"), ("another", "two")], "item:1"),
        ([("a", "b", "one"), ("c", "d", "one")], "one"),
        ([{"text": "a", "pair": "b", "label": ["x", "y"]}, {"text": "c", "pair": "d", "label": "x"}], "item:1"),
    ],
)
def test_bad_data_are_errors(data: Any, found: str, tiny_bert: Path) -> None:
    text = "text,pair" if isinstance(data[0], dict) else "text"
    with pytest.raises(XltError, match=found):
        train_pairs(data, encoder=tiny_bert, text=text, **SETTINGS)


def test_a_development_label_must_be_known(tiny_bert: Path) -> None:
    with pytest.raises(XltError, match="other"):
        train_pairs(DATA, dev=[("a", "b", "other")], encoder=tiny_bert, **SETTINGS)


def test_evaluate_gives_figures_of_each_language(nlp: Language, tmp_path: Path) -> None:
    rows = [{"a": a, "b": b, "label": label, "lang": code} for code in ("en", "de") for a, b, label in DATA]
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    report = evaluate(nlp, file, text="a,b", examples=2, train=DATA, progress=False)
    assert set(report.languages) == {"en", "de"}
    right = np.mean([nlp(make_pair(nlp, a, b)).cats[label] >= 0.5 for a, b, label in DATA])
    assert report.languages["en"].accuracy == pytest.approx(report.languages["de"].accuracy)
    assert report.languages["en"].accuracy >= right - 1e-6
    assert report.contamination is not None and report.contamination.n == len(rows)


def test_evaluation_needs_pairs(models: dict[str, Language]) -> None:
    with pytest.raises(XltError, match="item:1.*no pair"):
        evaluate(models["frozen"], [("a text", "neutral")], progress=False)


def test_exported_models_agree_and_the_classifier_gives_their_results(nlp: Language, tmp_path: Path) -> None:
    expected = cats(nlp.pipe(docs_of(nlp)))
    exported = export(nlp, tmp_path / "float32", preset="quality")
    np.testing.assert_allclose(cats(exported.pipe(docs_of(exported))), expected, atol=1e-3)
    assert exported.meta["xlt_export"]["components"]["xlt_pairs"] == 1.0
    with_int8 = export(nlp, tmp_path / "int8", preset="balanced")
    found = cats(with_int8.pipe(docs_of(with_int8)))
    assert np.abs(found - expected).mean() < 0.1
    classifier = Classifier.load(tmp_path / "int8")
    result = classifier.predict(HARD)
    np.testing.assert_allclose(result.probabilities, found, atol=1e-4)
    assert [each.label for each in classifier.pipe(HARD)] == result.labels
    assert tuple(classifier.labels) == ("contradiction", "entailment", "neutral")
    for bad in (["text"], [("a", "b", "c")], [("a", None)]):
        with pytest.raises(XltError, match="pair"):
            classifier.predict(bad)  # type: ignore[arg-type]


def test_the_classifier_of_an_exported_model_imports_neither_spacy_nor_torch(
    models: dict[str, Language], tmp_path: Path
) -> None:
    export(models["finetune"], tmp_path / "model", preset="balanced")
    code = (
        "import sys; from spacy_xlt import Classifier;"
        f"print(Classifier.load({str(tmp_path / 'model')!r}).predict([('My order.', 'The shop.')]).labels);"
        "print({'spacy', 'thinc', 'torch', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")


def test_process_classifies_pairs_in_two_fields(nlp: Language, tmp_path: Path) -> None:
    save(nlp, tmp_path / "model")
    rows = [{"id": number, "premise": a, "hypothesis": b} for number, (a, b) in enumerate(PAIRS)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    process(tmp_path / "model", tmp_path / "in.jsonl", tmp_path / "out", text="premise,hypothesis", progress=False)
    lines = [json.loads(line) for line in (tmp_path / "out" / "part-00000.jsonl").read_text().splitlines()]
    expected = cats(nlp.pipe(docs_of(nlp, PAIRS)))
    np.testing.assert_allclose([list(line["probabilities"].values()) for line in lines], expected, atol=1e-4)
    assert [line["hypothesis"] for line in lines] == [b for _, b in PAIRS]


def test_classify_prints_the_label_of_each_pair(nlp: Language, tmp_path: Path) -> None:
    save(nlp, tmp_path / "model")
    (tmp_path / "pairs.txt").write_text("My order.\tThe shop.\n", encoding="utf8")
    best = max((cats := nlp(make_pair(nlp, "My order.", "The shop.")).cats), key=cats.__getitem__)
    for arguments in (["My order.", "The shop."], ["--file", tmp_path / "pairs.txt"]):
        output = succeed("classify", tmp_path / "model", *arguments)
        assert "My order. | The shop." in output and best in output
    assert "1 texts" in fail("classify", tmp_path / "model", "My order.")
    (tmp_path / "pairs.txt").write_text("My order.\n", encoding="utf8")
    assert "My order." in fail("classify", tmp_path / "model", "--file", tmp_path / "pairs.txt")


def test_the_component_is_a_classifier_that_spacy_scores(models: dict[str, Language]) -> None:
    nlp = models["finetune"]
    assert isinstance(nlp.get_pipe("xlt_pairs"), PairClassifier)
    from spacy.training import Example

    examples = []
    for first, second, label in DATA:
        gold = make_pair(nlp, first, second)
        gold.cats = {each: float(each == label) for each in nlp.get_pipe("xlt_pairs").labels}  # type: ignore[attr-defined]
        examples.append(Example(make_pair(nlp, first, second), gold))
    assert nlp.evaluate(examples)["cats_macro_f"] > 0.8


def test_vectors_of_other_weights_are_forgotten(tiny_bert: Path, default_encoder: Path) -> None:
    nlp = train_pairs(DATA, encoder=tiny_bert, method="frozen", progress=False)
    other = train_pairs(DATA, encoder=default_encoder, method="frozen", progress=False)
    cats(nlp.pipe(docs_of(nlp)))  # fills the cache
    expected = cats(other.pipe(docs_of(other)))
    nlp.get_pipe("xlt_pairs").from_bytes(other.get_pipe("xlt_pairs").to_bytes())  # type: ignore[attr-defined]
    np.testing.assert_allclose(cats(nlp.pipe(docs_of(nlp))), expected, atol=1e-5)

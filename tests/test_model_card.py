"""The model card: written with every model, kept up to date, and valid for the Hugging Face Hub."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language

import spacy_xlt as xlt
from spacy_xlt.encoders.folder import base_model
from spacy_xlt.model_card import END, START
from spacy_xlt.model_folder import CARD_FILE, check_model
from spacy_xlt.models import load_model, save

TRAIN = [("where is my parcel", "delivery"), ("the parcel is late", "delivery"), ("refund me", "payment")] * 3 + [
    ("the invoice is wrong", "payment")
] * 2
GERMAN = ["Wo ist mein Paket?", "Die Rechnung ist falsch.", "Ich will mein Geld."]
FEW = [("Wo ist mein Paket?", "delivery"), ("Die Rechnung ist falsch.", "payment")] * 2


@pytest.fixture(scope="module")
def trained(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    nlp = xlt.train(TRAIN, dev=TRAIN, encoder=tiny_bert, adapt={"de": GERMAN}, language="en", progress=False)
    folder = tmp_path_factory.mktemp("models") / "tickets"
    save(nlp, folder)
    return folder


@pytest.fixture
def nlp(trained: Path) -> Language:
    return load_model(trained)


def card(folder: Path) -> str:
    return (folder / CARD_FILE).read_text(encoding="utf8")


def front_matter(folder: Path) -> dict[str, Any]:
    """The metadata, read and checked by the client of the Hub. It needs no network for this."""
    hub = pytest.importorskip("huggingface_hub")
    found: dict[str, Any] = hub.ModelCard.load(folder / CARD_FILE).data.to_dict()
    return found


def test_the_front_matter_is_valid(trained: Path) -> None:
    data = front_matter(trained)
    assert data["language"] == ["de", "en"] and data["library_name"] == "spacy"
    assert data["pipeline_tag"] == "text-classification" and "spacy" in data["tags"]
    assert "license" not in data
    [result] = data["model-index"][0]["results"]
    performance = json.loads((trained / "meta.json").read_text())["performance"]["cats_by_language"]["en"]
    assert result["dataset"]["name"] == "development data, English"
    assert {each["type"]: each["value"] for each in result["metrics"]} == {
        "accuracy": round(performance["accuracy"], 4),
        "f1": round(performance["macro_f1"], 4),
    }


def test_the_hub_finds_an_evaluation_for_each_language(nlp: Language, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    data = [("where is my parcel", "delivery"), ("refund me", "payment")]
    report = xlt.evaluate(nlp, {"en": data, "de": data}, progress=False)
    nlp.meta["license"] = "MIT"
    save(nlp, tmp_path / "m", report=report)
    found = hub.ModelCard.load(tmp_path / "m" / CARD_FILE).data
    assert found.license == "mit" and found.model_name == "m"
    accuracies = {each.dataset_name: each.metric_value for each in found.eval_results if each.metric_type == "accuracy"}
    assert accuracies == {
        "test data, English": report.languages["en"].accuracy,
        "test data, German": report.languages["de"].accuracy,
    }
    assert "- Model: MIT." in card(tmp_path / "m") and "- The lowest accuracy was measured in " in card(tmp_path / "m")


def test_the_card_says_how_the_model_was_trained(trained: Path) -> None:
    text, meta = card(trained), json.loads((trained / "meta.json").read_text())
    training = meta["xlt_training"]
    assert training["method"] == "frozen" and training["data"]["labeled texts"]["texts"] == len(TRAIN)
    for each in training["data"].values():
        assert f"| {each['texts']} | `{each['sha256']}` |" in text
    for part in (
        'pip install "spacy-xlt[train]',
        "# tickets\n",
        "`delivery`, `payment`",
        "adapted to German",
        "spacy.load",
        "measured only in English",
    ):
        assert part in text, part


def test_a_change_in_place_updates_the_card_and_keeps_what_a_person_wrote(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    save(load_model(trained), folder)
    own = card(folder).replace(START, f"For the team in Kyiv.\n\n{START}") + "\nAsk Olena.\n"
    (folder / CARD_FILE).write_text(own, encoding="utf8")
    xlt.project(folder, {"fr": ["Où est mon colis ?", "La facture est fausse."]}, progress=False)
    xlt.few_shot(folder, FEW, source=TRAIN, dev={"de": FEW}, language="de", progress=False)
    text = card(folder)
    assert front_matter(folder)["language"] == ["de", "en", "fr"]
    above, below = text.index("For the team in Kyiv."), text.index("Ask Olena.")
    assert above < text.index(START) < text.index(END) < below
    assert text.count("For the team in Kyiv.") == text.count("Ask Olena.") == text.count(START) == 1
    assert text.count("# tickets") + text.count("# copy") == 1
    assert "- project: accepted." in text and "- few-shot: " in text and "| German (de) | 4 |" in text


def test_a_card_from_elsewhere_is_kept_above_ours(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    save(load_model(trained), folder)
    (folder / CARD_FILE).write_text("---\nlicense: mit\n---\n# My model\n\nIt is mine.\n", encoding="utf8")
    save(load_model(folder), folder)
    assert card(folder).index("It is mine.") < card(folder).index(START) and "My model" not in card(folder)


def test_figures_of_an_older_state_are_dropped(nlp: Language, tmp_path: Path) -> None:
    report = xlt.evaluate(nlp, [("refund me", "payment")], language="en", progress=False)
    save(nlp, tmp_path / "m", report=report)
    assert "On test data" in card(tmp_path / "m")
    xlt.project(nlp, {"fr": ["Où est mon colis ?"]}, progress=False)
    save(nlp, tmp_path / "m")
    assert "On test data" not in card(tmp_path / "m")


def test_the_card_is_not_part_of_the_hash_of_a_model(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    save(load_model(trained), folder)
    before = check_model(folder)
    (folder / CARD_FILE).write_text("Changed.", encoding="utf8")
    assert check_model(folder) == before


def test_the_same_model_has_the_same_card(nlp: Language, tmp_path: Path) -> None:
    for name in ("one", "two"):
        save(nlp, tmp_path / name / "m")
    assert card(tmp_path / "one" / "m") == card(tmp_path / "two" / "m")


def test_any_pipeline_gets_a_card(tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    save(nlp, tmp_path / "m")
    assert front_matter(tmp_path / "m")["library_name"] == "spacy"
    assert "Accuracy was not measured" in card(tmp_path / "m")


def test_untrusted_labels_do_not_break_the_tables(nlp: Language, tmp_path: Path) -> None:
    nlp.meta["xlt_transfer"] = [
        {"method": "a|b", "accepted": True, "reason": "x", "data": {"c|d": {"texts": 1, "sha256": "0"}}, "metrics": {}}
    ]
    save(nlp, tmp_path / "m")
    assert "| a&#124;b | c&#124;d | 1 | `0` |" in card(tmp_path / "m")


def test_the_name_of_the_pretrained_encoder(tmp_path: Path) -> None:
    for written, found in (("intfloat/e5", "intfloat/e5"), ("/home/me/e5", None), ("./e5/x", None), ("", None)):
        (tmp_path / "config.json").write_text(json.dumps({"_name_or_path": written}))
        assert base_model(tmp_path) == found

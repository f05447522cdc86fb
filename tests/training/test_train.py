"""Training on the source language, on tiny encoders of three architectures."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.training import Example

pytest.importorskip("spacy_transformers")

from spacy_xlt.data.docbin import make_docs
from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError, XltWarning
from spacy_xlt.evaluation.evaluate import evaluate
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.training.train import Method, train
from tests.records import LABELS, make_records

FOUR = ["xlt_langdetect", "xlt_encoder", "xlt_projector", "xlt_textcat"]
METHODS: list[Method] = ["frozen", "finetune"]
TEXTS = ["My invoice is wrong", "The courier is late", "Wo bleibt mein Paket?", "我的订单还没有送到。", "😀", "", " \n"]
BOTH = Record("Charged twice, and the parcel is late.", tuple(LABELS), "en", "tickets.csv:99")


def scores(nlp: Language, texts: list[str] = TEXTS) -> list[list[float]]:
    return [[doc.cats[label] for label in sorted(doc.cats)] for doc in nlp.pipe(texts)]


def accuracy(nlp: Language, records: list[Record]) -> float:
    predicted = [max(doc.cats, key=doc.cats.__getitem__) for doc in nlp.pipe([record.text for record in records])]
    return float(np.mean([(label,) == record.labels for label, record in zip(predicted, records)]))


def test_frozen_training_learns_and_survives_saving_with_every_architecture(tiny_encoder: Path, tmp_path: Path) -> None:
    nlp = train(make_records(40), encoder=tiny_encoder)
    assert nlp.pipe_names == FOUR
    assert accuracy(nlp, make_records(40, seed=1)) >= 0.9
    nlp.to_disk(tmp_path / "model")
    assert scores(spacy.load(tmp_path / "model")) == scores(nlp)


@pytest.mark.parametrize("tiny_encoder", ["bert", "xlmr"], indirect=True)
def test_fine_tuning_gives_the_same_four_components(tiny_encoder: Path, tmp_path: Path) -> None:
    dev = make_records(20, seed=1)
    nlp = train(make_records(40), dev=dev, encoder=tiny_encoder, method="finetune")
    assert nlp.pipe_names == FOUR
    assert nlp.meta["performance"]["cats_micro_f"] == pytest.approx(accuracy(nlp, dev))
    nlp.to_disk(tmp_path / "model")
    assert scores(spacy.load(tmp_path / "model")) == scores(nlp)


@pytest.mark.parametrize("tiny_encoder", ["mt5"], indirect=True)
def test_the_encoder_of_an_encoder_decoder_is_fine_tuned(tiny_encoder: Path) -> None:
    nlp = train(make_records(40), encoder=tiny_encoder, method="finetune", epochs=20)
    assert accuracy(nlp, make_records(40)) >= 0.9


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_scores(method: Method, tiny_bert: Path) -> None:
    assert scores(train(make_records(), encoder=tiny_bert, method=method)) == scores(
        train(make_records(), encoder=tiny_bert, method=method)
    )


@pytest.mark.parametrize("method", METHODS)
def test_settings_of_the_languages_and_a_projector_that_is_ready_for_others(method: Method, tiny_bert: Path) -> None:
    records = make_records(language="de")
    nlp = train(records, encoder=tiny_bert, method=method, source="deu", languages=["sw", "de"])
    assert set(find_pipe(nlp, LanguageDetector).languages) == {"de", "sw"}
    projector = find_pipe(nlp, Projector)
    assert (projector.source, projector.languages, projector.counts) == ("de", ["de"], {"de": 24})


@pytest.mark.parametrize("method", METHODS)
def test_records_with_other_than_one_label_make_it_multilabel(method: Method, tiny_bert: Path) -> None:
    nlp = train([*make_records(), BOTH], encoder=tiny_bert, method=method)
    assert nlp.pipe_names[-1] == "xlt_textcat_multilabel"
    assert sorted(nlp("t").cats) == LABELS
    if method == "frozen":
        cats = nlp("My order 3: refund charged invoice card.").cats
        assert cats["billing"] > 0.5 > cats["delivery"]


@pytest.mark.parametrize("method", METHODS)
def test_what_is_returned_holds_no_path_and_leaves_no_file(
    method: Method, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    nlp = train(make_records(), encoder=tiny_bert, method=method)
    assert list(scratch.iterdir()) == []
    nlp.to_disk(tmp_path / "model")
    config = (tmp_path / "model" / "config.cfg").read_text()
    assert str(tmp_path) not in config and str(tiny_bert) not in config
    # It can be initialized anew where the encoder's folder is not known, and keeps its weights.
    again = spacy.load(tmp_path / "model")
    before = find_pipe(again, Encoder).encode(["t"])
    find_pipe(again, Encoder).initialize()
    np.testing.assert_array_equal(find_pipe(again, Encoder).encode(["t"]), before)


def test_development_data_is_measured_by_language(tiny_bert: Path) -> None:
    dev = make_records(6, "de", seed=1)
    performance = train(make_records(20), dev=dev, encoder=tiny_bert).meta["performance"]
    assert {code: figures["n"] for code, figures in performance["cats_by_language"].items()} == {"de": 6}
    assert performance["cats_macro_f"] == pytest.approx(performance["cats_by_language"]["de"]["macro_f1"])


def test_few_texts_are_chosen_on_by_cross_validation_and_all_learned(tiny_bert: Path) -> None:
    nlp = train(make_records(20), encoder=tiny_bert)
    assert find_pipe(nlp, Projector).counts == {"en": 20}
    assert "performance" not in nlp.meta
    assert accuracy(nlp, make_records(40, seed=1)) >= 0.9


def test_of_many_texts_a_fifth_is_set_aside(tiny_bert: Path) -> None:
    nlp = train(make_records(500), encoder=tiny_bert)
    assert find_pipe(nlp, Projector).counts == {"en": 400}
    assert nlp.meta["performance"]["cats_by_language"]["en"]["n"] == 100


@pytest.mark.parametrize("method", METHODS)
def test_adapts_to_unlabeled_texts_of_other_languages_at_once(method: Method, tiny_bert: Path) -> None:
    german = [record.text for record in make_records(12, "de", seed=3)]
    nlp = train(make_records(), encoder=tiny_bert, method=method, adapt={"German": german})
    assert find_pipe(nlp, Projector).languages == ["de", "en"]


@pytest.mark.parametrize("method", METHODS)
def test_blank_texts_can_be_trained_on(method: Method, tiny_bert: Path) -> None:
    blank = [Record(text, (LABELS[i % 2],), "en", "x") for i, text in enumerate(["", " ", "\n"] * 4)]
    nlp = train([*blank, *make_records()], dev=make_records(4), encoder=tiny_bert, method=method)
    assert np.isfinite(scores(nlp)).all()


def make_multilabel(count: int, seed: int = 0) -> list[Record]:
    """Tickets of which every third is urgent as well, every fiftieth is of the other topic too, and says so."""
    records = []
    for number, record in enumerate(make_records(count, seed=seed)):
        labels, text = set(record.labels), record.text
        if number % 3 == 0:
            labels, text = labels | {"urgent"}, f"{text} Urgent: today, hurry!"
        if number % 50 == 0:
            labels, text = set(LABELS) | labels, f"{text} {make_records(2, seed=number)[number % 2].text}"
        records.append(Record(text, tuple(sorted(labels)), record.language, record.location))
    return records


@pytest.mark.parametrize("method", METHODS)
def test_a_multilabel_model_learns_and_keeps_a_threshold_for_each_label(
    method: Method, tiny_bert: Path, tmp_path: Path
) -> None:
    nlp = train(make_multilabel(75), dev=make_multilabel(30, seed=2), encoder=tiny_bert, method=method)
    head: Any = nlp.get_pipe("xlt_textcat_multilabel")
    assert head.cfg["threshold"] is None and sorted(head.cfg["thresholds"]) == sorted([*LABELS, "urgent"])
    assert nlp.meta["performance"]["cats_macro_f"] > 0.8
    nlp.to_disk(tmp_path / "model")
    again: Any = spacy.load(tmp_path / "model").get_pipe("xlt_textcat_multilabel")
    assert again.cfg["threshold"] is None and again.cfg["thresholds"] == pytest.approx(head.cfg["thresholds"])
    report = evaluate(nlp, make_multilabel(30, seed=1))
    assert report.languages["en"].macro_f1 > 0.8
    # spaCy's own figures take the same thresholds.
    examples = list(examples_of(nlp, make_multilabel(30, seed=1)))
    assert nlp.evaluate(examples)["cats_macro_f"] == pytest.approx(report.languages["en"].macro_f1, abs=1e-3)


def examples_of(nlp: Language, records: list[Record]) -> Iterator[Example]:
    labels = sorted({label for record in records for label in record.labels})
    for doc in make_docs(nlp, records, labels):
        yield Example(nlp.make_doc(doc.text), doc)


@pytest.mark.parametrize("several", [False, True])
def test_a_model_that_learned_nothing_is_an_error(several: bool, tiny_bert: Path) -> None:
    """The labels of the development texts are the other way round: there is nothing that holds for both."""
    other = {LABELS[0]: LABELS[1], LABELS[1]: LABELS[0]}
    dev = [Record(r.text, (other[r.labels[0]],), "en", r.location) for r in make_records(20)]
    records = [*make_records(40), BOTH] if several else make_records(40)
    assert "learned nothing" in refused(records, dev=dev, encoder=tiny_bert)


def test_labels_that_cannot_be_learned_or_measured_are_named(tiny_bert: Path) -> None:
    odd = [Record("My parcel is a bear.", ("wildlife",), "en", "tickets.csv:1")]
    with pytest.warns(XltWarning, match="wildlife") as found:
        train([*make_records(40), *odd], dev=make_records(10), encoder=tiny_bert)
    assert len(found) == 2


# What cannot be trained on


def refused(records: list[Record], **options: Any) -> str:
    with pytest.raises(XltError) as error:
        train(records, **options)
    return str(error.value)


def test_at_least_two_labels() -> None:
    one = [record for record in make_records() if record.labels == ("billing",)]
    assert "at least two labels; there are 12 texts of billing" in refused(one)
    assert "at least two labels; there are 0 texts of no label" in refused([])


def test_a_label_in_dev_that_training_lacks_is_named_with_its_place() -> None:
    other = Record("t", ("returns",), "en", "dev.csv:7")
    message = refused(make_records(), dev=[*make_records(2), other])
    assert message == "dev.csv:7: the label 'returns' is in no training text (billing, delivery are)."


def test_development_data_without_a_text() -> None:
    assert "development data" in refused(make_records(), dev=[])


@pytest.mark.parametrize("method", METHODS)
def test_a_missing_encoder_folder(method: Method, tmp_path: Path) -> None:
    message = refused(make_records(), encoder=tmp_path / "nowhere", method=method)
    assert "nowhere" in message and "missing: config.json" in message and "init-encoder" in message


@pytest.mark.parametrize("method", METHODS)
def test_a_missing_default_encoder(method: Method, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACY_XLT_HOME", str(tmp_path / "nowhere"))
    message = refused(make_records(), method=method)
    assert "The default encoder is not in" in message and "python -m spacy xlt init-encoder" in message

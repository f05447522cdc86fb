"""Training on the source language, on tiny encoders of three architectures."""

import io
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
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.evaluate import evaluate
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.training.train import Method, make_config, train
from spacy_xlt.training import train as transfer_train
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
    nlp = train(make_records(40), encoder=tiny_encoder, method="finetune")
    assert nlp.pipe_names == FOUR
    dev = make_records(40)[8::10] + make_records(40)[9::10]
    assert nlp.meta["performance"]["cats_micro_f"] == pytest.approx(accuracy(nlp, dev))
    nlp.to_disk(tmp_path / "model")
    assert scores(spacy.load(tmp_path / "model")) == scores(nlp)


@pytest.mark.parametrize("tiny_encoder", ["mt5"], indirect=True)
def test_an_encoder_decoder_cannot_be_fine_tuned(tiny_encoder: Path) -> None:
    with pytest.raises(XltError, match=r"is an encoder-decoder \(mt5\), which cannot be fine-tuned: .*--method frozen"):
        train(make_records(), encoder=tiny_encoder, method="finetune")


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
    assert (projector.source, projector.languages, projector.counts) == ("de", ["de"], {"de": 20})


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
    # It can be initialised anew where the encoder's folder is not known, and keeps its weights.
    again = spacy.load(tmp_path / "model")
    before = find_pipe(again, Encoder).encode(["t"])
    find_pipe(again, Encoder).initialize()
    np.testing.assert_array_equal(find_pipe(again, Encoder).encode(["t"]), before)


def test_dev_is_set_aside_or_given(tiny_bert: Path) -> None:
    records = make_records(20)
    performance = train(records, encoder=tiny_bert).meta["performance"]
    assert performance["cats_by_language"]["en"]["n"] == 4
    dev = make_records(6, "de", seed=1)
    performance = train(records, dev=dev, encoder=tiny_bert).meta["performance"]
    assert {code: figures["n"] for code, figures in performance["cats_by_language"].items()} == {"de": 6}
    assert performance["cats_macro_f"] == pytest.approx(performance["cats_by_language"]["de"]["macro_f1"])


@pytest.mark.parametrize("method", METHODS)
def test_the_last_step_is_evaluated(method: Method, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configs, log = [], io.StringIO()

    def remember(*arguments: Any) -> Any:
        configs.append(make_config(*arguments))
        return configs[-1]

    monkeypatch.setattr(transfer_train, "make_config", remember)
    train(make_records(40), encoder=tiny_bert, method=method, stdout=log)
    rows = [line.split() for line in log.getvalue().splitlines()]
    steps = [int(row[1]) for row in rows if len(row) > 5 and row[0].isdigit()]
    # Four epochs of 32 texts in batches of 16; a frozen head is fitted before the first step.
    assert steps == ([0, 4, 8] if method == "finetune" else [0, 1])
    assert configs[0].interpolate()["training"]["max_steps"] == steps[-1]
    assert ("of the way back; penalty of the head: " in log.getvalue()) == (method == "finetune")


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
    said: list[str] = []
    odd = [Record("My parcel is a bear.", ("wildlife",), "en", "tickets.csv:1")]
    train([*make_records(40), *odd], encoder=tiny_bert, warn=said.append)
    assert len(said) == 2 and all("wildlife" in sentence for sentence in said)
    with pytest.warns(UserWarning, match="wildlife"):
        train([*make_records(40), *odd], encoder=tiny_bert)


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


def test_too_few_texts_for_a_dev_set() -> None:
    assert "nothing to choose the best model on" in refused(make_records(8))
    assert "nothing to choose the best model on" in refused(make_records(), dev=[])


@pytest.mark.parametrize("method", METHODS)
def test_a_missing_encoder_folder(method: Method, tmp_path: Path) -> None:
    message = refused(make_records(), encoder=tmp_path / "nowhere", method=method)
    assert "nowhere is no encoder folder (missing: config.json" in message and "init-encoder" in message


@pytest.mark.parametrize("method", METHODS)
def test_a_missing_default_encoder(method: Method, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACY_XLT_HOME", str(tmp_path / "nowhere"))
    message = refused(make_records(), method=method)
    assert "The default encoder is not in" in message and "python -m spacy xlt init-encoder" in message

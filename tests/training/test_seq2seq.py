"""Training encoder-decoders on texts and targets."""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy

pytest.importorskip("transformers")
pytest.importorskip("sentencepiece")
pytest.importorskip("sacrebleu")

import spacy_xlt as xlt
from spacy_xlt.data.targets import TargetColumns, TargetRecord, load_targets
from spacy_xlt.errors import XltError
from spacy_xlt.generation.facts import FACTS_FILE, FolderFacts
from spacy_xlt.models import save
from spacy_xlt.training.best_weights import BestWeights
from spacy_xlt.training.loop import EpochEnd
from spacy_xlt.training.seq2seq import Seq2SeqSettings, encode_examples, train_seq2seq
from spacy_xlt.translators.seq2seq import HuggingFaceSeq2Seq
from tests.translators import tiny

PAIRS = [
    ("Wo ist mein Paket?", "Where is my order?"),
    ("Meine Bestellung", "My order"),
    ("mein Passwort", "my password"),
]
KINDS = ["mt5", "marian", "nllb", "m2m100", "mbart"]
GERMAN_TO_ENGLISH = Seq2SeqSettings(target_language="en")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("seq2seq")
    return {kind: getattr(tiny, f"make_tiny_{kind}")(root / kind) for kind in KINDS}


def weights(nlp: Any) -> dict[str, Any]:
    model = nlp.get_pipe("xlt_seq2seq").back_end.model.model
    return {name: each.detach().numpy().copy() for name, each in model.named_parameters()}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)


def outputs(nlp: Any) -> list[str | None]:
    docs = [nlp.make_doc(text) for text, _ in PAIRS]
    for doc in docs:
        doc._.language = "de"
    return [doc._.xlt_output for doc in nlp.pipe(docs)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_of_each_architecture_is_saved_and_exported(folders: dict[str, Path], kind: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"language": "de", "learning_rate": 1e-2, "batch_size": 3, "progress": False}
    nlp = xlt.train(PAIRS, task="seq2seq", encoder=folders[kind], epochs=1, seq2seq=GERMAN_TO_ENGLISH, **options)
    before = HuggingFaceSeq2Seq()
    before.load(folders[kind])
    start = {name: each.detach().numpy() for name, each in before.model.model.named_parameters()}
    assert not same(weights(nlp), start)
    expected = outputs(nlp)
    assert any(expected)
    save(nlp, tmp_path / "model")
    assert outputs(spacy.load(tmp_path / "model")) == expected
    pytest.importorskip("ctranslate2")
    for preset in ("quality", "balanced"):
        exported = xlt.export(nlp, tmp_path / preset, preset=preset)  # type: ignore[arg-type]
        if preset == "quality":
            assert outputs(exported) == outputs(spacy.load(tmp_path / preset)) == expected
        else:
            assert all(output is not None for output in outputs(spacy.load(tmp_path / preset)))


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_and_targets_have_the_right_word_pieces(folders: dict[str, Path], kind: str) -> None:
    back_end = HuggingFaceSeq2Seq()
    back_end.load(folders[kind])
    record = TargetRecord("mein Passwort", (), "de", "", "my password", "en")
    (example,) = encode_examples(back_end, [record], "{text}", 64)
    tokenizer = back_end.model.tokenizer
    first = {"nllb": ("deu_Latn", "eng_Latn"), "m2m100": ("__de__", "__en__"), "mbart": ("de_DE", "en_XX")}.get(kind)
    for ids, text, number in ((example.inputs, record.text, 0), (example.targets, record.target, 1)):
        pieces = tokenizer.convert_ids_to_tokens(ids)
        assert pieces[-1] == "</s>" and (first is None or pieces[0] == first[number])
        assert back_end.decode(ids).strip() == text


def test_it_learns_by_heart_and_keeps_its_prompt(folders: dict[str, Path], tmp_path: Path) -> None:
    settings = Seq2SeqSettings("reply", "answer {source}: {text}", label_smoothing=0.0, stop_on="exact", patience=99)
    options: dict[str, Any] = {"language": "de", "learning_rate": 2e-2, "batch_size": 3, "progress": False}
    model = tiny.make_tiny_mt5(tmp_path / "mt5", width=32, initializer_factor=0.3)
    nlp = train_seq2seq(PAIRS, model=model, dev=PAIRS, seq2seq=settings, epochs=40, **options)
    assert nlp.pipe_names == ["xlt_langdetect", "xlt_seq2seq"]
    assert outputs(nlp) == [target for _, target in PAIRS] and nlp.meta["performance"] == {"exact": 1.0}
    # Training goes on from a saved pipeline, whose prompt is used again.
    save(nlp, tmp_path / "model")
    again = train_seq2seq(PAIRS, model=tmp_path / "model", seq2seq=Seq2SeqSettings("reply"), epochs=1, **options)
    assert json.loads(next((tmp_path / "model" / "xlt_seq2seq").glob(FACTS_FILE)).read_text())["template"] == (
        "answer {source}: {text}"
    )
    assert again.get_pipe("xlt_seq2seq").back_end.model.facts.template == "answer {source}: {text}"  # type: ignore


def test_the_same_seed_gives_the_same_weights(folders: dict[str, Path]) -> None:
    options: dict[str, Any] = {"epochs": 2, "batch_size": 2, "learning_rate": 1e-2, "progress": False}

    def train(seed: int) -> dict[str, Any]:
        settings = Seq2SeqSettings("generate")
        return weights(train_seq2seq(PAIRS, model=folders["mt5"], seq2seq=settings, seed=seed, **options))

    assert same(train(1), train(1)) and not same(train(1), train(2))


def test_a_killed_run_resumes(folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run is stopped in its third epoch. What it has learned by then, and its best weights, are not lost."""
    scores = iter([1.0, 3.0, 2.0, 2.0, 2.0])
    options: dict[str, Any] = {
        "model": folders["mt5"],
        "dev": PAIRS,
        "seq2seq": Seq2SeqSettings("generate", patience=9),
        "epochs": 4,
        "batch_size": 2,
        "learning_rate": 1e-2,
        "progress": False,
    }
    monkeypatch.setattr("spacy_xlt.training.seq2seq._score", lambda *_: next(scores))
    whole = weights(train_seq2seq(PAIRS, **options))

    def killed(*_: Any) -> float:
        value = next(scores)
        if value == 2.0:
            raise KeyboardInterrupt
        return value

    scores = iter([1.0, 3.0, 2.0])
    monkeypatch.setattr("spacy_xlt.training.seq2seq._score", killed)
    with pytest.raises(KeyboardInterrupt):
        train_seq2seq(PAIRS, checkpoint=tmp_path / "state", **options)
    scores = iter([2.5])
    monkeypatch.setattr("spacy_xlt.training.seq2seq._score", lambda *_: next(scores))
    resumed = train_seq2seq(PAIRS, checkpoint=tmp_path / "state", **options)
    assert same(weights(resumed), whole) and resumed.meta["performance"] == {"chrf": 3.0}
    assert list(tmp_path.iterdir()) == []


def test_the_best_weights_win_and_training_stops() -> None:
    import torch

    network = torch.nn.Linear(1, 1, bias=False)
    scores = iter([1.0, 5.0, 4.0, 3.0])
    best = BestWeights(network, lambda: next(scores), 2, None)
    stopped = []
    for epoch in range(1, 5):
        network.weight.data.fill_(epoch)
        stopped.append(best(EpochEnd(epoch, 9, 0.0)))
    best.put()
    assert stopped == [False, False, False, True] and float(network.weight.detach()) == 2.0


# Bad input


@pytest.mark.parametrize(
    ("data", "options", "fragment"),
    [
        (PAIRS, {"model": None}, "encoder-decoder"),
        (PAIRS, {"language": "yo"}, "yo"),
        (PAIRS, {"language": None}, "xx"),
        ([("text", "")], {}, "blank"),
        ([{"text": "text"}], {}, "target"),
    ],
)
def test_bad_input_is_an_error(folders: dict[str, Path], data: Any, options: dict[str, Any], fragment: str) -> None:
    settings = {"model": folders["nllb"], "language": "de", "seq2seq": GERMAN_TO_ENGLISH, **options}
    with pytest.raises(XltError, match=fragment):
        train_seq2seq(data, **settings)


@pytest.mark.parametrize("bad", [{"label_smoothing": 1.0}, {"stop_on": "bleu"}, {"patience": 0}])
def test_settings_without_sense_are_errors(bad: dict[str, Any]) -> None:
    with pytest.raises(XltError, match=str(next(iter(bad.values())))):
        Seq2SeqSettings(**bad)


def test_damaged_facts_are_an_error(folders: dict[str, Path], tmp_path: Path) -> None:
    FolderFacts(template="go: {text}", max_pieces=40).save(tmp_path)
    (tmp_path / FACTS_FILE).write_text('{"template": "no field"}')
    for name in folders["mt5"].iterdir():
        (tmp_path / name.name).symlink_to(name)
    back_end = HuggingFaceSeq2Seq()
    back_end.load(tmp_path)
    with pytest.raises(XltError, match=FACTS_FILE):
        _ = back_end.model


# Numbers in words


def test_a_small_mt5_reads_numbers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """English numbers below 1000, of which some are held out. The workflow `generate` reads five languages."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parents[2] / "benchmarks")])
    pytest.importorskip("num2words")
    from numbers_data import make_model, make_rows, split_numbers

    parts = split_numbers(1000, {"train": 860, "dev": 30, "test": 100})
    train, dev, test = (make_rows(parts[name], ["en"]) for name in ("train", "dev", "test"))
    model = make_model(tmp_path / "mt5", [row["text"] for row in train], width=64, pieces=60)
    nlp = xlt.train(
        train,
        task="seq2seq",
        encoder=model,
        dev=dev,
        seq2seq=Seq2SeqSettings("generate", label_smoothing=0.0, stop_on="exact", patience=20),
        epochs=24,
        batch_size=32,
        learning_rate=5e-3,
        progress=False,
    )
    report = xlt.evaluate(nlp, test, progress=False)
    assert report.pairs["en-en"].exact >= 0.95  # type: ignore[attr-defined]


# Reading


def test_files_and_items_with_languages(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("q,a,l,m\nhallo,hi,de,en\n,x,de,en\nsi,yes,es,\n", encoding="utf8")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        records = load_targets(tmp_path / "a.csv", columns=TargetColumns("q", "a", "l", "m"))
    assert [(r.text, r.target, r.language, r.target_language) for r in records] == [
        ("hallo", "hi", "de", "en"),
        ("si", "yes", "es", "es"),
    ]
    assert "a.csv:3" in str(caught[0].message) and caught[0].filename == __file__
    assert load_targets(records) == records
    (pair,) = load_targets([("zwölf", "12")], language="German", target_language="en")
    assert (pair.language, pair.target_language, pair.location) == ("de", "en", "item:1")


@pytest.mark.parametrize(("name", "content"), [("a.txt", "one"), ("a.csv", "text,label\na,b\n")])
def test_files_without_targets_are_errors(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(XltError, match="target"):
        load_targets(tmp_path / name)

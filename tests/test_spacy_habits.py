"""What a spaCy user does without thinking: it has to work on our configs and models too."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli import app
from spacy.language import Language
from spacy.tokens import Doc
from spacy.tokens.underscore import Underscore
from spacy.training import Example
from spacy.util import ignore_error, load_config
from typer.testing import CliRunner

from spacy_xlt.data.docbin import make_docs, write_docbin
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.scorers import make_textcat_scorer
from tests.processes import start_method
from tests.records import LABELS, make_records
from tests.toy import ANNOTATING, COMPONENTS

CONFIGS = Path(__file__).parent.parent / "configs"
METHODS = pytest.mark.parametrize("method", ["frozen", "finetune"])


def run(*arguments: Any) -> str:
    """The output of a `spacy` command that must succeed."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
    return result.output


def config_of(method: str) -> Path:
    if method == "finetune":
        pytest.importorskip("spacy_transformers")
    return CONFIGS / f"{method}.cfg"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("corpus")
    # `debug data` calls fewer than 100 texts an error.
    for seed, (name, texts) in enumerate({"train": 100, "dev": 8}.items()):
        write_docbin(make_docs(spacy.blank("xx"), make_records(texts, seed=seed), LABELS), folder / f"{name}.spacy")
    return {name: folder / f"{name}.spacy" for name in ("train", "dev")}


@pytest.fixture(scope="module")
def paths(corpus: dict[str, Path], tiny_bert: Path) -> list[Any]:
    """The overrides that every training config needs."""
    return ["--paths.train", corpus["train"], "--paths.dev", corpus["dev"], "--paths.encoder", tiny_bert]


@pytest.fixture(scope="module")
def saved(paths: list[Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that `spacy train configs/frozen.cfg` has saved."""
    out = tmp_path_factory.mktemp("trained")
    steps = ["--training.max_steps", 40, "--training.eval_frequency", 20]
    run("train", CONFIGS / "frozen.cfg", "--output", out, *paths, *steps)
    return out / "model-last"


def examples_for(nlp: Language, labels: list[str] = LABELS) -> list[Example]:
    return [
        Example.from_dict(nlp.make_doc(doc.text), {"cats": doc.cats}) for doc in make_docs(nlp, make_records(8), labels)
    ]


# Configs


@METHODS
def test_debug_config_needs_no_fill_config(method: str, paths: list[Any]) -> None:
    assert "Config is valid" in run("debug", "config", config_of(method), *paths)


@METHODS
def test_debug_data(method: str, paths: list[Any]) -> None:
    output = run("debug", "data", config_of(method), "--ignore-warnings", *paths)
    assert "Pipeline can be initialized with data" in output and "100 training docs" in output


@METHODS
def test_fill_config_changes_no_setting_and_fills_all(method: str, paths: list[Any], tmp_path: Path) -> None:
    run("init", "fill-config", config_of(method), tmp_path / "full.cfg")
    full, ours = load_config(tmp_path / "full.cfg"), load_config(config_of(method))
    assert full.merge(ours) == full and list(full["components"]) == full["nlp"]["pipeline"]
    assert "Config is valid" in run("debug", "config", tmp_path / "full.cfg", *paths)
    run("init", "fill-config", tmp_path / "full.cfg", tmp_path / "again.cfg")
    assert load_config(tmp_path / "again.cfg") == full


# Saved models


def test_the_config_of_a_saved_model_can_be_debugged_and_trained_again(
    saved: Path, paths: list[Any], tmp_path: Path
) -> None:
    config = saved / "config.cfg"
    assert "Config is valid" in run("debug", "config", config, *paths)
    assert "Pipeline can be initialized with data" in run("debug", "data", config, *paths)
    steps = ["--training.optimizer.learn_rate.total_steps", 2, "--training.eval_frequency", 2]
    run("train", config, "--output", tmp_path, *paths, *steps)
    assert spacy.load(tmp_path / "model-last").pipe_names == spacy.load(saved).pipe_names


def test_training_is_resumed(saved: Path) -> None:
    nlp = spacy.load(saved)
    optimizer = nlp.resume_training()
    head: Any = nlp.get_pipe("xlt_textcat")
    weights = head.model.to_bytes()
    losses = nlp.update(examples_for(nlp), sgd=optimizer, annotates=ANNOTATING)
    assert losses["xlt_textcat"] > 0 and head.model.to_bytes() != weights


def test_update_needs_no_optimizer(saved: Path) -> None:
    nlp = spacy.load(saved)
    assert nlp.update(examples_for(nlp), annotates=ANNOTATING)["xlt_textcat"] > 0


# Error handlers

TEXTS = [f"My order {i} has not arrived." for i in range(7)]
BAD = 3
OTHERS = TEXTS[:BAD] + TEXTS[BAD + 1 :]
BACK_ENDS = pytest.mark.parametrize(
    ("name", "back_end", "method"), [("xlt_langdetect", "detector", "detect"), ("xlt_encoder", "encoder", "encode")]
)
Caught = list[tuple[str, list[str]]]


def collect_errors(nlp: Language) -> Caught:
    """Set an error handler, and return the list of components and texts that it will fill."""
    caught: Caught = []

    def handle(name: str, pipe: Any, docs: list[Doc], error: Exception) -> None:
        caught.append((name, [doc.text for doc in docs]))

    nlp.set_error_handler(handle)  # type: ignore[arg-type]
    return caught


def break_back_end(nlp: Language, name: str, back_end: str, method: str, patch: pytest.MonkeyPatch) -> None:
    """Make the back end of a component fail for one text, whatever batch it comes in."""
    part = getattr(nlp.get_pipe(name), back_end)
    works = getattr(part, method)

    def fail(texts: list[str], *others: Any) -> Any:
        if TEXTS[BAD] in texts:
            raise RuntimeError(TEXTS[BAD])
        return works(texts, *others)

    patch.setattr(part, method, fail)


@BACK_ENDS
@pytest.mark.parametrize("batch_size", [1, 4, 128])
def test_one_bad_text_does_not_stop_the_stream(
    name: str, back_end: str, method: str, batch_size: int, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = spacy.load(saved)
    expected = {doc.text: doc.cats for doc in spacy.load(saved).pipe(TEXTS)}
    caught = collect_errors(nlp)
    break_back_end(nlp, name, back_end, method, monkeypatch)
    docs = list(nlp.pipe(TEXTS, batch_size=batch_size))
    assert [doc.text for doc in docs] == OTHERS
    assert caught == [(name, [TEXTS[BAD]])]
    for doc in docs:
        assert doc.cats == pytest.approx(expected[doc.text], abs=1e-5)


@BACK_ENDS
def test_without_an_error_handler_a_bad_text_is_an_error(
    name: str, back_end: str, method: str, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = spacy.load(saved)
    break_back_end(nlp, name, back_end, method, monkeypatch)
    with pytest.raises(RuntimeError, match=TEXTS[BAD]):
        list(nlp.pipe(TEXTS))


@pytest.mark.parametrize(("name", "attribute"), [("xlt_projector", "xlt_embedding"), ("xlt_textcat", "xlt_projected")])
def test_one_doc_without_its_embedding_does_not_stop_the_stream(name: str, attribute: str, saved: Path) -> None:
    nlp = spacy.load(saved)
    docs = list(nlp.pipe(TEXTS))
    docs[BAD]._.set(attribute, None)
    caught = collect_errors(nlp)
    with nlp.select_pipes(disable=COMPONENTS[: COMPONENTS.index(name)]):
        assert [doc.text for doc in nlp.pipe(docs)] == OTHERS
    assert caught == [(name, [TEXTS[BAD]])]


def test_bad_texts_in_worker_processes(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = spacy.load(saved)
    nlp.set_error_handler(ignore_error)
    break_back_end(nlp, "xlt_encoder", "encoder", "encode", monkeypatch)
    with start_method("fork"):
        assert [doc.text for doc in nlp.pipe(TEXTS, n_process=2, batch_size=2)] == OTHERS


# Another package that owns `doc._.language`


def detect_by_another_package(doc: Any) -> dict[str, Any]:
    return {"language": "en", "score": 0.99}


def always_german(doc: Any) -> str:
    return "de"


@pytest.mark.parametrize("owner", ["doc", "span"])
@pytest.mark.parametrize("theirs", [(None, None, detect_by_another_package, None), (None, always_german, None, None)])
def test_a_language_that_another_package_computes_is_a_clash(
    owner: str, theirs: tuple[Any, ...], saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = spacy.load(saved)
    monkeypatch.setitem(getattr(Underscore, f"{owner}_extensions"), "language", theirs)
    clash = rf"{owner}\._\.language .*{(theirs[1] or theirs[2]).__qualname__}"
    with pytest.raises(XltError, match=clash):
        spacy.blank("xx").add_pipe("xlt_langdetect")
    # Not at first sight only: the other package may come later.
    with pytest.raises(XltError, match=clash):
        before(TEXTS[0])
    if owner == "doc":
        with pytest.raises(XltError, match=clash):
            list(make_docs(before, make_records(1), LABELS))


def test_a_language_that_can_be_written_is_no_clash(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored: dict[str, str] = {}
    theirs = (None, None, lambda doc: stored.get(doc.text), lambda doc, value: stored.update({doc.text: value}))
    monkeypatch.setitem(Underscore.doc_extensions, "language", theirs)
    assert spacy.load(saved)(TEXTS[0])._.language == stored[TEXTS[0]] == "en"


def test_a_language_that_is_only_read_may_be_computed_but_is_a_code(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = spacy.load(saved, exclude=["xlt_langdetect"])
    examples = [Example(nlp(example.text), example.reference) for example in examples_for(nlp)]
    monkeypatch.setitem(Underscore.doc_extensions, "language", (None, None, always_german, None))
    assert set(nlp(TEXTS[0]).cats) == set(LABELS)
    monkeypatch.setitem(Underscore.doc_extensions, "language", (None, None, detect_by_another_package, None))
    with pytest.raises(XltError, match="'score': 0.99"):
        nlp(TEXTS[0])
    with pytest.raises(XltError, match="'score': 0.99"):
        make_textcat_scorer()(examples, labels=LABELS)

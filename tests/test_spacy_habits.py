"""What a spaCy user does without thinking: it has to work on our configs and models too."""

import subprocess
import sys
import zipfile
from importlib.metadata import metadata, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from packaging.requirements import Requirement
from spacy.cli import app
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.tokens.underscore import Underscore
from spacy.training import Example
from spacy.util import ignore_error, load_config, registry
from typer.testing import CliRunner

from spacy_xlt.data.docbin import make_docs, write_docbin
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.scorers import make_textcat_scorer
from tests.processes import start_method
from tests.records import LABELS, make_records
from tests.toy import ANNOTATING, COMPONENTS, make_examples, make_pipeline

CONFIGS = Path(__file__).parent.parent / "configs"
TEXTS = [f"My order {i} has not arrived." for i in range(7)]
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


def other_gold(nlp: Language) -> list[Example]:
    """Examples whose gold is not what the model has learned."""
    examples = examples_for(nlp)
    for example in examples:
        labels, values = list(example.reference.cats), list(example.reference.cats.values())
        example.reference.cats = dict(zip(labels[1:] + labels[:1], values))
    return examples


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
    assert full.merge(ours) == full and set(full["components"]) == set(full["nlp"]["pipeline"])
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
    steps = ["--training.max_steps", 2, "--training.eval_frequency", 2]
    run("train", config, "--output", tmp_path, *paths, *steps)
    assert spacy.load(tmp_path / "model-last").pipe_names == spacy.load(saved).pipe_names


def test_training_is_resumed(saved: Path) -> None:
    nlp = spacy.load(saved)
    optimizer = nlp.resume_training()
    head: Any = nlp.get_pipe("xlt_textcat")
    weights = head.model.to_bytes()
    losses = nlp.update(other_gold(nlp), sgd=optimizer, annotates=ANNOTATING)
    assert losses["xlt_textcat"] > 0 and head.model.to_bytes() != weights


def test_update_needs_no_optimizer(saved: Path) -> None:
    nlp = spacy.load(saved)
    assert nlp.update(other_gold(nlp), annotates=ANNOTATING)["xlt_textcat"] > 0


# Commands on a saved model


@pytest.mark.parametrize("command", [["evaluate"], ["benchmark", "accuracy"]])
def test_evaluate(command: list[str], saved: Path, corpus: dict[str, Path], tmp_path: Path) -> None:
    run(*command, saved, corpus["dev"], "--output", tmp_path / "metrics.json")
    metrics = srsly.read_json(tmp_path / "metrics.json")
    assert metrics["cats_by_language"]["en"]["n"] == 8 and metrics["language_accuracy"] is not None
    assert metrics["cats_macro_f"] == pytest.approx(metrics["cats_by_language"]["en"]["macro_f1"])


def test_apply(saved: Path, tmp_path: Path) -> None:
    srsly.write_jsonl(tmp_path / "texts.jsonl", [{"text": text} for text in TEXTS])
    run("apply", saved, tmp_path / "texts.jsonl", tmp_path / "docs.spacy", "--batch-size", 3)
    nlp = spacy.load(saved)
    docs = list(DocBin().from_disk(tmp_path / "docs.spacy").get_docs(nlp.vocab))
    assert [doc.text for doc in docs] == TEXTS
    for doc in docs:
        assert doc.cats == pytest.approx(nlp(doc.text).cats, abs=1e-5)


def test_find_threshold(tiny_bert: Path, tmp_path: Path) -> None:
    nlp = make_pipeline(tiny_bert, textcat="xlt_textcat_multilabel")
    nlp.to_disk(tmp_path / "model")
    write_docbin((example.reference for example in make_examples(nlp)), tmp_path / "dev.spacy")
    name = "xlt_textcat_multilabel"
    options = ["threshold", "cats_macro_f", "--n_trials", 3]
    output = run("find-threshold", tmp_path / "model", tmp_path / "dev.spacy", name, *options)
    # Of 0, .5 and 1: with 0 each label applies to each text, with 1 none does.
    assert "Best threshold: 0.5 " in output


def test_info(saved: Path) -> None:
    assert "xlt_textcat" in run("info", saved)


def write_source_config(saved: Path, path: Path) -> Path:
    """A config that takes all components from a saved model."""
    components = "".join(f'[components.{name}]\nsource = "{saved}"\n' for name in COMPONENTS)
    pipeline = srsly.json_dumps(list(COMPONENTS))
    path.write_text(f'[nlp]\nlang = "xx"\npipeline = {pipeline}\n[components]\n{components}', encoding="utf8")
    return path


def test_assemble_from_sourced_components(saved: Path, tmp_path: Path) -> None:
    run("assemble", write_source_config(saved, tmp_path / "source.cfg"), tmp_path / "model")
    assert_same_cats(spacy.load(tmp_path / "model"), spacy.load(saved))


def test_assemble_without_a_head(tiny_bert: Path, tmp_path: Path) -> None:
    """There are no examples; the one that spaCy makes up in their place is no text of the source language."""
    config = load_config(CONFIGS / "frozen.cfg")
    config["nlp"]["pipeline"] = list(ANNOTATING)
    del config["components"]["xlt_textcat"]
    config.to_disk(tmp_path / "three.cfg")
    run("assemble", tmp_path / "three.cfg", tmp_path / "model", "--paths.encoder", tiny_bert)
    nlp = spacy.load(tmp_path / "model")
    assert nlp(TEXTS[0])._.xlt_projected.any() and nlp.get_pipe("xlt_projector").languages == []


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # spaCy's, in the package that it writes
def test_the_wheel_of_a_model_asks_for_what_it_needs_and_works_where_it_is_installed(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("pip", "setuptools", "wheel"):
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    # `build` would make an environment and download setuptools; spaCy falls back to the setuptools that is there.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    run("package", saved, tmp_path, "--name", "toy", "--build", "wheel")
    (wheel,) = tmp_path.rglob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        assert "Requires-Dist: spacy-xlt[train]" in archive.read(metadata).decode()
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", tmp_path / "installed"]
    subprocess.run([*map(str, install), str(wheel)], check=True)
    monkeypatch.syspath_prepend(tmp_path / "installed")
    assert_same_cats(spacy.load("xx_toy"), spacy.load(saved))


@pytest.mark.parametrize(
    ("factory", "config", "extra"),
    [
        ("xlt_encoder", {}, "train"),
        ("xlt_encoder", {"encoder": {"@xlt_encoders": "spacy-xlt.OnnxEncoder.v1"}}, "serve"),
        ("xlt_encoder", {"encoder": {"@xlt_encoders": "spacy-xlt.StaticEncoder.v1"}}, None),
        ("xlt_langdetect", {}, None),
        ("xlt_langdetect", {"detector": {"@xlt_detectors": "spacy-xlt.Py3LangId.v1"}}, "py3langid"),
    ],
)
def test_a_pipeline_notes_the_extra_that_it_needs(factory: str, config: dict[str, Any], extra: str | None) -> None:
    if extra == "py3langid":
        pytest.importorskip("py3langid")
    nlp = spacy.blank("xx")
    for name in ("one", "two"):
        nlp.add_pipe(factory, name=name, config=config)
    noted = nlp.meta.get("requirements", [])
    assert [Requirement(line).extras for line in noted] == ([{extra}] if extra else [])
    for line in noted:
        assert version("spacy-xlt") in Requirement(line).specifier


def test_every_extra_of_a_back_end_is_one_of_the_package() -> None:
    back_ends = [*registry.xlt_encoders.get_all().values(), *registry.xlt_detectors.get_all().values()]
    extras = {back_end.extra for back_end in back_ends if hasattr(back_end, "extra")}
    assert {"train", "serve"} <= extras <= set(metadata("spacy-xlt").get_all("Provides-Extra") or [])


# Habits in Python


def assert_same_cats(one: Language, other: Language) -> None:
    assert one.pipe_names == other.pipe_names
    for doc, expected in zip(one.pipe(TEXTS), other.pipe(TEXTS)):
        assert doc.cats == pytest.approx(expected.cats, abs=1e-6)


def test_components_are_sourced_from_a_loaded_model(saved: Path) -> None:
    trained, nlp = spacy.load(saved), spacy.blank("xx")
    for name in COMPONENTS:
        nlp.add_pipe(name, source=trained)
    assert_same_cats(nlp, trained)


def test_select_pipes_and_exclude_leave_the_others_as_they_are(saved: Path) -> None:
    nlp = spacy.load(saved)
    expected = nlp(TEXTS[0])
    with nlp.select_pipes(enable="xlt_langdetect"):
        doc = nlp(TEXTS[0])
        assert doc._.language == "en" and doc._.xlt_embedding is None and not doc.cats
    assert nlp(TEXTS[0]).cats == pytest.approx(expected.cats, abs=1e-6)
    encoder = spacy.load(saved, exclude=["xlt_projector", "xlt_textcat"])
    assert encoder(TEXTS[0])._.xlt_embedding == pytest.approx(expected._.xlt_embedding, abs=1e-6)


def test_rehearsal_leads_back_to_the_predictions_before_training(saved: Path) -> None:
    """Of Docs that carry their embeddings: nothing runs the components before the head."""
    nlp = spacy.load(saved)
    # A head that is as undecided as one of a hard task.
    output = nlp.get_pipe("xlt_textcat").model.get_ref("output_layer")  # type: ignore[attr-defined]
    for name in ("W", "b"):
        output.set_param(name, output.get_param(name) * 0)
    before = [nlp(text).cats[LABELS[0]] for text in TEXTS]
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.01
    for _ in range(30):
        nlp.update(other_gold(nlp), sgd=optimizer, annotates=ANNOTATING)

    def drift() -> float:
        return sum(abs(nlp(text).cats[LABELS[0]] - share) for text, share in zip(TEXTS, before))

    drifted = drift()
    examples = [Example.from_dict(nlp(text), {}) for text in TEXTS]
    for _ in range(30):
        losses = nlp.rehearse(examples, sgd=optimizer)
    assert losses["xlt_textcat"] > 0 and drift() < drifted / 2
    with pytest.raises(XltError, match="xlt_projected"):
        nlp.rehearse([Example.from_dict(nlp.make_doc(TEXTS[0]), {})], sgd=optimizer)


# Error handlers

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

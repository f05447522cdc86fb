"""What a spaCy user does without thinking: it has to work on our configs and models too."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli import app
from spacy.language import Language
from spacy.training import Example
from spacy.util import load_config
from typer.testing import CliRunner

from spacy_xlt.data.docbin import make_docs, write_docbin
from tests.records import LABELS, make_records

CONFIGS = Path(__file__).parent.parent / "configs"
METHODS = pytest.mark.parametrize("method", ["frozen", "finetune"])
ANNOTATING = ["xlt_langdetect", "xlt_encoder", "xlt_projector"]


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
    run(
        "train",
        CONFIGS / "frozen.cfg",
        "--output",
        out,
        *paths,
        "--training.max_steps",
        40,
        "--training.eval_frequency",
        20,
    )
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

"""The two training configs. That spaCy's own commands take them is in test_spacy_habits.py."""

from pathlib import Path

import pytest
import spacy
from spacy.training.initialize import init_nlp
from spacy.util import load_config

pytest.importorskip("transformers")

from spacy_xlt.data.docbin import make_docs, write_docbin
from spacy_xlt.training.pipeline import read_packaged_config
from tests.records import LABELS, make_records

CONFIGS = Path(__file__).parent.parent / "configs"
BOTH = pytest.mark.parametrize("method", ["frozen", "finetune"])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "train.spacy"
    write_docbin(make_docs(spacy.blank("xx"), make_records(12), LABELS), path)
    return path


@BOTH
def test_the_components_of_a_saved_model_hold_no_path(
    method: str, corpus: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    if method == "finetune":
        pytest.importorskip("spacy_transformers")
    paths = {"paths.train": str(corpus), "paths.dev": str(corpus), "paths.encoder": str(tiny_bert)}
    nlp = init_nlp(load_config(CONFIGS / f"{method}.cfg", overrides=paths, interpolate=False))
    nlp.to_disk(tmp_path / "model")
    saved = load_config(tmp_path / "model" / "config.cfg", interpolate=False)
    for path in paths.values():
        assert path not in str(saved["components"]) and path not in str(saved["initialize"])
    if method == "frozen":
        assert "paths" not in str(saved["components"])


@BOTH
def test_the_last_step_is_an_evaluation(method: str) -> None:
    training = load_config(CONFIGS / f"{method}.cfg", interpolate=True)["training"]
    assert training["max_epochs"] == 0 and training["max_steps"] % training["eval_frequency"] == 0


def test_the_packaged_config_is_the_one_in_configs() -> None:
    assert read_packaged_config(multilabel=False) == load_config(CONFIGS / "frozen.cfg", interpolate=False)


def test_a_multilabel_config_differs_in_the_head_only() -> None:
    one, many = (read_packaged_config(multilabel) for multilabel in (False, True))
    head = many["components"].pop("xlt_textcat_multilabel")
    assert head["factory"] == "xlt_textcat_multilabel" and head["model"]["exclusive_classes"] is False
    assert many["nlp"]["pipeline"][-1] == "xlt_textcat_multilabel"
    del one["components"]["xlt_textcat"]
    fitted = [config["initialize"]["components"] for config in (one, many)]
    for components, name in zip(fitted, ("xlt_textcat", "xlt_textcat_multilabel")):
        assert components.pop(name) == {"dev": "${paths.dev}"}
    one["nlp"]["pipeline"][-1] = "xlt_textcat_multilabel"
    assert one == many

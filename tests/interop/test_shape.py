"""`spacy train configs/finetune.cfg` with `xlt flatten` makes models of the same shape as `xlt train`."""

from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.util import load_config

pytest.importorskip("spacy_transformers")

from tests.cli.running import succeed
from tests.finetuning import finetune
from tests.records import make_records, write_csv

Pair = tuple[Path, Path]
META_OF_A_RUN = {"performance", "name", "version", "description"}


@pytest.fixture(scope="module")
def models(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The model folders of the spaCy-native way and of our own trainer, on the same texts."""
    folder = tmp_path_factory.mktemp("shapes")
    data = write_csv(make_records(16), folder / "data.csv")
    finetune(tiny_bert, folder)
    options = ["--source", "en", "--languages", "en,de"]
    succeed("flatten", folder / "model-last", folder / "flat", "--texts", data, *options)
    files = [data, folder / "ours", "--dev", data]
    succeed("train", *files, "--encoder", tiny_bert, "--method", "finetune", *options)
    return folder / "flat", folder / "ours"


def keys(value: Any, path: str = "") -> set[str]:
    """The paths of all keys of nested dicts."""
    if not isinstance(value, dict):
        return set()
    return {f"{path}/{key}" for key in value}.union(*(keys(below, f"{path}/{key}") for key, below in value.items()))


def test_the_same_components_with_the_same_settings(models: Pair) -> None:
    native, ours = (load_config(folder / "config.cfg") for folder in models)
    assert native["nlp"]["pipeline"] == ["xlt_langdetect", "xlt_encoder", "xlt_projector", "xlt_textcat"]
    assert native["nlp"] == ours["nlp"]
    # The weights of a head belong to its scale, which is part of the way it was trained.
    for config in (native, ours):
        assert config["components"]["xlt_textcat"]["model"].pop("scale") > 0
    assert native["components"] == ours["components"]


def test_the_same_sections_and_settings_of_the_config(models: Pair) -> None:
    native, ours = (keys(load_config(folder / "config.cfg")) for folder in models)
    assert "/components/xlt_textcat/model/@architectures" in native
    assert native == ours


def test_the_same_keys_of_the_meta(models: Pair) -> None:
    native, ours = (srsly.read_json(folder / "meta.json") for folder in models)
    # `spacy train` does not record how a model was trained in `xlt_training`.
    assert set(native) == set(ours) - {"xlt_training"}
    for key in set(native) - META_OF_A_RUN:
        assert native[key] == ours[key], key
    scores = [{name for name in meta["performance"] if name.startswith("cats_")} for meta in (native, ours)]
    assert scores[0] and scores[0] == scores[1]


def test_the_same_files(models: Pair) -> None:
    native, ours = ({str(file.relative_to(folder)) for file in folder.rglob("*")} for folder in models)
    assert native == ours


def test_the_same_labels_and_weights_of_the_same_shapes(models: Pair) -> None:
    native, ours = (spacy.load(folder) for folder in models)
    assert native.pipe_labels == ours.pipe_labels
    heads: list[Any] = [nlp.get_pipe("xlt_textcat") for nlp in (native, ours)]  # type: ignore[attr-defined]
    shapes = [
        [(name, layer.get_param(name).shape) for layer in head.model.walk() for name in layer.param_names]
        for head in heads
    ]
    assert shapes[0] and shapes[0] == shapes[1]

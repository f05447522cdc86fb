"""A saved pipeline of our four components, read without spaCy."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from spacy_xlt.errors import XltError
from spacy_xlt.model_folder import read_config

KINDS = ("xlt_langdetect", "xlt_encoder", "xlt_projector", "xlt_textcat")


class OnlySpacyError(XltError):
    """Raised for a model that is whole, but of a kind that only spacy.load can make."""


@dataclass(frozen=True)
class Component:
    """One component: its folder, which it may lack, and its part of config.cfg."""

    folder: Path
    config: Mapping[str, Any]


def read_components(folder: Path) -> dict[str, Component]:
    """The components of a model folder by the names of our factories, whatever they are called.

    Raises XltError if the folder is no model, or has other components than exactly the four in their order.
    """
    config = read_config(folder)
    names = list(config["nlp"]["pipeline"])
    sections = [config["components"].get(name, {}) for name in names]
    kinds = [str(section.get("factory")).removesuffix("_multilabel") for section in sections]
    enabled = not config["nlp"].get("disabled")
    if kinds != list(KINDS) or not enabled:
        raise OnlySpacyError(
            f"Classifier is for the components {', '.join(KINDS)}; {folder} has {', '.join(names) or 'none'}"
            f"{'' if enabled else ', some of them disabled'}: use spacy.load."
        )
    return {kind: Component(folder / name, section) for kind, name, section in zip(kinds, names, sections)}


def make_registered(block: Mapping[str, Any], registry: str, where: str) -> Any:
    """Make the object of a config block such as `{"@xlt_encoders": "spacy-xlt.OnnxEncoder.v1", "threads": null}`.

    Found among the entry points, as spaCy finds it. Raises XltError if it is not there, or has blocks inside.
    """
    arguments = dict(block)
    name = arguments.pop(f"@{registry}", None)
    found = list(entry_points(group=f"spacy_{registry}", name=name)) if name else []
    if not found or any(
        isinstance(value, Mapping) and any(key[:1] == "@" for key in value) for value in arguments.values()
    ):
        raise OnlySpacyError(f"{where} is of a kind that only spacy.load can make ({name}): use spacy.load.")
    return found[0].load()(**arguments)

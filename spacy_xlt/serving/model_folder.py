"""Read a saved pipeline of this package's components without spaCy."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from spacy_xlt.errors import XltError
from spacy_xlt.model_folder import read_config

KINDS = ("xlt_langdetect", "xlt_encoder", "xlt_projector", "xlt_textcat")
# It takes the place of the last three, and classifies pairs of texts.
PAIRS = "xlt_pairs"
# It may take the place of xlt_textcat.
ZEROSHOT = "xlt_zeroshot"
# It may follow xlt_langdetect.
TRANSLATOR = "xlt_translator"


class OnlySpacyError(XltError):
    """Raised for a complete model that only spacy.load can load."""


@dataclass(frozen=True)
class Component:
    """A component: its folder (which need not exist) and its section of config.cfg."""

    folder: Path
    config: Mapping[str, Any]


def read_components(folder: Path) -> dict[str, Component]:
    """Read the components of a model folder.

    Args:
        folder: The model folder.

    Returns:
        The components by the names of their factories, in the order of the pipeline. `xlt_zeroshot` has the name
        `xlt_textcat`.

    Raises:
        XltError: The folder is not a model folder, or its components are not exactly the four in their order. Only
            `xlt_translator` may follow the first, `xlt_zeroshot` may take the place of the last, and `xlt_pairs` that
            of the last three.
    """
    config = read_config(folder)
    names = list(config["nlp"]["pipeline"])
    sections = [config["components"].get(name, {}) for name in names]
    kinds = [str(section.get("factory")).removesuffix("_multilabel") for section in sections]
    kinds = [KINDS[-1] if kind == ZEROSHOT else kind for kind in kinds]
    enabled = not config["nlp"].get("disabled")
    required = [kind for number, kind in enumerate(kinds) if (number, kind) != (1, TRANSLATOR)]
    if required not in (list(KINDS), [KINDS[0], PAIRS]) or not enabled:
        raise OnlySpacyError(
            f"Classifier needs the components {', '.join(KINDS)}, or {KINDS[0]}, {PAIRS}, but {folder} has "
            f"{', '.join(names) or 'none'}{'' if enabled else ', and some are disabled'}. Use spacy.load."
        )
    return {kind: Component(folder / name, section) for kind, name, section in zip(kinds, names, sections)}


def make_registered(block: Mapping[str, Any], registry: str, where: str) -> Any:
    """Create the object of a config block such as `{"@xlt_encoders": "spacy-xlt.OnnxEncoder.v1", "threads": null}`.

    Args:
        block: The config block.
        registry: The name of the registry, such as `xlt_encoders`. Its entry points are searched.
        where: The component, for the error.

    Returns:
        The object.

    Raises:
        XltError: The function is not registered, or the block contains other registered blocks.
    """
    arguments = dict(block)
    name = arguments.pop(f"@{registry}", None)
    found = list(entry_points(group=f"spacy_{registry}", name=name)) if name else []
    if not found or any(
        isinstance(value, Mapping) and any(key[:1] == "@" for key in value) for value in arguments.values()
    ):
        raise OnlySpacyError(f"Classifier cannot create {where} ({name}). Use spacy.load.")
    return found[0].load()(**arguments)

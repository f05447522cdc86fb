"""The figures of the source language that a model was saved with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

from spacy_xlt.errors import XltError
from spacy_xlt.heads.confidence import SourceFigures, head_digest
from spacy_xlt.model_folder import HEADS, read_config, read_meta
from spacy_xlt.serving.head import Head, load_head
from spacy_xlt.serving.model_folder import OnlySpacyError


def source_of(head: Head, meta: Mapping[str, Any]) -> Optional[SourceFigures]:
    """Return the figures of the source language; None if the model has none for its present head.

    Args:
        head: The head of the model.
        meta: The content of its meta.json.

    Raises:
        XltError: A text can have several labels.
    """
    if not head.exclusive:
        raise XltError(
            "The model is multilabel. Accuracy can be estimated only for models that give each text exactly one label. "
            "Evaluate this model on labeled texts."
        )
    return SourceFigures.from_meta(meta, head_digest(head.output))


def read_source(folder: Path) -> Optional[SourceFigures]:
    """Return the figures of the source language of a model folder; None if it has none.

    Args:
        folder: A model folder.

    Raises:
        XltError: The folder is damaged, or a text can have several labels.
    """
    components = read_config(folder)["components"]
    name = next((name for name, section in components.items() if section.get("factory") in HEADS), None)
    # A pipeline that was not flattened has our head on top of spaCy's transformer.
    if name is None or "attribute" not in components[name].get("model", {}).get("embed", {}):
        return None
    try:
        head = load_head(folder / name, components[name])
    except OnlySpacyError:
        return None
    return source_of(head, read_meta(folder))

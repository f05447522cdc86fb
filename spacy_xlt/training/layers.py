"""Copy the weights of a Hugging Face encoder, and drop some of its layers."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from spacy_xlt.errors import XltError


def copy_model(model: Any) -> Any:
    """Return a copy that shares the word embeddings. They are four fifths of the weights and are not trained."""
    shared = {id(parameter): parameter for parameter in model.get_input_embeddings().parameters()}
    return copy.deepcopy(model, shared)


def keep_layers(model: Any, layers: Sequence[int]) -> None:
    """Drop all layers of a BERT-like encoder or a T5 encoder except the numbered ones, in place.

    Raises:
        XltError: The model is of another kind, or the first layer of a T5 encoder would be dropped.
    """
    import torch

    stack = getattr(model, "encoder", model)
    name = "layer" if hasattr(stack, "layer") else "block"
    old = getattr(stack, name, None)
    if old is None:
        raise XltError(f"The layers of a {type(model).__name__} cannot be dropped: only BERT's, XLM-R's and T5's can.")
    if 0 not in layers and name == "block":
        raise XltError("The first layer of a T5 encoder holds the relative positions: keep it.")
    setattr(stack, name, torch.nn.ModuleList([old[number] for number in layers]))
    model.config.num_hidden_layers = len(layers)
    if hasattr(model.config, "num_layers"):
        model.config.num_layers = len(layers)


def spread_layers(there: int, wanted: int) -> list[int]:
    """Return the numbers of `wanted` of `there` layers, evenly spread from the first to the last.

    Raises:
        XltError: More layers are wanted than there are.
    """
    if not 1 <= wanted <= there:
        raise XltError(f"The encoder has {there} layers: keep 1 to {there} of them, not {wanted}.")
    return sorted({round(number) for number in np.linspace(0, there - 1, wanted)})

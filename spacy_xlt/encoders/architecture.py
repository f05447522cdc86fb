"""Facts about a Hugging Face encoder: the class that loads it, its missing tensors and its number of positions."""

import inspect
from typing import Any

from spacy_xlt.errors import XltError


def auto_class(source: str, config: Any) -> Any:
    """Return the class of transformers that loads the encoder of a model.

    Args:
        source: The folder or name of the model, for the error.
        config: The configuration of the model, as `AutoConfig` reads it.

    Raises:
        XltError: The model is an encoder-decoder whose encoder cannot be loaded alone.
    """
    from transformers import MODEL_FOR_TEXT_ENCODING_MAPPING, AutoModel, AutoModelForTextEncoding

    # If the encoder of T5 was saved alone, not every version of transformers marks it as part of an encoder-decoder.
    if type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING:
        return AutoModelForTextEncoding
    if getattr(config, "is_encoder_decoder", False):
        raise XltError(
            f"{source} is an encoder-decoder of the type {config.model_type}. Of the encoder-decoders, only T5 and its "
            "relatives can be used. Give another encoder."
        )
    return AutoModel


def pooler_options(config: Any) -> dict[str, bool]:
    """Return the options to load a model without its pooling head, if this kind of model has one."""
    from transformers import MODEL_MAPPING

    model_class: Any = MODEL_MAPPING[type(config)]
    parameters = inspect.signature(model_class).parameters
    return {"add_pooling_layer": False} if "add_pooling_layer" in parameters else {}


def missing_tensors(model: Any, report: Any) -> list[str]:
    """Return the names of the tensors that a checkpoint lacks.

    Args:
        model: The loaded encoder.
        report: The loading information of transformers. Version 4.48 puts the name of the model (`bert.`) before the
            names of the tensors if the checkpoint has a head.
    """
    return sorted(name.removeprefix(f"{model.base_model_prefix}.") for name in report["missing_keys"])


def count_positions(model: Any) -> int | None:
    """Return how many word pieces have a position embedding, or None for models without such embeddings (T5).

    The RoBERTa family counts positions from the padding's id + 1, so that 514 rows hold 512 positions.
    """
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and hasattr(module, "num_embeddings"):
            first = 0 if module.padding_idx is None else module.padding_idx + 1
            return int(module.num_embeddings - first)
    limit = getattr(model.config, "max_position_embeddings", None)
    return int(limit) if limit else None

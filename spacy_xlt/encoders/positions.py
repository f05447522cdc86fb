"""How many word pieces a model can read at once."""

from typing import Any, Optional


def count_positions(model: Any) -> Optional[int]:
    """Count the word pieces that have a position embedding.

    The RoBERTa family counts positions from the padding's id + 1, so 514 rows hold 512 positions.

    Args:
        model: A Hugging Face model.

    Returns:
        The number of positions. None for a model without position embeddings (T5), which has no limit.
    """
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and hasattr(module, "num_embeddings"):
            first = 0 if module.padding_idx is None else module.padding_idx + 1
            return int(module.num_embeddings - first)
    limit = getattr(model.config, "max_position_embeddings", None)
    return int(limit) if limit else None

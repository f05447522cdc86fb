"""A shim that keeps the word embeddings frozen. It has its own module because it imports spacy-transformers."""

from typing import Any

from spacy_transformers.layers.hf_shim import HFShim


class FrozenEmbeddingsShim(HFShim):
    """`HFShim` with frozen word embeddings.

    `from_bytes` builds a new module, so parameters that were frozen once at initialization would be trainable again
    after `spacy.load`. The shim therefore freezes them at the start of every update.
    """

    def begin_update(self, inputs: Any) -> Any:
        """Freeze the word embeddings, then run the forward pass of an update."""
        self._model.get_input_embeddings().requires_grad_(False)
        return super().begin_update(inputs)

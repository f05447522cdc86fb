"""A shim whose word embeddings do not learn. Its own module, because it imports spacy-transformers and so torch."""

from typing import Any

from spacy_transformers.layers.hf_shim import HFShim


class FrozenEmbeddingsShim(HFShim):
    """`HFShim` with frozen word embeddings.

    The freeze is repeated at every `begin_update`: `from_bytes` builds the module anew, so that one done once at
    initialisation would be lost at `spacy.load`.
    """

    def begin_update(self, inputs: Any) -> Any:
        self._model.get_input_embeddings().requires_grad_(False)
        return super().begin_update(inputs)

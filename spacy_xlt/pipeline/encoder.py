"""`xlt_encoder`: the component that writes the sentence embedding of a Doc."""

import threading
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.cache import TextCache
from spacy_xlt.encoders.base import Floats1d, Floats2d, TextEncoder
from spacy_xlt.encoders.folder import default_folder
from spacy_xlt.extensions import set_extensions
from spacy_xlt.pipeline.requirements import require_extra
from spacy_xlt.pipeline.saved import SavedPipe

DEFAULT_CONFIG_STR = """
[xlt_encoder]
cache_size = 20000

[xlt_encoder.encoder]
@xlt_encoders = "spacy-xlt.TorchEncoder.v1"
pooling = null
prefix = null
window = null
max_windows = null
device = null
"""
DEFAULT_CONFIG = Config().from_str(DEFAULT_CONFIG_STR)["xlt_encoder"]

EXTENSIONS = ("xlt_embedding", "xlt_translation", "xlt_translation_embedding")
# The number of texts between two updates of a progress bar.
CHUNK = 256

# When threads share a pipeline, one of them loads the weights and the others wait. The lock belongs to the module,
# because a lock cannot be pickled with the component.
_LOADING = threading.Lock()


@Language.factory(
    "xlt_encoder",
    default_config=DEFAULT_CONFIG,
    assigns=["doc._.xlt_embedding", "doc._.xlt_translation_embedding"],
)
def make_encoder(nlp: Language, name: str, *, encoder: TextEncoder, cache_size: int) -> "Encoder":
    """Make the component for `nlp.add_pipe`. See `Encoder`."""
    require_extra(nlp, encoder)
    return Encoder(name, encoder=encoder, cache_size=cache_size)


class Encoder(SavedPipe):
    """Embed each Doc with a multilingual sentence encoder, in `doc._.xlt_embedding`.

    An embedding is a float32 vector of unit length. By default, the component loads the default encoder (`python -m
    spacy xlt init-encoder`) when it is first used. Name another encoder folder in `[initialize.components.xlt_encoder]
    source` or in `initialize`. A saved pipeline contains the weights.

    If `xlt_translator` has translated a Doc, the translation is embedded as well, in `doc._.xlt_translation_embedding`.

    Args:
        name: The name of the component.
        encoder: A back end from the registry `xlt_encoders`.
        cache_size: The number of texts whose embeddings are kept. An embedding of 384 dimensions takes 1.5 kB.

    Example:
        nlp = spacy.blank("xx")
        nlp.add_pipe("xlt_encoder")
        nlp("Where is my parcel?")._.xlt_embedding
    """

    def __init__(self, name: str = "xlt_encoder", *, encoder: TextEncoder, cache_size: int = 20_000) -> None:
        self.name = name
        self.encoder = encoder
        self._cache: TextCache[Floats1d] = TextCache(cache_size)
        set_extensions(*EXTENSIONS)

    @property
    def saved(self) -> TextEncoder:
        """The back end, with its weights and tokenizer."""
        return self.encoder

    @property
    def width(self) -> int:
        """The number of dimensions of an embedding."""
        self._require_weights()
        return self.encoder.width

    def _load_default(self) -> None:
        self._require_weights()

    def _require_weights(self) -> None:
        if not self.encoder.is_loaded:
            with _LOADING:
                if not self.encoder.is_loaded:
                    self._load(default_folder())

    def _annotate(self, docs: list[Doc]) -> None:
        set_extensions(*EXTENSIONS)
        translated = [doc for doc in docs if doc._.xlt_translation is not None]
        vectors = self.encode([*(doc.text for doc in docs), *(doc._.xlt_translation for doc in translated)])
        for doc, vector in zip(docs, vectors):
            doc._.xlt_embedding = vector
        for doc, vector in zip(translated, vectors[len(docs) :]):
            doc._.xlt_translation_embedding = vector

    def encode(self, texts: list[str]) -> Floats2d:
        """Embed texts. Embeddings are taken from the cache if they are there.

        Args:
            texts: The texts.

        Returns:
            The embeddings [len(texts), width], float32, of unit length. A blank text has zeros.

        Raises:
            XltError: The component has no weights, and there is no default encoder.
        """
        self._require_weights()
        # The cache gets copies of the rows. A view of a row would keep the whole matrix in memory.
        vectors = self._cache.compute(texts, lambda missing: [row.copy() for row in self.encoder.encode(missing)])
        return np.array(vectors, dtype=np.float32).reshape(len(texts), self.encoder.width)

    def forget(self) -> None:
        """Clear the cache. Call this when the weights of the back end have changed."""
        self._cache.clear()


def encode_in_chunks(encoder: Encoder, texts: list[str], bar: Any) -> Floats2d:
    """Embed texts and update a progress bar after every chunk.

    Args:
        encoder: The component.
        texts: The texts, at least one.
        bar: The tqdm bar.

    Returns:
        The embeddings [len(texts), width].
    """
    chunks = []
    for start in range(0, len(texts), CHUNK):
        chunks.append(encoder.encode(texts[start : start + CHUNK]))
        bar.update(len(chunks[-1]))
    return np.concatenate(chunks)

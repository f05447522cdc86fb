"""`xlt_encoder`: writes the sentence embedding of a Doc."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Callable, Optional, Union

import numpy as np
from spacy.language import Language
from spacy.pipeline.pipe import Pipe
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import SimpleFrozenList
from thinc.api import Config

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.cache import TextCache
from spacy_xlt.encoders.base import Floats1d, Floats2d, TextEncoder
from spacy_xlt.encoders.folder import default_folder
from spacy_xlt.extensions import set_extensions
from spacy_xlt.pipeline.requirements import require_extra
from spacy_xlt.pipeline.stream import annotate_stream

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
# Texts between two steps of a progress bar.
CHUNK = 256

# Threads that share a pipeline meet at its first use: one of them loads, the others wait. (A lock cannot be pickled.)
_LOADING = threading.Lock()


@Language.factory(
    "xlt_encoder",
    default_config=DEFAULT_CONFIG,
    assigns=["doc._.xlt_embedding", "doc._.xlt_translation_embedding"],
)
def make_encoder(nlp: Language, name: str, *, encoder: TextEncoder, cache_size: int) -> "Encoder":
    require_extra(nlp, encoder)
    return Encoder(name, encoder=encoder, cache_size=cache_size)


class Encoder(Pipe):
    """Embed each Doc with a multilingual sentence encoder.

        nlp = spacy.blank("xx")
        nlp.add_pipe("xlt_encoder")
        nlp("Where is my parcel?")._.xlt_embedding  # float32, unit length

    The weights are those of the default encoder (`python -m spacy xlt init-encoder`), read at first use, unless
    `[initialize.components.xlt_encoder] source` or `nlp.initialize` names another encoder folder. A saved pipeline
    carries its weights. If `xlt_translator` has translated a Doc, its translation is embedded as well:
    `doc._.xlt_translation_embedding`.

    encoder: a back end from the registry `xlt_encoders`.
    cache_size: the number of texts whose vectors are kept (a vector of 384 takes 1.5 kB).
    """

    def __init__(self, name: str = "xlt_encoder", *, encoder: TextEncoder, cache_size: int = 20_000) -> None:
        self.name = name
        self.encoder = encoder
        self._cache: TextCache[Floats1d] = TextCache(cache_size)
        set_extensions(*EXTENSIONS)

    @property
    def width(self) -> int:
        """The length of an embedding."""
        self._require_weights()
        return self.encoder.width

    def initialize(
        self,
        get_examples: Optional[Callable[[], Iterable[Example]]] = None,
        *,
        nlp: Optional[Language] = None,
        source: Optional[str] = None,
    ) -> None:
        """Take the weights of an encoder folder; None: the default encoder, unless there are weights already.

        Raises XltError if the folder is missing or damaged.
        """
        if source is not None:
            self._load(Path(source).expanduser())
        else:
            self._require_weights()

    def _load(self, folder: Path) -> None:
        self.encoder.load(folder)
        self._cache.clear()

    def _require_weights(self) -> None:
        if not self.encoder.is_loaded:
            with _LOADING:
                if not self.encoder.is_loaded:
                    self._load(default_folder())

    def __call__(self, doc: Doc) -> Doc:
        self._annotate([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        return annotate_stream(self, self._annotate, stream, batch_size)

    def _annotate(self, docs: list[Doc]) -> None:
        set_extensions(*EXTENSIONS)
        translated = [doc for doc in docs if doc._.xlt_translation is not None]
        vectors = self.encode([*(doc.text for doc in docs), *(doc._.xlt_translation for doc in translated)])
        for doc, vector in zip(docs, vectors):
            doc._.xlt_embedding = vector
        for doc, vector in zip(translated, vectors[len(docs) :]):
            doc._.xlt_translation_embedding = vector

    def encode(self, texts: list[str]) -> Floats2d:
        """Return the embeddings [len(texts), width] of texts, float32, unit length or zeros."""
        self._require_weights()
        # Copies: a row that is kept would keep the whole matrix it is a part of.
        vectors = self._cache.compute(texts, lambda missing: [row.copy() for row in self.encoder.encode(missing)])
        return np.array(vectors, dtype=np.float32).reshape(len(texts), self.encoder.width)

    def forget(self) -> None:
        """Drop the vectors that are kept: after a change of the back end's weights."""
        self._cache.clear()

    def to_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = SimpleFrozenList()) -> None:
        """Write the weights and the tokenizer as an encoder folder."""
        if self.encoder.is_loaded:
            self.encoder.to_disk(Path(path))

    def from_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = SimpleFrozenList()) -> "Encoder":
        if Path(path).exists():
            self._load(Path(path))
        return self

    def to_bytes(self, *, exclude: Iterable[str] = SimpleFrozenList()) -> bytes:
        return self.encoder.to_bytes() if self.encoder.is_loaded else b""

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = SimpleFrozenList()) -> "Encoder":
        self.encoder.from_bytes(data)
        self._cache.clear()
        return self


def encode_in_chunks(encoder: Encoder, texts: list[str], bar: Any) -> Floats2d:
    """`encoder.encode(texts)` for at least one text, moving a tqdm bar on after every chunk."""
    chunks = []
    for start in range(0, len(texts), CHUNK):
        chunks.append(encoder.encode(texts[start : start + CHUNK]))
        bar.update(len(chunks[-1]))
    return np.concatenate(chunks)

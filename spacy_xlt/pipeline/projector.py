"""`xlt_projector`: brings the embedding of a Doc into the space of the source language."""

import json
import os
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Callable, Optional, Union

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import SimpleFrozenList
from thinc.api import Config

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.alignment.base import Aligner, Pairs
from spacy_xlt.alignment.projection import MAPS_FILE, Projection, mixture
from spacy_xlt.errors import XltError
from spacy_xlt.extensions import language_of, set_extensions
from spacy_xlt.languages import UNKNOWN, base_code, by_base_code, find_language
from spacy_xlt.pipeline.stream import DocPipe
from spacy_xlt.pipeline.upstream import annotate_upstream

DEFAULT_CONFIG_STR = """
[xlt_projector]
source = "en"
set_vector = false

[xlt_projector.aligner]
@xlt_aligners = "spacy-xlt.AnchoredCentering.v1"
shrinkage = 10.0
"""
DEFAULT_CONFIG = Config().from_str(DEFAULT_CONFIG_STR)["xlt_projector"]
EXTENSIONS = ("xlt_embedding", "xlt_translation_embedding", "xlt_projected", "language", "language_candidates")
# What spaCy makes up where `nlp.initialize` (or `spacy assemble`) gets no examples: no text of the source.
DUMMY_WORDS = ["x", "y", "z"]

CARD_FILE = "card.json"


@Language.factory(
    "xlt_projector",
    default_config=DEFAULT_CONFIG,
    requires=["doc._.xlt_embedding"],
    assigns=["doc._.xlt_projected"],
)
def make_projector(nlp: Language, name: str, *, aligner: Aligner, source: str, set_vector: bool) -> "Projector":
    return Projector(name, aligner=aligner, source=source, set_vector=set_vector)


class Projector(Projection, DocPipe):
    """Project each Doc's embedding into the space of the source language: x' = L2(W (x - mu_language) + mu_source).

    The source's own map is the identity, and so is an unfitted projector; so a head trained on the source fits before
    and after, and adding, replacing or removing a language moves no other. A language that was not fitted, and `xx`,
    take the pooled mean of the fitted ones. Where the detector is unsure, the maps of its candidates are mixed.
    If a Doc has a translation, the projected embedding is averaged with that of the translation, see
    `mix_translations`. `translation_weights` holds the weight of the translation in each language.

        projector = nlp.get_pipe("xlt_projector")
        projector.fit({"sw": nlp.get_pipe("xlt_encoder").encode(swahili_texts)})
        projector.languages  # ["en", "sw"]

    aligner: a way to fit maps, from the registry `xlt_aligners`.
    source: the language that the head is trained on.
    set_vector: also write `doc.vector`.
    """

    def __init__(
        self, name: str = "xlt_projector", *, aligner: Aligner, source: str = "en", set_vector: bool = False
    ) -> None:
        Projection.__init__(self, name, source)
        self.aligner = aligner
        self.set_vector = set_vector
        set_extensions(*EXTENSIONS)

    def initialize(self, get_examples: Callable[[], Iterable[Example]], *, nlp: Optional[Language] = None) -> None:
        """Fit on the training texts, so that the source's mean is known when other languages join.

        Texts whose reference names no language (`reference._.language`) count as texts of the source.
        """
        texts: dict[str, list[Doc]] = {}
        for example in get_examples():
            if [token.text for token in example.reference] == DUMMY_WORDS:
                continue
            language = language_of(example.reference)
            texts.setdefault(self.source if language == UNKNOWN else language, []).append(example.reference)
        self.maps, self.means, self.counts = {}, {}, {}
        if nlp is None or self.source not in texts:
            return
        embeddings = {}
        for language, docs in texts.items():
            embedded = annotate_upstream(nlp, self.name, [nlp.make_doc(doc.text) for doc in docs])
            vectors = [doc._.xlt_embedding for doc in embedded]
            if any(vector is None for vector in vectors):
                raise XltError(f"{self.name} needs embeddings: put xlt_encoder before it in the pipeline.")
            embeddings[language] = np.array(vectors, dtype=np.float32)
        # Of a corpus that comes from elsewhere all languages count, known to us or not.
        self._fit(embeddings, None)

    def fit(self, embeddings: Mapping[str, NDArray[np.float32]], pairs: Optional[Pairs] = None) -> None:
        """Add languages, or replace them: {language: embeddings [n, d] of its texts}. All others stay as they are.

        pairs: {language: (row of the language, row of the source), ...} for aligners that learn from translations; the
            source's rows are then among `embeddings`.
        Rows of zeros (blank texts) do not count. The source, once fitted, need not be given again.
        Raises XltError if the source has never been seen, and for a language without texts, or that is not known.
        """
        regroup = partial(by_base_code, code_of=find_language, who=f"{self.name}: ", join="rows")
        self._fit(regroup(embeddings), None if pairs is None else regroup(pairs))

    def _fit(self, rows: Mapping[str, NDArray[np.float32]], pairs: Optional[Pairs]) -> None:
        if self.source not in rows and (pairs or self.source not in self.means):
            raise XltError(
                f"{self.name} has seen no text of its source language '{self.source}' yet: give some of it as well."
            )
        filled = {language: vectors[np.abs(vectors).sum(axis=1) != 0] for language, vectors in rows.items()}
        if pairs:
            maps = self.aligner.fit(rows, self.source, pairs)
        else:
            # Languages fitted before enter by their mean, so that the pooled mean knows them; their maps are kept.
            known = {language: mean[None] for language, mean in self.means.items() if language not in rows}
            maps = self.aligner.fit({**known, **filled}, self.source)
        for language, vectors in filled.items():
            self.maps[language] = maps[language]
            self.means[language] = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
            self.counts[language] = len(vectors)

    def remove(self, language: str) -> None:
        """Forget a language. Raises XltError for one that was not fitted, and for the source."""
        language = base_code(language)
        if language not in self.maps:
            raise XltError(f"{self.name} knows {', '.join(self.languages) or 'no language'}, not '{language}'.")
        if language == self.source:
            raise XltError(f"{self.name}: the source language '{language}' cannot be removed.")
        del self.maps[language], self.means[language], self.counts[language]
        self.translation_weights.pop(language, None)

    def _annotate(self, docs: list[Doc]) -> None:
        set_extensions(*EXTENSIONS)
        if any(doc._.xlt_embedding is None for doc in docs):
            raise XltError(f"{self.name} needs doc._.xlt_embedding: put xlt_encoder before it in the pipeline.")
        vectors = np.array([doc._.xlt_embedding for doc in docs], dtype=np.float32)
        projected = self.project(vectors, [language_mixture(doc) for doc in docs])
        translations = [doc._.xlt_translation_embedding for doc in docs]
        mixed = self.mix_translations(projected, translations, [language_of(doc) for doc in docs])
        for doc, vector in zip(docs, mixed):
            doc._.xlt_projected = vector
            if self.set_vector:
                doc.vector = vector

    def to_bytes(self, *, exclude: Iterable[str] = SimpleFrozenList()) -> bytes:
        """All maps as an .npz archive without pickle, the card inside."""
        return self.write_maps(self._card())

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = SimpleFrozenList()) -> "Projector":
        """Raises XltError if the data are damaged."""
        self.read_maps(data)
        return self

    def to_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = SimpleFrozenList()) -> None:
        """Write maps.npz, and card.json for people to read."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in (
            (MAPS_FILE, self.to_bytes()),
            (CARD_FILE, (json.dumps(self._card(), indent=2) + "\n").encode("utf8")),
        ):
            (folder / f"{file}.new").write_bytes(content)
            os.replace(folder / f"{file}.new", folder / file)

    def from_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = SimpleFrozenList()) -> "Projector":
        file = Path(path) / MAPS_FILE
        if not file.is_file():
            raise XltError(f"{file} is missing: the model folder is not complete.")
        return self.from_bytes(file.read_bytes())

    def _card(self) -> dict[str, Any]:
        card = {"source": self.source, "aligner": type(self.aligner).__name__, "texts": self.counts}
        return {**card, "translation_weights": self.translation_weights} if self.translation_weights else card


def language_mixture(doc: Doc) -> dict[str, float]:
    """The languages of a Doc with their shares: see `mixture`."""
    return mixture(language_of(doc), doc._.language_candidates)

"""The language and the embedding of each text of an index, from the components of a pipeline."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Union

import numpy as np
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.errors import XltError
from spacy_xlt.extensions import language_of, set_extensions
from spacy_xlt.languages import UNKNOWN, as_base_code
from spacy_xlt.models import load_model
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe, has_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.pipeline.translator import DocTranslator
from spacy_xlt.progress import progress_bar
from spacy_xlt.text import replace_surrogates
from spacy_xlt.vectors import unit_rows

KINDS = (LanguageDetector, DocTranslator, Encoder, Projector)
DEFAULT_COMPONENTS = ("xlt_langdetect", "xlt_encoder", "xlt_projector")
# The embeddings of these texts show whether two encoders are the same.
PROBES = ("Where is my parcel?", "Das Wetter war gestern schön.", "他们在图书馆学习。", "Мы едем на поезде в город.")
# 8-bit weights change an embedding by a cosine of less than .02. Other encoders have cosines near 0.
SAME = 0.95


class Embedded(NamedTuple):
    """The unit vectors `[n, d]` of texts, zeros for a blank text, and the base codes of their languages."""

    vectors: Floats
    languages: list[str]


def pipeline_of(nlp: Union[Language, str, Path, None]) -> Language:
    """Return a pipeline: as it is, from a model folder, or a new one with the default encoder.

    Raises:
        XltError: The folder cannot be loaded, or the pipeline has no encoder.
    """
    if nlp is None:
        nlp = spacy.blank("xx")
        for name in DEFAULT_COMPONENTS:
            nlp.add_pipe(name)
    loaded = nlp if isinstance(nlp, Language) else load_model(nlp)
    find_pipe(loaded, Encoder)
    return loaded


def embed(nlp: Language, texts: Sequence[str], languages: Sequence[str], *, progress: bool = False) -> Embedded:
    """Embed texts in the space of the source language.

    Args:
        nlp: A pipeline. Only its language detector, translator, encoder and projector are run.
        texts: The texts.
        languages: The language of each text, a code or an English name; empty or `xx`: it is detected.
        progress: Show a progress bar.

    Raises:
        XltError: A language is unknown.
    """
    set_extensions("language")
    stream: Iterable[Doc] = (_make_doc(nlp, text, language) for text, language in zip(texts, languages))
    for _, pipe in nlp.pipeline:
        if isinstance(pipe, KINDS):
            stream = pipe.pipe(stream)
    attribute = "xlt_projected" if has_pipe(nlp, Projector) else "xlt_embedding"
    vectors, found = [], []
    for doc in progress_bar(stream, title="Embedding", unit="text", total=len(texts), show=progress):
        vectors.append(doc._.get(attribute))
        found.append(language_of(doc))
    width = find_pipe(nlp, Encoder).width
    return Embedded(unit_rows(np.array(vectors, dtype=np.float32).reshape(len(texts), width)), found)


def _make_doc(nlp: Language, text: str, language: str) -> Doc:
    doc = nlp.make_doc(replace_surrogates(text))
    if language and language != UNKNOWN:
        doc._.language = as_base_code(language)
    return doc


def probe(nlp: Language) -> Floats:
    """Return the embeddings of a few fixed texts, `[4, d]`, which tell encoders apart."""
    return find_pipe(nlp, Encoder).encode(list(PROBES))


def projection_digest(nlp: Language) -> str:
    """Return the SHA-256 of the maps of a pipeline's projector; empty if none is fitted."""
    if not has_pipe(nlp, Projector):
        return ""
    maps = find_pipe(nlp, Projector).maps
    digest = sha256()
    for language in sorted(maps):
        digest.update(language.encode("utf8"))
        for array in (maps[language].origin, maps[language].target, maps[language].matrix):
            digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest() if maps else ""


def check_same_pipeline(nlp: Language, expected: Floats, projection: str, name: str) -> None:
    """Check that a pipeline embeds texts as the one that an index was built with.

    Args:
        nlp: The pipeline.
        expected: The `probe` of the other pipeline.
        projection: The `projection_digest` of the other pipeline.
        name: The name of the index.

    Raises:
        XltError: The encoder or the projection is another one.
    """
    found = probe(nlp)
    if found.shape != expected.shape:
        raise XltError(
            f"{name} was built with an encoder of {expected.shape[-1]} dimensions, but the pipeline's encoder has "
            f"{found.shape[1]}. Use the pipeline that the index was built with, or build it again."
        )
    lowest = float(np.einsum("ij,ij->i", found, expected).min())
    if lowest < SAME:
        raise XltError(
            f"{name} was built with another encoder (the same text has a cosine of only {lowest:.2f}). Use the "
            "pipeline that the index was built with, or build it again."
        )
    if projection_digest(nlp) != projection:
        raise XltError(
            f"{name} was built with another projection. Use the pipeline that the index was built with, or build it "
            "again."
        )

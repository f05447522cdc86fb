"""Transfer by projection: fit the projector of a trained pipeline for new languages, from unlabelled texts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from spacy.language import Language
from tqdm import tqdm

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector

CHUNK = 256


def fit_projection(nlp: Language, texts: Mapping[str, Sequence[str]], *, quiet: bool = True) -> None:
    """Fit `xlt_projector` for each language of `texts` ({language: unlabelled texts}); all others stay as they are.

    quiet: no progress bar.
    Raises XltError if the pipeline lacks an encoder or a projector, or a language has no text.
    """
    encoder, projector = find_pipe(nlp, Encoder), find_pipe(nlp, Projector)
    if UNKNOWN in texts:
        raise XltError("There are texts without a language: name it with --language, or in the field 'lang'.")
    embeddings = {}
    with tqdm(total=sum(map(len, texts.values())), desc="Embedding", unit="text", disable=quiet) as bar:
        for language, of_language in texts.items():
            if not of_language:
                raise XltError(f"There is no text of language '{language}'.")
            embeddings[language] = _encode(encoder, list(of_language), bar)
    projector.fit(embeddings)


def _encode(encoder: Encoder, texts: list[str], bar: Any) -> Floats2d:
    chunks = []
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        chunks.append(encoder.encode(chunk))
        bar.update(len(chunk))
    return np.concatenate(chunks)

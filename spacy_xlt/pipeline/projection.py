"""Transfer by projection: fit the projector of a trained pipeline for new languages."""

from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from spacy_xlt.data.dataset import Data, load_dataset
from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, as_base_code, by_base_code
from spacy_xlt.pipeline.encoder import Encoder, encode_in_chunks
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.progress import progress_bar
from spacy_xlt.registries import aligner_name

# (text of the source, text of the language)
Translations = Sequence[tuple[str, str]]


def fit_projection(
    nlp: Language,
    texts: Data,
    *,
    translations: Optional[Mapping[str, Translations]] = None,
    progress: bool = True,
) -> None:
    """Fit `xlt_projector` for each language of `texts` and of `translations`; all others stay as they are.

    texts: {language: unlabelled texts, or files of them}, or files whose records say their language.
    translations: {language: [(text or word of the source, its translation)]}, for aligners that learn from pairs; both
        sides also count as unlabelled texts.
    progress: Show a progress bar.
    Raises XltError if the pipeline lacks an encoder or a projector, or a language has no text.
    """
    encoder, projector = find_pipe(nlp, Encoder), find_pipe(nlp, Projector)
    texts, translations = (
        load_dataset(texts, labeled=False).by_language(),
        by_base_code(translations or {}, as_base_code),
    )
    if UNKNOWN in texts or UNKNOWN in translations:
        raise XltError("There are texts without a language: name it with --language, or in the field 'lang'.")
    if projector.source in translations:
        raise XltError(f"'{projector.source}' is the source language: translations are from it into another one.")
    rows = {language: list(of_language) for language, of_language in texts.items()}
    for language, pairs in translations.items():
        for side, column in ((projector.source, 0), (language, 1)):
            there = set(rows.setdefault(side, []))
            rows[side] += [text for text in dict.fromkeys(pair[column] for pair in pairs) if text not in there]
    numbers = {language: {text: row for row, text in enumerate(of_language)} for language, of_language in rows.items()}
    embeddings = {}
    with progress_bar(title="Embedding", unit="text", total=sum(map(len, rows.values())), show=progress) as bar:
        for language, of_language in rows.items():
            if not of_language:
                raise XltError(f"There is no text of language '{language}'.")
            embeddings[language] = encode_in_chunks(encoder, of_language, bar)
    indices: dict[str, NDArray[Any]] = {
        language: np.array([(numbers[language][ours], numbers[projector.source][source]) for source, ours in pairs])
        for language, pairs in translations.items()
    }
    projector.fit(embeddings, indices or None)


def set_aligner(nlp: Language, aligner: str) -> None:
    """Give the projector of a pipeline another aligner, with its default settings; what was fitted stays.

    aligner: a name of the registry `xlt_aligners`, as `registries.aligner_name` takes it.
    Raises XltError for an unknown name.
    """
    old = find_pipe(nlp, Projector)
    config = {"source": old.source, "set_vector": old.set_vector, "aligner": {"@xlt_aligners": aligner_name(aligner)}}
    new: Any = nlp.replace_pipe(old.name, "xlt_projector", config=config)
    new.from_bytes(old.to_bytes())

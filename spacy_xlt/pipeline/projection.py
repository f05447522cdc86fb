"""Fit the projector of a pipeline on texts of new languages."""

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

# Pairs of a source text and its translation.
Translations = Sequence[tuple[str, str]]


class MissingLanguageError(XltError):
    """Raised for texts whose language is unknown."""

    # Commands add the option of this name to the message.
    parameter = "language"


def fit_projection(
    nlp: Language,
    texts: Data,
    *,
    translations: Optional[Mapping[str, Translations]] = None,
    progress: bool = True,
) -> None:
    """Fit `xlt_projector` for each language of the texts and the translations. Other languages do not change.

    Args:
        nlp: A pipeline with `xlt_encoder` and `xlt_projector`.
        texts: {language: unlabeled texts, or files}, or files whose records name their language.
        translations: {language: [(source text or word, its translation)]}, for aligners that need pairs. Both sides
            are used as unlabeled texts, too.
        progress: Show a progress bar.

    Raises:
        XltError: The pipeline lacks a component, a language has no text, or texts have no language.
    """
    encoder, projector = find_pipe(nlp, Encoder), find_pipe(nlp, Projector)
    texts = load_dataset(texts, labeled=False).by_language()
    translations = check_translations(translations or {}, projector.source)
    check_texts(texts)
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
                raise XltError(f"There is no text of language '{language}'. Give at least one.")
            embeddings[language] = encode_in_chunks(encoder, of_language, bar)
    indices: dict[str, NDArray[Any]] = {
        language: np.array([(numbers[language][ours], numbers[projector.source][source]) for source, ours in pairs])
        for language, pairs in translations.items()
    }
    projector.fit(embeddings, indices or None)


def check_texts(texts: Mapping[str, Any]) -> None:
    """Check that {language: texts} has no texts whose language is unknown.

    Raises:
        XltError: It has some.
    """
    if UNKNOWN in texts:
        raise MissingLanguageError("Some texts have no language. Name the language of the data.")


def check_translations(translations: Mapping[str, Translations], source: str) -> dict[str, Translations]:
    """Return the translations by base code.

    Raises:
        XltError: Some have no language, or are in the source language.
    """
    found = by_base_code(translations, as_base_code)
    check_texts(found)
    if source in found:
        raise XltError(f"'{source}' is the source language. Give translations from it into another language.")
    return found


def set_aligner(nlp: Language, aligner: str) -> None:
    """Give the projector another aligner with its default settings. Languages that are fitted already do not change.

    Args:
        nlp: A pipeline with `xlt_projector`.
        aligner: A name of the registry `xlt_aligners`, such as `RidgeToIdentity` or `spacy-xlt.RidgeToIdentity.v1`.

    Raises:
        XltError: There is no aligner of this name.
    """
    old = find_pipe(nlp, Projector)
    config = {"source": old.source, "set_vector": old.set_vector, "aligner": {"@xlt_aligners": aligner_name(aligner)}}
    new: Any = nlp.replace_pipe(old.name, "xlt_projector", config=config)
    new.from_bytes(old.to_bytes())

"""Evaluation of how well a pipeline aligns languages: on words, on sentences, and on texts without translations."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Optional, TypeVar

from spacy.language import Language

from spacy_xlt.data.dataset import Data, load_dataset
from spacy_xlt.data.dictionaries import WordPair, split_by_source
from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.alignment import FOLDS, sentence_figures, text_figures
from spacy_xlt.evaluation.lexicon import induce_lexicon
from spacy_xlt.languages import find_language
from spacy_xlt.pipeline.encoder import Encoder, encode_in_chunks
from spacy_xlt.pipeline.find import find_pipe, has_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.progress import progress_bar

KINDS = ("words", "sentences", "texts")

Figures = dict[str, Any]
ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class _Job:
    """Texts of the source and of another language to embed, and the metrics of their embeddings `[n, d]`, `[m, d]`."""

    kind: str
    language: str
    ours: list[str]
    theirs: list[str]
    measure: Callable[[Floats2d, Floats2d], Figures]


def evaluate_alignment(
    nlp: Language,
    *,
    dictionaries: Optional[Mapping[str, Sequence[WordPair]]] = None,
    pairs: Optional[Mapping[str, Sequence[tuple[str, str]]]] = None,
    texts: Optional[Data] = None,
    source: str = "en",
    progress: bool = True,
) -> Figures:
    """Compare the embeddings of each language with those of the source language, before and after the projection.

    Args:
        nlp: A pipeline with an encoder.
        dictionaries: For each language, pairs (source word, word of the language). About a fifth of the source words
            (see `is_held_out`) is looked up among all words of the language in the dictionary.
        pairs: For each language, pairs (source sentence, sentence of the language).
        texts: For each language, unlabeled texts or files of texts. Or files whose records name their language. Texts
            in the source language are needed too.
        source: The source language. A projector's own source takes precedence.
        progress: Whether to show a progress bar.

    Returns:
        {"source", "width", "languages": {code: {"fitted", "words", "sentences", "texts"}}, "mean"}. "fitted" says
        whether the projector was fitted on the language (None without a projector). The other three are there if they
        were asked for. Each is {"before": figures, "after": figures}, with "after" only for a fitted projector. See
        `induce_lexicon`, `sentence_figures` and `text_figures` for the figures.

    Raises:
        XltError: There is no encoder or no data, a language has too few texts, or the source language has no texts.
    """
    encoder = find_pipe(nlp, Encoder)
    projector = find_pipe(nlp, Projector) if has_pipe(nlp, Projector) else None
    source = projector.source if projector else find_language(source)
    jobs = [
        *_word_jobs(_by_code(dictionaries, source)),
        *_sentence_jobs(_by_code(pairs, source)),
        *_text_jobs(load_dataset(texts or {}, labeled=False).by_language(), source),
    ]
    if not jobs:
        raise XltError("There is nothing to evaluate. Pass dictionaries, pairs of sentences, or texts.")
    languages: dict[str, Figures] = {}
    total = sum(len(job.ours) + len(job.theirs) for job in jobs)
    with progress_bar(title="Embedding", unit="text", total=total, show=progress) as bar:
        for job in jobs:
            fitted = job.language in projector.maps if projector else None
            ours, theirs = encode_in_chunks(encoder, job.ours, bar), encode_in_chunks(encoder, job.theirs, bar)
            figures = {"before": job.measure(ours, theirs)}
            if projector and projector.maps:
                # The source language is not projected because its map is the identity.
                theirs = projector.project(theirs, [{job.language: 1.0}] * len(theirs))
                figures["after"] = job.measure(ours, theirs)
            languages.setdefault(job.language, {"fitted": fitted})[job.kind] = figures
    mean = {
        kind: _mean([figures[kind] for figures in languages.values() if kind in figures])
        for kind in KINDS
        if any(kind in figures for figures in languages.values())
    }
    return {"source": source, "width": encoder.width, "languages": languages, "mean": mean}


def _by_code(data: Optional[Mapping[str, ValueT]], source: Optional[str]) -> dict[str, ValueT]:
    """Return the data by base code. Raises XltError for translations into the source language."""
    found = {find_language(language): value for language, value in (data or {}).items()}
    if source in found:
        raise XltError(f"'{source}' is the source language. Pass translations from it into other languages.")
    return found


def _word_jobs(dictionaries: Mapping[str, Sequence[WordPair]]) -> Iterator[_Job]:
    for language, word_pairs in dictionaries.items():
        ours, theirs = _number(source for source, _ in word_pairs), _number(target for _, target in word_pairs)
        held_out = [(ours[source], theirs[target]) for source, target in split_by_source(word_pairs)[1]]
        if not held_out:
            raise XltError(
                f"None of the {len(ours)} source words in the dictionary of '{language}' is among the fifth of all "
                "words that is held out for evaluation. Add more pairs."
            )
        yield _Job("words", language, list(ours), list(theirs), partial(induce_lexicon, pairs=held_out))


def _sentence_jobs(pairs: Mapping[str, Sequence[tuple[str, str]]]) -> Iterator[_Job]:
    for language, sentences in pairs.items():
        if not sentences:
            raise XltError(f"The language '{language}' has no pairs of sentences. Add some, or leave the language out.")
        ours, theirs = _number(source for source, _ in sentences), _number(target for _, target in sentences)
        rows = [(ours[source], theirs[target]) for source, target in sentences]
        yield _Job("sentences", language, list(ours), list(theirs), partial(sentence_figures, pairs=rows))


def _text_jobs(texts: Mapping[str, Sequence[str]], source: str) -> Iterator[_Job]:
    if texts and source not in texts:
        raise XltError(f"There are no texts in the source language '{source}' to compare with. Add some.")
    for language in sorted(set(texts) - {source}):
        ours, theirs = _number(texts[source]), _number(texts[language])
        if min(len(ours), len(theirs)) < FOLDS:
            raise XltError(
                f"There are {len(ours)} distinct texts in '{source}' and {len(theirs)} in '{language}'. "
                f"At least {FOLDS} in each language are needed."
            )
        yield _Job("texts", language, list(ours), list(theirs), text_figures)


def _number(items: Iterable[str]) -> dict[str, int]:
    """Return the distinct items in order, each with its index."""
    numbers: dict[str, int] = {}
    for item in items:
        numbers.setdefault(item, len(numbers))
    return numbers


def _mean(figures: Sequence[Figures]) -> Figures:
    """Return the mean of every figure over the languages. Counts are left out."""
    means: Figures = {}
    for key, value in figures[0].items():
        if isinstance(value, dict):
            means[key] = _mean([figure[key] for figure in figures])
        elif isinstance(value, float):
            means[key] = sum(figure[key] for figure in figures) / len(figures)
    return means

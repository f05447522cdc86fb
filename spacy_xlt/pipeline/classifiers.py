"""The components that write `doc.cats`."""

from typing import Union

from spacy.language import Language
from spacy.pipeline.textcat import TextCategorizer

from spacy_xlt.pipeline.find import find_pipe, has_pipe
from spacy_xlt.pipeline.pairs import PairClassifier
from spacy_xlt.pipeline.zeroshot import ZeroShot

CLASSIFIERS = (TextCategorizer, ZeroShot, PairClassifier)
TextClassifier = Union[TextCategorizer, ZeroShot, PairClassifier]


def find_classifier(nlp: Language) -> TextClassifier:
    """Return the text categorizer of a pipeline, its zero-shot classifier, or its classifier of pairs.

    Raises:
        XltError: It has none of them.
    """
    if has_pipe(nlp, PairClassifier):
        return find_pipe(nlp, PairClassifier)
    return find_pipe(nlp, ZeroShot) if has_pipe(nlp, ZeroShot) else find_pipe(nlp, TextCategorizer)


def has_classifier(nlp: Language) -> bool:
    """Return whether a pipeline has a component that writes `doc.cats`."""
    return any(isinstance(pipe, CLASSIFIERS) for _, pipe in nlp.pipeline)

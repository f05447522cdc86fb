"""The words that mattered for a prediction: each word is removed in turn, and the probability is compared."""

from collections.abc import Sequence

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from spacy_xlt.evaluation.details import WordEffect
from spacy_xlt.progress import progress_bar
from spacy_xlt.translators.units import split_units

# In longer texts, several neighboring words are removed together.
MAX_PARTS = 40
# Smaller effects are left out.
LEAST = 0.01

Span = tuple[int, int]


def word_effects(
    nlp: Language, docs: Sequence[Doc], labels: Sequence[str], *, progress: bool = True
) -> list[list[WordEffect]]:
    """Return the effect of each word of some texts on the probability of a label.

    The language of a text stays the same when a word is removed, and so does its projection.

    Args:
        nlp: The pipeline.
        docs: Docs of the pipeline.
        labels: The label to explain for each Doc.
        progress: Show a progress bar on a terminal or in a notebook.

    References:
        Zeiler and Fergus (2014), "Visualizing and understanding convolutional networks", section 4.2 (occlusion).
    """
    spans = [split_parts(doc.text) for doc in docs]
    copies = [
        _copy(nlp, doc, text)
        for doc, parts in zip(docs, spans)
        for text in [doc.text, *(doc.text[:start] + doc.text[end:] for start, end in parts)]
    ]
    done = iter(progress_bar(nlp.pipe(copies), title="Removing words", unit="text", total=len(copies), show=progress))
    effects = []
    for label, parts in zip(labels, spans):
        whole = next(done).cats[label]
        changes = [(start, end, whole - next(done).cats[label]) for start, end in parts]
        effects.append(
            [
                WordEffect(start=start, end=end, effect=round(float(np.clip(change, -1.0, 1.0)), 3))
                for start, end, change in changes
                if abs(change) >= LEAST
            ]
        )
    return effects


def split_parts(text: str) -> list[Span]:
    """Return the start and the end of each part of a text that is removed: its words, or of long texts groups of them.

    In a script without spaces between words, a character counts as a word.
    """
    units = split_units(text)
    groups = np.array_split(np.arange(len(units)), min(len(units), MAX_PARTS)) if units else []
    return [(units[group[0]].start, units[group[-1]].end) for group in groups]


def _copy(nlp: Language, doc: Doc, text: str) -> Doc:
    """Return a Doc of another text that counts as a text of the same language, with the same second text of a pair."""
    copy = nlp.make_doc(text)
    for name in ("language", "language_score", "language_script", "language_candidates", "xlt_pair"):
        if Doc.has_extension(name):
            copy._.set(name, doc._.get(name))
    return copy

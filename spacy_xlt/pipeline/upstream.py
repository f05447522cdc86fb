"""During `initialize` no component has run yet: one that needs those before it runs them itself."""

from collections.abc import Iterable
from typing import Optional

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_xlt.progress import progress_bar

# Fewer Docs take seconds at most.
SHOWN_FROM = 500


def annotate_upstream(nlp: Language, name: str, docs: Iterable[Doc]) -> list[Doc]:
    """Run the components that stand before `name` in the pipeline over the docs, and return the docs.

    Those that spaCy has disabled run, too: while it initializes, these are the sourced and the frozen ones. On a
    terminal a progress bar is shown.
    """
    docs = list(docs)
    stream: Iterable[Doc] = docs
    for other, pipe in nlp.components:
        if other == name:
            break
        stream = pipe.pipe(stream) if hasattr(pipe, "pipe") else map(pipe, stream)
    shown = len(docs) >= SHOWN_FROM
    return list(progress_bar(stream, title=f"Texts for {name}", unit="text", total=len(docs), show=shown))


def annotate_examples(nlp: Optional[Language], name: str, examples: Iterable[Example]) -> list[Example]:
    """Examples whose references are copies that carry what the components before `name` write, and their own gold.

    Another text categorizer among them would otherwise put its answers into the gold. nlp: None runs nothing.
    """
    copies = [Example(example.predicted, example.reference.copy()) for example in examples]
    if nlp is not None:
        gold = [dict(example.reference.cats) for example in copies]
        annotate_upstream(nlp, name, [example.reference for example in copies])
        for example, cats in zip(copies, gold):
            example.reference.cats = cats
    return copies

"""During `initialize` no component has run yet: one that needs those before it runs them itself."""

from spacy.language import Language
from spacy.tokens import Doc


def annotate_upstream(nlp: Language, name: str, docs: list[Doc]) -> list[Doc]:
    """Run the components that stand before `name` in the pipeline over the docs, and return the docs."""
    for other, pipe in nlp.pipeline:
        if other == name:
            break
        docs = list(pipe.pipe(docs)) if hasattr(pipe, "pipe") else [pipe(doc) for doc in docs]
    return docs

"""Finding our components in a pipeline by their kind, whatever they are called."""

from typing import TypeVar

from spacy.language import Language

from spacy_xlt.errors import XltError

PipeT = TypeVar("PipeT")


def find_pipe(nlp: Language, kind: type[PipeT]) -> PipeT:
    """The first component of a class. Raises XltError that names the factory to add."""
    for _, pipe in nlp.pipeline:
        if isinstance(pipe, kind):
            return pipe
    raise XltError(
        f"This pipeline ({', '.join(nlp.pipe_names) or 'empty'}) has no {kind.__name__} component. "
        "Train one with configs/frozen.cfg, or flatten a fine-tuned one with: python -m spacy xlt flatten"
    )


def has_pipe(nlp: Language, kind: type) -> bool:
    """Whether there is a component of a class."""
    return any(isinstance(pipe, kind) for _, pipe in nlp.pipeline)

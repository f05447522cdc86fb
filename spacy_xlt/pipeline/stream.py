"""Annotate a stream of Docs in batches, with the error handlers of spaCy."""

from collections.abc import Callable, Iterable, Iterator

from spacy.pipeline.pipe import Pipe
from spacy.tokens import Doc
from spacy.util import minibatch, raise_error


class DocPipe(Pipe):
    """A component that annotates Docs in batches, by its method `_annotate`."""

    def __call__(self, doc: Doc) -> Doc:
        """Annotate one Doc."""
        self._annotate([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotate the Docs of a stream in batches. See `annotate_stream`."""
        return annotate_stream(self, self._annotate, stream, batch_size)

    def _annotate(self, docs: list[Doc]) -> None:
        """Annotate the Docs of a batch."""
        raise NotImplementedError


def annotate_stream(
    pipe: Pipe, annotate: Callable[[list[Doc]], None], stream: Iterable[Doc], batch_size: int
) -> Iterator[Doc]:
    """Annotate the Docs of a stream in batches.

    If a batch fails and `nlp.set_error_handler` has set a handler, its Docs are annotated one by one. The handler gets
    the Docs that fail, and they are left out, as in spaCy.

    Args:
        pipe: The component, whose error handler is used.
        annotate: A function that annotates the Docs of one batch.
        stream: The Docs.
        batch_size: The number of Docs in a batch.

    Yields:
        The annotated Docs, in order.
    """
    for docs in minibatch(stream, size=batch_size):
        try:
            annotate(docs)
        except Exception:
            # The default handler raises the error, so annotating one by one would only raise it again.
            if pipe.get_error_handler() is raise_error:
                raise
            docs = [doc for doc in docs if _is_annotated(pipe, annotate, doc)]
        yield from docs


def _is_annotated(pipe: Pipe, annotate: Callable[[list[Doc]], None], doc: Doc) -> bool:
    try:
        annotate([doc])
    except Exception as error:
        pipe.get_error_handler()(pipe.name, pipe, [doc], error)  # type: ignore[attr-defined]
        return False
    return True

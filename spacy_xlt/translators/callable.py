"""Any function as a translator."""

from collections.abc import Sequence
from typing import Any, Callable, Optional

from spacy_xlt.errors import XltError
from spacy_xlt.translators.base import Stateless

Function = Callable[[str, str, str], Optional[str]]


class CallableTranslator(Stateless):
    """`spacy-xlt.Callable.v1`: any function that translates a text.

    Args:
        function: Takes a text, the base code of its language and the base code of the language to translate to, and
            returns the translation, or None. In a config it is a registered block:

                [components.xlt_translator.translator.function]
                @misc = "acme.translate.v1"
    """

    def __init__(self, function: Function) -> None:
        self.function = function

    def source_languages(self) -> None:
        """Return None, because a function does not say which languages it translates."""

    def config(self) -> dict[str, Any]:
        """See `Translator.config`. Raises XltError, because a function alone cannot be written to a config."""
        raise XltError(
            "A function cannot be saved with a pipeline. Register it in spacy.registry.misc, and add xlt_translator "
            "with nlp.add_pipe and a config that names it: 'function': {'@misc': 'acme.translate.v1'}."
        )

    def translate(self, texts: Sequence[str], languages: Sequence[str], to: str) -> list[Optional[str]]:
        """See `Translator.translate`. Raises XltError if the function returns neither a text nor None."""
        found = [self.function(text, language, to) for text, language in zip(texts, languages)]
        for each in found:
            if each is not None and not isinstance(each, str):
                raise XltError(f"The function returned {each!r}. It must return a text or None.")
        return found

"""A translator whose translations keep numbers, order ids, URLs, e-mail addresses and the terms of a glossary."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional, Union

from spacy_xlt.generation.protection import Protection, generate_protected
from spacy_xlt.generation.settings import Output
from spacy_xlt.translators.base import Translator


class ProtectedTranslator:
    """`spacy-xlt.Protected.v1`: another translator, whose translations are checked.

    If a translation has lost a value of its text, the text is translated again with placeholders.

    Args:
        translator: The translator.
        glossary: Terms, such as product names, that are kept, or {term: its translation}.

    Raises:
        XltError: A term is blank.
    """

    def __init__(self, translator: Translator, glossary: Union[list[str], dict[str, str]] = []) -> None:  # noqa: B006
        self.translator = translator
        self.glossary = glossary
        self.protection = Protection(glossary)

    @property
    def is_loaded(self) -> bool:
        """See `Translator.is_loaded`."""
        return self.translator.is_loaded

    @property
    def extra(self) -> Optional[str]:
        """The extra of this package that the translator needs."""
        return getattr(self.translator, "extra", None)

    def source_languages(self) -> Optional[list[str]]:
        """See `Translator.source_languages`."""
        return self.translator.source_languages()

    def config(self) -> dict[str, Any]:
        """See `Translator.config`."""
        return {
            "@xlt_translators": "spacy-xlt.Protected.v1",
            "translator": self.translator.config(),
            "glossary": self.glossary,
        }

    def translate(self, texts: Sequence[str], languages: Sequence[str], to: str) -> list[Optional[str]]:
        """See `Translator.translate`."""

        def generate(part: list[str], rows: list[int]) -> list[Optional[Output]]:
            found = self.translator.translate(part, [languages[row] for row in rows], to)
            return [None if text is None else Output(text) for text in found]

        found = generate_protected(texts, generate, self.protection)
        return [None if each.output is None else each.output.text for each in found]

    def load(self, folder: Path) -> None:
        """See `Translator.load`."""
        self.translator.load(folder)

    def to_disk(self, folder: Path) -> None:
        """See `Translator.to_disk`."""
        self.translator.to_disk(folder)

    def to_bytes(self) -> bytes:
        return self.translator.to_bytes()

    def from_bytes(self, data: bytes) -> None:
        """See `Translator.from_bytes`."""
        self.translator.from_bytes(data)

"""What a translator is, and how texts are translated."""

import warnings
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Optional, Protocol, TypeVar, runtime_checkable

from spacy_xlt.cache import TextCache
from spacy_xlt.errors import UnusableError, XltError, XltWarning, first_line
from spacy_xlt.languages import UNKNOWN, base_code, find_language
from spacy_xlt.text import replace_surrogates

CACHE_SIZE = 20_000
# Separates the language and the text in a key of the cache. No language code contains it.
SEPARATOR = "\t"
ResultT = TypeVar("ResultT")


@runtime_checkable
class Translator(Protocol):
    """A translation back end, registered in `xlt_translators`."""

    @property
    def is_loaded(self) -> bool:
        """Whether it has what it needs: a dictionary, or a folder with weights."""
        ...

    def source_languages(self) -> Optional[list[str]]:
        """Return the base codes of the languages that it translates from; None if it does not know them."""
        ...

    def config(self) -> dict[str, Any]:
        """Return the config block that makes such a translator: `{"@xlt_translators": "spacy-xlt.Glossary.v1"}`.

        What `to_disk` writes is not part of the block.
        """
        ...

    def translate(self, texts: Sequence[str], languages: Sequence[str], to: str) -> list[Optional[str]]:
        """Translate texts.

        Args:
            texts: The texts. None of them is blank.
            languages: The base code of each text's language.
            to: The base code of the language to translate to.

        Returns:
            The translation of each text; None if it cannot be translated.
        """
        ...

    def load(self, folder: Path) -> None:
        """Take what it needs from a folder, such as one that `to_disk` has written."""
        ...

    def to_disk(self, folder: Path) -> None:
        """Write to a folder what `load` needs. A translator that needs nothing writes nothing."""
        ...

    def to_bytes(self) -> bytes: ...

    def from_bytes(self, data: bytes) -> None: ...


class TextTranslator:
    """Translates texts of some languages with a translator and remembers the results.

    `xlt_translator` and `Classifier` both use this class.

    Args:
        name: The name for errors and warnings.
        translator: The back end.
        languages: The languages to translate, as codes or English names. Empty: all that the translator knows.
        to: The language to translate to. Texts in this language are not translated.
        cache_size: The number of translations that are remembered.

    Attributes:
        failed: The number of texts that the translator raised an exception for. They are not translated.

    Raises:
        XltError: A language is unknown.
    """

    def __init__(
        self, name: str, translator: Translator, languages: Collection[str], to: str, cache_size: int = CACHE_SIZE
    ) -> None:
        self.name = name
        self.translator = translator
        self.chosen = [find_language(language) for language in languages]
        self.to = find_language(to)
        self.failed = 0
        self._cache: TextCache[Optional[str]] = TextCache(cache_size)

    @property
    def languages(self) -> list[str]:
        """The base codes of the languages that are translated.

        Raises:
            XltError: No language was chosen, and the translator does not know its languages.
        """
        if self.chosen:
            return self.chosen
        known = self.translator.source_languages()
        if known is None:
            raise XltError(
                f"{self.name}: {type(self.translator).__name__} does not say which languages it translates. "
                "Name the languages to translate.",
                parameter="languages",
            )
        return [language for language in known if language != self.to]

    def translate(self, texts: Sequence[str], languages: Sequence[str]) -> list[Optional[str]]:
        """Translate the texts that are in one of the languages.

        Args:
            texts: The texts.
            languages: The code of each text's language.

        Returns:
            The translation of each text. It is None for texts in other languages, for blank texts, and for texts that
            the translator cannot translate.

        Raises:
            XltError: The translator has no dictionary or weights, or they are damaged, or a package is not installed.
        """
        if not self.translator.is_loaded:
            raise XltError(
                f"{self.name} has nothing to translate with. Add dictionaries, or load a folder with weights."
            )
        wanted = {*self.languages} - {self.to, UNKNOWN}
        codes = [base_code(language) for language in languages]
        rows = [row for row, (text, code) in enumerate(zip(texts, codes)) if code in wanted and text.strip()]
        keys = [f"{codes[row]}{SEPARATOR}{texts[row]}" for row in rows]
        result: list[Optional[str]] = [None] * len(texts)
        for row, translation in zip(rows, self._cache.compute(keys, self._translate_keys)):
            result[row] = translation
        return result

    def forget(self) -> None:
        """Drop the translations that are remembered."""
        self._cache.clear()

    def _translate_keys(self, keys: list[str]) -> list[Optional[str]]:
        codes, texts = zip(*(key.split(SEPARATOR, 1) for key in keys))
        found = batch_or_each(self._translate_batch, list(texts), list(codes), failed=self._count)
        return [replace_surrogates(text) if text is not None and text.strip() else None for text in found]

    def _translate_batch(self, texts: list[str], codes: list[str]) -> list[Optional[str]]:
        found = self.translator.translate(texts, codes, self.to)
        if len(found) != len(texts):
            raise XltError(f"The translator returned {len(found)} translations of {len(texts)} texts.")
        return found

    def _count(self, error: Exception) -> None:
        self.failed += 1
        if self.failed == 1:
            warnings.warn(
                f"{self.name}: a text could not be translated ({type(error).__name__}: {first_line(error)}). It is "
                f"classified without a translation. The attribute `failed` counts such texts.",
                XltWarning,
                stacklevel=2,
            )


def batch_or_each(
    run: Callable[[list[str], list[str]], list[ResultT]],
    texts: list[str],
    languages: list[str],
    *,
    failed: Callable[[Exception], ResultT],
) -> list[ResultT]:
    """Run a batch of texts. If that fails, run the texts one by one to find those that it fails on.

    Args:
        run: Returns the results of texts in languages.
        texts: The texts.
        languages: The code of each text's language.
        failed: Returns the result of a text that `run` fails on.

    Returns:
        The results, in the order of the texts.

    Raises:
        UnusableError: `run` cannot work on any text.
    """
    try:
        return run(texts, languages)
    except (MemoryError, UnusableError):
        raise
    except Exception as error:
        if len(texts) == 1:
            return [failed(error)]
    return [
        each
        for text, language in zip(texts, languages)
        for each in batch_or_each(run, [text], [language], failed=failed)
    ]


class Stateless:
    """The methods of a translator that has nothing to save but its settings."""

    is_loaded = True

    def load(self, folder: Path) -> None:
        """Do nothing."""

    def to_disk(self, folder: Path) -> None:
        """Write nothing."""

    def to_bytes(self) -> bytes:
        return b""

    def from_bytes(self, data: bytes) -> None:
        """Do nothing."""

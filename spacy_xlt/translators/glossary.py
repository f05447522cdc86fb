"""A bilingual dictionary as a translator: each known word is replaced by its entries."""

import gzip
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from os.path import commonprefix
from pathlib import Path
from typing import Any, Optional

from spacy_xlt.errors import XltError
from spacy_xlt.files import whole_file
from spacy_xlt.languages import base_code, find_language
from spacy_xlt.translators.units import UNSPACED, Unit, normalize, split_units, without_accents

FILE = "glossary.tsv.gz"
# The words of the longest phrase that is looked up, and the number of entries that replace a phrase.
MAX_WORDS = 5
MAX_ENTRIES = 2
# A word is an inflected form of a word of the dictionary if both begin with the same letters: at least this many, and
# at least this share of the longer word.
FEWEST_LETTERS = 4
SHARED = 0.6
# Words whose result is remembered.
REMEMBERED = 100_000

Pairs = Iterable[tuple[str, str]]


class Glossary:
    """`spacy-xlt.Glossary.v1`: a bilingual dictionary for each language. The dictionaries are saved with the pipeline.

    From left to right, the longest phrase of the dictionary is replaced by its entries. Words that are not in the
    dictionary are looked up without accents, and then by their first letters. Other words are kept. In scripts without
    spaces between words, phrases are sequences of characters.
    """

    def __init__(self) -> None:
        self._indices: dict[str, _Index] = {}

    @property
    def is_loaded(self) -> bool:
        """Whether there is a dictionary."""
        return bool(self._indices)

    @property
    def languages(self) -> list[str]:
        """The languages that have a dictionary, sorted."""
        return sorted(self._indices)

    def source_languages(self) -> list[str]:
        """Return the languages that have a dictionary, sorted."""
        return self.languages

    def config(self) -> dict[str, Any]:
        """See `Translator.config`."""
        return {"@xlt_translators": "spacy-xlt.Glossary.v1"}

    def add(self, language: str, pairs: Pairs) -> None:
        """Add the dictionary of a language, or replace it.

        Args:
            language: A code or an English name.
            pairs: Pairs (entry, word): the word or phrase of the language, and the entry that replaces it. The first
                two entries of a word are used.

        Raises:
            XltError: The language is unknown, or no pair has a word.
        """
        code = find_language(language)
        entries: dict[str, list[str]] = {}
        for entry, word in pairs:
            key, entry = make_key(word), " ".join(entry.split())
            known = entries.setdefault(key, []) if key and entry else []
            if entry not in known and len(known) < MAX_ENTRIES:
                known.append(entry)
        if not entries:
            raise XltError(f"The dictionary of '{code}' has no entry. Give pairs of an entry and a word of '{code}'.")
        self._indices[code] = _Index(entries)

    def update(self, other: "Glossary") -> None:
        """Add the dictionaries of another glossary. They replace those of the same languages."""
        self._indices = {**self._indices, **other._indices}

    def translate(self, texts: Sequence[str], languages: Sequence[str], to: str) -> list[Optional[str]]:
        """Gloss texts. See `Translator.translate`. A text without a known word is not translated."""
        return [self._gloss(text, base_code(language)) for text, language in zip(texts, languages)]

    def coverage(self, texts: Iterable[str], language: str) -> float:
        """Return the share of the words of texts that are in the dictionary of a language, inflected forms included."""
        index = self._indices[language]
        known = total = 0
        for text in texts:
            for unit, found in index.find(split_units(normalize(text))):
                known += len(unit) if found is not None else 0
                total += len(unit)
        return known / total if total else 0.0

    def load(self, folder: Path) -> None:
        """Read the dictionaries that `to_disk` has written. Raises XltError if the file is missing or damaged."""
        file = folder / FILE
        if not file.is_file():
            raise XltError(f"{file} is missing. Copy the model again.")
        self._read(file.read_bytes(), str(file))

    def to_disk(self, folder: Path) -> None:
        """Write all dictionaries to a compressed table."""
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / FILE) as scratch:
            scratch.write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return all dictionaries as a compressed table: language, key, and the entries of the key."""
        lines = (
            "\t".join([language, key, *entries])
            for language in self.languages
            for key, entries in self._indices[language].entries.items()
        )
        # Without the time, so that the same dictionaries are the same bytes.
        return gzip.compress("".join(f"{line}\n" for line in lines).encode("utf8"), mtime=0)

    def from_bytes(self, data: bytes) -> None:
        """Read what `to_bytes` has returned. Raises XltError if the data are damaged."""
        if data:
            self._read(data, "The glossary")

    def _read(self, data: bytes, location: str) -> None:
        dictionaries: dict[str, dict[str, list[str]]] = {}
        try:
            for line in gzip.decompress(data).decode("utf8").split("\n")[:-1]:
                language, key, *entries = line.split("\t")
                dictionaries.setdefault(language, {})[key] = entries
            if not dictionaries:
                raise ValueError("it is empty")
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise XltError(f"{location} is damaged ({error}). Copy the model again.") from error
        self._indices = {language: _Index(entries) for language, entries in dictionaries.items()}

    def _gloss(self, text: str, language: str) -> Optional[str]:
        index = self._indices.get(language)
        if index is None:
            return None
        text = normalize(text)
        parts: list[str] = []
        unknown: Optional[tuple[int, int]] = None
        for units, found in index.find(split_units(text)):
            if found is None:
                unknown = (unknown[0] if unknown else units[0].start, units[-1].end)
                continue
            if unknown:
                parts.append(text[slice(*unknown)])
                unknown = None
            parts.append(found)
        if not parts:
            return None
        if unknown:
            parts.append(text[slice(*unknown)])
        return " ".join(parts)


class _Index:
    """The dictionary of a language: {key: entries}."""

    def __init__(self, entries: Mapping[str, Sequence[str]]) -> None:
        self.entries = entries
        self.glosses = {key: " ".join(found) for key, found in entries.items()}
        lengths: dict[str, set[int]] = {}
        for key in entries:
            units = key.split(" ")
            lengths.setdefault(units[0], set()).add(len(units))
        # The numbers of units of the phrases that begin with a unit, the largest first.
        self.lengths = {unit: sorted(found, reverse=True) for unit, found in lengths.items()}
        words = [key for key in entries if " " not in key]
        self.unaccented: dict[str, str] = {}
        for word in words:
            self.unaccented.setdefault(without_accents(word), word)
        self.sorted = sorted(word for word in words if len(word) >= FEWEST_LETTERS and not UNSPACED.search(word))
        self.remembered: dict[str, Optional[str]] = {}

    def find(self, units: Sequence[Unit]) -> Iterable[tuple[Sequence[Unit], Optional[str]]]:
        """Yield the phrases of a text, each with its gloss; unknown units have None."""
        keys = [unit.key for unit in units]
        place = 0
        while place < len(units):
            for length in self.lengths.get(keys[place], ()):
                gloss = self.glosses.get(" ".join(keys[place : place + length]))
                if gloss is not None and place + length <= len(units):
                    yield units[place : place + length], gloss
                    place += length
                    break
            else:
                yield units[place : place + 1], self.similar(keys[place])
                place += 1

    def similar(self, key: str) -> Optional[str]:
        if key not in self.remembered:
            if len(self.remembered) > REMEMBERED:
                self.remembered = {}
            self.remembered[key] = self._similar(key)
        return self.remembered[key]

    def _similar(self, key: str) -> Optional[str]:
        word = self.unaccented.get(without_accents(key))
        if word is not None:
            return self.glosses[word]
        if len(key) < FEWEST_LETTERS or UNSPACED.search(key):
            return None
        # The words that share the most letters with it are next to it.
        at = bisect_left(self.sorted, key)
        best, most = None, 0
        for candidate in self.sorted[max(at - 1, 0) : at + 1]:
            shared = len(commonprefix([candidate, key]))
            if shared >= max(FEWEST_LETTERS, SHARED * max(len(candidate), len(key))) and shared > most:
                best, most = candidate, shared
        return self.glosses[best] if best is not None else None


def make_key(word: str) -> str:
    """Return the key of a word or phrase; empty if it has no letter or more than five words."""
    word = normalize(word)
    if len(word.split()) > MAX_WORDS:
        return ""
    return " ".join(unit.key for unit in split_units(word))

"""Values that a translation must keep: numbers, order ids, URLs, e-mail addresses and the terms of a glossary."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Optional, Union

from spacy_xlt.errors import XltError
from spacy_xlt.generation.settings import Output

# Terms that are kept as they are, or {term: its translation}.
GlossaryTerms = Union[Sequence[str], Mapping[str, str]]

_URL = r"(?:https?://|www\.)[^\s<>\"]*[^\s<>\".,;:!?)\]]"
_ADDRESS = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
# Numbers, dates and times, and ids: capitals with at least one digit. `14th` and `2nd` are words.
_NUMBER = r"(?<![A-Za-z\d_])#?(?=[A-Z_/-]*\d)[A-Z\d]+(?:[-_/.,:][A-Z\d]+)*(?![A-Za-z\d_])"


class Protected(NamedTuple):
    """An output, and the values of its input that it has lost."""

    output: Optional[Output]
    missing: list[str]


class _Value(NamedTuple):
    """A value in a text, and what it must be in the output."""

    found: str
    wanted: str


class Protection:
    """Checks that outputs keep the values of their inputs, and puts placeholders for those that a model loses.

    Args:
        glossary: Terms, such as product names, that are kept, or {term: its translation}. Case does not matter.

    Raises:
        XltError: A term is blank.
    """

    def __init__(self, glossary: GlossaryTerms = ()) -> None:
        pairs: Iterable[tuple[str, str]] = (
            glossary.items() if isinstance(glossary, Mapping) else zip(glossary, glossary)
        )
        self.terms = {term.casefold(): (term, translation) for term, translation in pairs}
        if any(not term.strip() for term in self.terms):
            raise XltError("The glossary has a blank term. Remove it.")
        # The longest term wins.
        terms = [re.escape(term) for term in sorted(self.terms, key=len, reverse=True)]
        parts = [_URL, _ADDRESS, *([rf"(?<!\w)(?i:{'|'.join(terms)})(?!\w)"] if terms else []), _NUMBER]
        self._pattern = re.compile("|".join(f"(?:{part})" for part in parts))

    def values(self, text: str) -> list[str]:
        """Return what the output of a text must have, in the order of the text."""
        return [value.wanted for value in self._find(text)]

    def missing(self, text: str, output: str) -> list[str]:
        """Return the values of a text that its output does not have."""
        return [value for value in dict.fromkeys(self.values(text)) if not _has(output, value)]

    def hide(self, text: str) -> tuple[str, list[str]]:
        """Return a text with placeholders, and the value that each placeholder stands for."""
        mark = "ZX"
        while mark in text:
            mark += "X"
        wanted = [value.wanted for value in self._find(text)]
        numbers = iter(range(len(wanted)))
        return self._pattern.sub(lambda match: f"{mark}{next(numbers)}ZX", text), wanted

    def _find(self, text: str) -> list[_Value]:
        return [self._value(match.group()) for match in self._pattern.finditer(text)]

    def _value(self, found: str) -> _Value:
        term, translation = self.terms.get(found.casefold(), (found, found))
        return _Value(found, found if translation == term else translation)


def show(text: str, values: Sequence[str]) -> str:
    """Return a text with the values in the place of its placeholders, whatever their case. Unknown ones are kept."""

    def value(match: "re.Match[str]") -> str:
        number = int(match.group(1))
        return values[number] if number < len(values) else match.group()

    return re.sub(r"ZX+\s?(\d+)\s?ZX", value, text, flags=re.IGNORECASE)


def generate_protected(
    texts: Sequence[str],
    generate: Callable[[list[str], list[int]], Sequence[Optional[Output]]],
    protection: Protection,
) -> list[Protected]:
    """Generate outputs that keep the values of their inputs.

    A text whose output has lost a value is generated again with placeholders in the place of its values. The output
    that has lost fewer values is taken.

    Args:
        texts: The texts.
        generate: Takes texts and their rows, and returns the output of each text; None: it has none.
        protection: The values to keep.
    """
    found = [
        Protected(output, protection.missing(text, output.text) if output is not None else [])
        for text, output in zip(texts, generate(list(texts), list(range(len(texts)))))
    ]
    rows = [row for row, each in enumerate(found) if each.missing]
    hidden = [protection.hide(texts[row]) for row in rows]
    if not rows:
        return found
    for row, (_, values), output in zip(rows, hidden, generate([text for text, _ in hidden], rows)):
        if output is not None:
            shown = Output(show(output.text, values), output.looped)
            missing = protection.missing(texts[row], shown.text)
            if len(missing) < len(found[row].missing):
                found[row] = Protected(shown, missing)
    return found


def _has(output: str, value: str) -> bool:
    """Whether an output has a value that is not a part of a longer number or word."""
    before, after = (r"(?<![^\W_])" if value[0].isalnum() else "", r"(?![^\W_])" if value[-1].isalnum() else "")
    return re.search(before + re.escape(value) + after, output, re.IGNORECASE) is not None

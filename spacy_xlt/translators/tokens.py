"""The tokens by which multilingual translation models name languages."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Optional

from spacy_xlt.languages import base_code, full_code, is_known

# `__de__` (M2M-100); `>>deu<<` or `>>cmn_Hans<<` (OPUS-MT); `deu_Latn` (NLLB) or `de_DE` (mBART).
_TOKEN = re.compile(r"__([a-z]{2,3})__|>>([a-z]{2,3}(?:_[A-Za-z]{2,4})?)<<|([a-z]{2,3}_[A-Z][A-Za-z]{1,3})")


class Tokens(NamedTuple):
    """The tokens of the source and the target language; empty if the model does not name the language."""

    source: str
    target: str


def language_tokens(tokens: Iterable[str]) -> dict[str, list[str]]:
    """Return the language tokens among the special tokens of a model, by base code: `{"de": ["deu_Latn"], ...}`."""
    found: dict[str, list[str]] = {}
    for token in tokens:
        code = code_of(token)
        if code is not None and is_known(code):
            found.setdefault(base_code(code), []).append(token)
    return found


def names_targets_only(tokens: Mapping[str, list[str]]) -> bool:
    """Return whether the tokens name target languages only, as those of OPUS-MT do: `>>deu<<` before the text."""
    return any(token.startswith(">>") for of_language in tokens.values() for token in of_language)


def choose_tokens(tokens: Mapping[str, list[str]], language: str, to: str) -> Optional[Tokens]:
    """Return the tokens for translating from one language to another; None if the model does not have both.

    Args:
        tokens: The language tokens of the model, see `language_tokens`. A model without any translates one pair.
        language: The language of the text.
        to: The language to translate to.
    """
    if not tokens:
        return Tokens("", "")
    target = _choose(tokens, to)
    source = "" if names_targets_only(tokens) else _choose(tokens, language)
    return None if target is None or source is None else Tokens(source, target)


def _choose(tokens: Mapping[str, list[str]], language: str) -> Optional[str]:
    """The token of a language: that of its usual script, or else the first one."""
    candidates = tokens.get(base_code(language), [])
    usual = full_code(language)
    return usual if usual in candidates else next(iter(candidates), None)


def code_of(token: str) -> Optional[str]:
    """Return the code that a language token names, such as `de` for `__de__`; None for other tokens."""
    match = _TOKEN.fullmatch(token)
    return next(filter(None, match.groups())) if match else None

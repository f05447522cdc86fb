"""Registered functions that translate, for tests."""

from typing import Optional

from spacy.util import registry


def shout(text: str, language: str, to: str) -> Optional[str]:
    """The text in capitals with both languages. Fails on `fail`, and cannot translate `skip`."""
    if "fail" in text:
        raise RuntimeError("the service is down")
    return None if "skip" in text else f"{language}-{to}: {text.upper()}"


@registry.misc("spacy-xlt-tests.shout.v1")
def make_shout():  # type: ignore[no-untyped-def]
    return shout

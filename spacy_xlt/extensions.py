"""The Doc attributes that the components write. Set if absent, never with force: they may belong to another package."""

from typing import Any, Union

from spacy.tokens import Doc, Span

from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, base_code

DEFAULTS: dict[str, Any] = {
    "language": UNKNOWN,
    "language_score": 0.0,
    "language_script": UNKNOWN,
    "language_candidates": None,
    "xlt_translation": None,
    "xlt_translation_embedding": None,
    "xlt_embedding": None,
    "xlt_projected": None,
    "xlt_hits": None,
    "xlt_pair": None,
    "xlt_entities": None,
    "xlt_question": None,
    "xlt_answer": None,
    "xlt_output": None,
    "xlt_output_looped": False,
    "xlt_output_missing": None,
}
SPANS_KEY = "language_spans"


def _language_spans(doc: Doc) -> list[Span]:
    return list(doc.spans[SPANS_KEY]) if SPANS_KEY in doc.spans else []


# Read from elsewhere on the Doc: a list of Spans would not survive `to_bytes`.
GETTERS: dict[str, Any] = {"language_spans": _language_spans}


def set_extensions(*names: str) -> None:
    """Make sure that `doc._.<name>` exists. Called again in `pipe`, so that spawned workers have them."""
    for name in names:
        if not Doc.has_extension(name):
            if name in GETTERS:
                Doc.set_extension(name, getter=GETTERS[name])
            else:
                Doc.set_extension(name, default=DEFAULTS[name])


def claim_extensions(*names: str) -> None:
    """Make sure that `doc._.<name>` exists and can be written. Raises XltError if another package computes it."""
    set_extensions(*names)
    for name in names:
        _check_writable(Doc, name)


def claim_span_extensions(*names: str) -> None:
    """Make sure that `span._.<name>` exists and can be written. Raises XltError if another package computes it."""
    for name in names:
        if not Span.has_extension(name):
            Span.set_extension(name, default=DEFAULTS[name])
        _check_writable(Span, name)


def _check_writable(owner: type[Union[Doc, Span]], name: str) -> None:
    """spaCy drops what is written to an attribute that has a getter or a method, without a word."""
    _, method, getter, setter = owner.get_extension(name)
    other = getter or method
    if other is not None and setter is None and other is not GETTERS.get(name):
        maker = f"{getattr(other, '__module__', None)}.{getattr(other, '__qualname__', other)}"
        raise XltError(
            f"{owner.__name__.lower()}._.{name} belongs to another package, which computes it ({maker}), so spacy_xlt "
            f"cannot write it. Use one of the two packages, or call {owner.__name__}.remove_extension('{name}') first."
        )


def language_of(doc: Doc) -> str:
    """The base code of `doc._.language`, `xx` where it is None.

    Raises XltError if another package has put something else there.
    """
    language = "" if doc._.language is None else doc._.language
    if not isinstance(language, str):
        raise XltError(
            f"doc._.language is {language!r}, which is no language code: another package has written it. "
            "Use one of the two packages, or set doc._.language to a code such as 'en'."
        )
    return base_code(language)

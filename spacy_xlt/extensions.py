"""The Doc attributes that the components write. Set if absent, never with force: they may belong to another package."""

from typing import Any

from spacy.tokens import Doc, Span

from spacy_xlt.languages import UNKNOWN

DEFAULTS: dict[str, Any] = {
    "language": UNKNOWN,
    "language_score": 0.0,
    "language_script": UNKNOWN,
    "language_candidates": None,
    "xlt_embedding": None,
    "xlt_projected": None,
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


def set_span_extensions(*names: str) -> None:
    """Make sure that `span._.<name>` exists."""
    for name in names:
        if not Span.has_extension(name):
            Span.set_extension(name, default=DEFAULTS[name])

"""The Doc attributes that the components write. Set if absent, never with force: they may belong to another package."""

from typing import Any

from spacy.tokens import Doc

from spacy_xlt.languages import UNKNOWN

DEFAULTS: dict[str, Any] = {
    "language": UNKNOWN,
    "language_score": 0.0,
    "language_candidates": None,
    "xlt_embedding": None,
    "xlt_projected": None,
}


def set_extensions(*names: str) -> None:
    """Make sure that `doc._.<name>` exists. Called again in `pipe`, so that spawned workers have them."""
    for name in names:
        if not Doc.has_extension(name):
            Doc.set_extension(name, default=DEFAULTS[name])

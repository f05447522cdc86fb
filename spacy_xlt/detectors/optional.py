"""Importing the packages of optional back ends."""

from importlib import import_module
from typing import Any

from spacy_xlt.errors import XltError


def require(module: str, detector: str, extra: str) -> Any:
    """Import a module. Raises XltError that says what to install if it is not there."""
    try:
        return import_module(module)
    except ImportError as error:
        raise XltError(
            f"{detector} needs a package that is not installed ({error}): pip install 'spacy-xlt[{extra}]'"
        ) from error

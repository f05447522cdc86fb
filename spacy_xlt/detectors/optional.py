"""Import the packages of optional back ends."""

from importlib import import_module
from typing import Any

from spacy_xlt.errors import XltError


def require(module: str, detector: str, extra: str) -> Any:
    """Import a module of an optional package.

    Args:
        module: The module.
        detector: The name of the back end, for the error.
        extra: The extra that installs the package.

    Returns:
        The module.

    Raises:
        XltError: The package is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise XltError(
            f"{detector} needs a package that is not installed ({error}). Run: pip install 'spacy-xlt[{extra}]'"
        ) from error

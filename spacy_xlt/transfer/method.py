"""The check of the option `method` of the transfer methods."""

from spacy_xlt.errors import XltError
from spacy_xlt.training.train import METHODS


def check_method(method: str) -> None:
    """Check the name of a method.

    Raises:
        XltError: It is not one of `METHODS`.
    """
    if method not in METHODS:
        raise XltError(f"There is no method '{method}'. Use {' or '.join(METHODS)}.")

"""Packages that an extra of ours brings."""

from importlib.util import find_spec

from spacy_xlt.errors import XltError


def require(extra: str, *modules: str) -> None:
    """Check that modules are installed; nothing is imported.

    Raises:
        XltError: One is not. The message says what to install.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise XltError(f"This needs {' and '.join(missing)}. Install with: pip install 'spacy-xlt[{extra}]'")

"""Check that the packages of an optional extra are installed."""

from importlib.util import find_spec

from spacy_xlt.errors import XltError


def require(extra: str, *modules: str) -> None:
    """Check that modules can be imported, without importing them.

    Args:
        extra: The extra of spacy-xlt that installs them.
        modules: The names of the modules.

    Raises:
        XltError: A module is missing. The message says what to install.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise XltError(f"This needs {' and '.join(missing)}. Install with: pip install 'spacy-xlt[{extra}]'")

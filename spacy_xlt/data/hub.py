"""Data sets of the Hugging Face Hub, by name."""

from importlib.util import find_spec
from typing import Any

from spacy_xlt.errors import NotInstalledError, XltError, first_line

PREFIX = "hf:"


def is_hub_name(data: Any) -> bool:
    """Return whether data is a name such as `hf:mteb/tweet_sentiment_multilingual:german:test`."""
    return isinstance(data, str) and data.startswith(PREFIX)


def load_hub(name: str) -> Any:
    """Load a split of a data set with the package datasets. It is downloaded once, and no code of it is run.

    Args:
        name: `hf:NAME:CONFIGURATION:SPLIT`. The configuration may be left out or empty. The split may be left out if
            there is only one.

    Returns:
        The Hugging Face `Dataset`.

    Raises:
        XltError: The package datasets is not installed, or there is no such data set, configuration or split.
    """
    path, configuration, split = [*name.removeprefix(PREFIX).split(":"), "", ""][:3]
    if find_spec("datasets") is None:
        raise NotInstalledError(f"{name} needs the package datasets. Install it with: pip install datasets")
    import datasets

    try:
        found: Any = datasets.load_dataset(path, configuration or None)
    except Exception as error:  # The network, the Hub and the files raise errors of many kinds.
        raise XltError(
            f"{name} cannot be loaded ({type(error).__name__}: {first_line(error)}). Check the name and the network."
        ) from error
    if not split and len(found) == 1:
        return next(iter(found.values()))
    if split not in found:
        raise XltError(f"{name}: name one of the splits, as {PREFIX}{path}:{configuration}:{next(iter(found))}. There "
                       f"are: {', '.join(map(str, found))}.")  # fmt: skip
    return found[split]

"""Detect the language of texts with any back end."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Union, overload

from spacy.util import registry

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.detectors.base import Detection, decide, read_prior
from spacy_xlt.errors import XltError
from spacy_xlt.text import replace_surrogates

Languages = Union[Sequence[str], Mapping[str, float]]


@overload
def detect(  # type: ignore[overload-overlap]
    texts: str, *, languages: Languages = (), threshold: float = 0.0, detector: str = "NGrams"
) -> Detection: ...
@overload
def detect(
    texts: Sequence[str], *, languages: Languages = (), threshold: float = 0.0, detector: str = "NGrams"
) -> list[Detection]: ...
def detect(
    texts: Union[str, Sequence[str]],
    *,
    languages: Languages = (),
    threshold: float = 0.0,
    detector: str = "NGrams",
) -> Union[Detection, list[Detection]]:
    """Detect the language of a text, or of each text in a list.

    Args:
        texts: A text, or a list of texts.
        languages: The languages that can occur, as codes or English names, or {language: weight}. Empty allows all
            languages.
        threshold: The minimum probability. With a smaller one, the language is `xx` (unknown).
        detector: A back end of the registry `xlt_detectors`, such as `NGrams` or `LangDetect`.

    Returns:
        A `Detection`, or a list of them for a list of texts.

    Raises:
        XltError: There is no such back end, or it knows none of the languages.

    Example:
        >>> detect("Wo ist mein Paket?").language
        'de'
    """
    back_end = _shared_detector(detector)
    prior = read_prior(languages if isinstance(languages, Mapping) else list(languages), back_end)
    given = [texts] if isinstance(texts, str) else list(texts)
    candidates = back_end.detect([replace_surrogates(text) for text in given], prior)
    found = [decide(each, threshold) for each in candidates]
    return found[0] if isinstance(texts, str) else found


def make_detector(name: str) -> Any:
    """Make a back end with its default settings.

    Args:
        name: The registered name, or a short name: `NGrams` is the newest version, `NGrams.v1` the first one.

    Returns:
        The back end.

    Raises:
        XltError: There is no such back end, or it has required settings.
    """
    detectors: Any = registry.xlt_detectors  # type: ignore[attr-defined]
    names = sorted(detectors.get_all())
    exact = [each for each in names if each in (name, f"spacy-xlt.{name}")]
    versions = [each for each in names if re.fullmatch(rf"spacy-xlt\.{re.escape(name)}\.v\d+", each)]
    found = exact or sorted(versions, key=lambda each: int(each.rpartition(".v")[2]))
    if not found:
        there = ", ".join(dict.fromkeys(re.sub(r"^spacy-xlt\.(.*)\.v\d+$", r"\1", each) for each in names))
        raise XltError(f"There is no detector {name}. Choose one of: {there}.")
    try:
        return detectors.get(found[-1])()
    except TypeError as error:
        raise XltError(f"The detector {name} has required settings ({error}). Use it in a config.") from error


@lru_cache(maxsize=4)
def _shared_detector(name: str) -> Any:
    return make_detector(name)

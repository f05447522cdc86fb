"""What a language detector is."""

from collections.abc import Mapping, Sequence
from typing import Optional, Protocol, Union, runtime_checkable

from spacy_xlt.errors import XltError
from spacy_xlt.languages import base_code, find_language

Candidates = list[tuple[str, float]]
Languages = Union[Sequence[str], Mapping[str, float]]


@runtime_checkable
class Detector(Protocol):
    """A language-detection back end, registered in `xlt_detectors`."""

    def detect(self, texts: Sequence[str], languages: Optional[Languages] = None) -> list[Candidates]:
        """Return for each text the base codes and probabilities of its languages, the best first.

        languages: the languages that can occur, alike or each with a weight; a prior in the sense of Bayes' rule.
        None or empty: all, alike.
        A text without a letter gets an empty list. Same text, same answer: in any order, process and thread.
        """
        ...


def read_prior(languages: Optional[Languages], detector: object = None) -> dict[str, float]:
    """Bring languages to base codes with weights that add up to 1; an empty dict if there are none.

    languages: codes or English names. detector: may know languages that `find_language` does not.
    Raises XltError for a weight that is no positive number, and for what names no language.
    """
    if not languages:
        return {}
    weights = languages if isinstance(languages, Mapping) else dict.fromkeys(languages, 1.0)
    prior: dict[str, float] = {}
    for code, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0.0 < weight < float("inf"):
            raise XltError(f"languages: the weight of '{code}' is a positive number, not {weight!r}.")
        base = _read_language(code, detector)
        prior[base] = prior.get(base, 0.0) + float(weight)
    total = sum(prior.values())
    return {code: weight / total for code, weight in sorted(prior.items())}


def _read_language(language: str, detector: object) -> str:
    """The base code of a language that is known here, or else to the detector. Raises XltError for others."""
    try:
        return find_language(language)
    except XltError as error:
        base = base_code(language)
        known = getattr(detector, "languages", None)
        # A detector that does not say what it knows may know any code of ISO 639-3.
        if base in known if known is not None else (len(base) == 3 and base.isascii() and base.isalpha()):
            return base
        raise XltError(f"languages: {error}") from None

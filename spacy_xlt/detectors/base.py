"""The interface of language detectors, priors over languages, and the decision for a language."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Optional, Protocol, Union, runtime_checkable

from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, add_by_base_code, base_code, canonical_code, find_code, full_code
from spacy_xlt.text import has_letters

Candidates = list[tuple[str, float]]
Languages = Union[Sequence[str], Mapping[str, float]]


@runtime_checkable
class Detector(Protocol):
    """A language-detection back end, registered in `xlt_detectors`."""

    def detect(self, texts: Sequence[str], languages: Optional[Languages] = None) -> list[Candidates]:
        """Find the candidate languages of texts.

        The result for a text does not depend on the other texts, the process or the thread.

        Args:
            texts: The texts.
            languages: The languages that can occur, optionally with weights. They are a prior in the sense of Bayes'
                rule: see `read_prior`. None or empty allows all languages with equal weights.

        Returns:
            The candidates of each text: pairs of a code and a probability, the most probable first. A code is a base
            code (`de`), or an ISO 639-3 code with its script (`zho_Hant`, `srp_Latn`) if the detector distinguishes the
            scripts or varieties of a language. `xx` has the probability that the text is in no language that the
            detector knows. A text without letters has no candidates.

        Raises:
            XltError: The detector knows none of the languages.
        """
        ...


def detect_languages(
    detector: Detector, texts: Sequence[str], prior: Mapping[str, float], min_chars: int
) -> list[Candidates]:
    """Find the candidate languages of texts. The spaCy component and `Classifier` both call this function.

    Args:
        detector: The back end.
        texts: The texts.
        prior: The languages that can occur, from `read_prior`.
        min_chars: The minimum number of letters of a text. A text with fewer letters has no candidates.

    Returns:
        The candidates of each text: see `Detector.detect`.
    """
    # The back end gets an empty text instead of a short one, so that the result has an entry for each text.
    return detector.detect([text if has_letters(text, min_chars) else "" for text in texts], prior)


def read_prior(languages: Optional[Languages], detector: object = None) -> dict[str, float]:
    """Read a prior over languages.

    A base code allows all scripts and varieties of a language. A code with a script (`zho_Hant`) allows only that
    script. See `prior_weight`.

    Args:
        languages: Codes or English names, optionally with weights.
        detector: The back end. It may know languages that `find_code` does not know.

    Returns:
        The weight of each canonical code. The weights add up to 1. The dict is empty if there are no languages.

    Raises:
        XltError: A weight is not a positive number, or a language is unknown.
    """
    if not languages:
        return {}
    weights = languages if isinstance(languages, Mapping) else dict.fromkeys(languages, 1.0)
    prior: dict[str, float] = {}
    for code, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0.0 < weight < float("inf"):
            raise XltError(f"languages: the weight of '{code}' is {weight!r}. It must be a positive number.")
        canonical = _read_language(code, detector)
        prior[canonical] = prior.get(canonical, 0.0) + float(weight)
    total = sum(prior.values())
    return {code: weight / total for code, weight in sorted(prior.items())}


def base_prior(languages: Optional[Languages], detector: object = None) -> dict[str, float]:
    """Return `read_prior` in base codes, for a back end that does not distinguish scripts."""
    return add_by_base_code(read_prior(languages, detector).items())


def _read_language(language: str, detector: object) -> str:
    """Return the canonical code of a language. Raise XltError if neither this package nor the detector knows it."""
    try:
        return find_code(language)
    except XltError as error:
        base = base_code(language)
        known = getattr(detector, "languages", None)
        # A detector without a list of languages may know any code of ISO 639-3.
        if base in known if known is not None else (len(base) == 3 and base.isascii() and base.isalpha()):
            return base
        raise XltError(f"languages: {error}") from None


def prior_weight(prior: Mapping[str, float], code: str) -> float:
    """Return the weight of a candidate under a prior.

    The most specific entry is used: the weight of `zho_Hant` is that of the entry `zho_Hant`, or of `zh` if there is no
    such entry. A candidate without a script can be in any script, so its weight is the sum over all scripts.

    Args:
        prior: The result of `read_prior`.
        code: The code of the candidate.

    Returns:
        The weight. It is 0 if the prior excludes the candidate.
    """
    canonical, base = canonical_code(code), base_code(code)
    if canonical == base:
        return sum(weight for each, weight in prior.items() if base_code(each) == base)
    return prior.get(canonical, prior.get(base, 0.0))


class Detection(NamedTuple):
    """The language of a text.

    Attributes:
        language: The base code of the language (`de`), or `xx` if it is unknown.
        score: The probability of the language. It is 0 if the language is unknown.
        language_script: The most probable code of the language, with its script if that is known (`deu_Latn`,
            `zho_Hant`).
    """

    language: str
    score: float
    language_script: str


NO_LANGUAGE = Detection(UNKNOWN, 0.0, UNKNOWN)


def decide(candidates: Iterable[tuple[str, float]], threshold: float = 0.0) -> Detection:
    """Choose the language with the largest sum of probabilities over its codes.

    Args:
        candidates: The candidates of a text: see `Detector.detect`.
        threshold: The minimum probability. With a smaller one, the language is unknown.

    Returns:
        The language, or `NO_LANGUAGE` if it is unknown.
    """
    pairs = list(candidates)
    # Rounded probabilities can add up to a little more than 1.
    sums = {language: min(round(float(total), 6), 1.0) for language, total in add_by_base_code(pairs).items()}
    if not sums:
        return NO_LANGUAGE
    language = max(sums, key=sums.__getitem__)
    if language == UNKNOWN or sums[language] < threshold:
        return NO_LANGUAGE
    best = max((pair for pair in pairs if base_code(pair[0]) == language), key=lambda pair: pair[1])
    return Detection(language, sums[language], full_code(best[0]))

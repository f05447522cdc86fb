"""What a language detector is."""

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
        """Return for each text its candidates: pairs of a code and a probability, the best first.

        A code is a base code (`de`); or an ISO 639-3 code with its script (`zho_Hant`, `srp_Latn`) where the
        detector tells the scripts or the varieties of a language apart; or `xx`, with the probability that the text is
        in no language that the detector knows.

        languages: the languages that can occur, with equal weights or each with its own; a prior in the sense of Bayes'
        rule, read with `read_prior`. None or empty: all languages, with equal weights.
        A text without a letter gets an empty list. Same text, same answer: in any order, process and thread.
        """
        ...


def detect_languages(
    detector: Detector, texts: Sequence[str], prior: Mapping[str, float], min_chars: int
) -> list[Candidates]:
    """Return the candidates of each text: `nlp` and `Classifier` both call this function.

    Args:
        detector: The back end.
        texts: The texts.
        prior: The languages that can occur, see `read_prior`.
        min_chars: A text with fewer letters has no candidates.
    """
    # The back end reads an empty text like a text with too few letters.
    return detector.detect([text if has_letters(text, min_chars) else "" for text in texts], prior)


def read_prior(languages: Optional[Languages], detector: object = None) -> dict[str, float]:
    """Return the canonical code of each language with its weight; an empty dict if there are none.

    A base code allows the language in all its scripts and varieties, a code with a script (`zho_Hant`) only in that
    one; see `prior_weight`. The weights add up to 1.

    Args:
        languages: Codes or English names.
        detector: May know languages that `find_code` does not.

    Raises:
        XltError: for a weight that is not a positive number, and for what names no language.
    """
    if not languages:
        return {}
    weights = languages if isinstance(languages, Mapping) else dict.fromkeys(languages, 1.0)
    prior: dict[str, float] = {}
    for code, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0.0 < weight < float("inf"):
            raise XltError(f"languages: the weight of '{code}' is a positive number, not {weight!r}.")
        canonical = _read_language(code, detector)
        prior[canonical] = prior.get(canonical, 0.0) + float(weight)
    total = sum(prior.values())
    return {code: weight / total for code, weight in sorted(prior.items())}


def base_prior(languages: Optional[Languages], detector: object = None) -> dict[str, float]:
    """Return the same as `read_prior` in base codes, for a back end that does not tell scripts apart."""
    return add_by_base_code(read_prior(languages, detector).items())


def _read_language(language: str, detector: object) -> str:
    """The canonical code of a language that is known here, or else to the detector. Raises XltError for others."""
    try:
        return find_code(language)
    except XltError as error:
        base = base_code(language)
        known = getattr(detector, "languages", None)
        # A detector that does not say what it knows may know any code of ISO 639-3.
        if base in known if known is not None else (len(base) == 3 and base.isascii() and base.isalpha()):
            return base
        raise XltError(f"languages: {error}") from None


def prior_weight(prior: Mapping[str, float], code: str) -> float:
    """Return the weight of a candidate under a prior of `read_prior`; 0 if the prior excludes it.

    The most specific entry counts: for `zho_Hant` the weight of `zho_Hant`, else that of `zh`. A candidate without a
    script has the weight of its language in all scripts, because it can be in any of them.
    """
    canonical, base = canonical_code(code), base_code(code)
    if canonical == base:
        return sum(weight for each, weight in prior.items() if base_code(each) == base)
    return prior.get(canonical, prior.get(base, 0.0))


class Detection(NamedTuple):
    """The language of a text.

    Attributes:
        language: Its base code (`de`), or `xx` if it is unknown.
        score: Its probability; 0 if it is unknown.
        language_script: Its most probable code, with the script if that is known (`deu_Latn`, `zho_Hant`).
    """

    language: str
    score: float
    language_script: str


NO_LANGUAGE = Detection(UNKNOWN, 0.0, UNKNOWN)


def decide(candidates: Iterable[tuple[str, float]], threshold: float = 0.0) -> Detection:
    """Return the language whose codes have the largest sum of probability.

    That is `xx` if the largest sum is below the threshold, or is that of `xx`.
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

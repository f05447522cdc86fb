"""A detector that calls a function of the user."""

from collections.abc import Sequence
from typing import Callable, Optional, Union

from spacy_xlt.detectors.base import Candidates, Languages, prior_weight, read_prior
from spacy_xlt.detectors.prepare import prepare
from spacy_xlt.detectors.scoring import DIGITS
from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, canonical_code

Answer = Union[None, str, tuple[str, float], Sequence[tuple[str, float]]]


class CallableDetector:
    """Detect languages with a function. Registered as `spacy-xlt.Callable.v1`.

    The probabilities of the function are multiplied by the prior and scaled to their original sum. The prior does not
    change the probability of `xx`. In a config, the function is a registered block:

        [components.xlt_langdetect.detector.function]
        @misc = "acme.language_of.v1"

    Args:
        function: A function of a text, which is prepared (see `prepare`) and has at least one letter. It returns a
            code, a pair of a code and its probability, or a list of such pairs. A code without a probability has
            probability 1. None or an empty list is no answer. A code may name a script (`zho_Hant`, `sr-Latn`), and
            `xx` stands for a language that the function does not know.
    """

    def __init__(self, function: Callable[[str], Answer]) -> None:
        self.function = function

    def detect(self, texts: Sequence[str], languages: Optional[Languages] = None) -> list[Candidates]:
        """See `Detector.detect`. Raises XltError if the function returns anything else than described above."""
        prior = read_prior(languages, self)
        return [self._detect(prepare(text), prior) for text in texts]

    def _detect(self, text: str, prior: dict[str, float]) -> Candidates:
        if not text:
            return []
        total: dict[str, float] = {}
        for code, probability in self._pairs(self.function(text)):
            total[canonical_code(code)] = total.get(canonical_code(code), 0.0) + probability
        unknown = total.pop(UNKNOWN, 0.0)
        if prior:
            weighted = {code: probability * prior_weight(prior, code) for code, probability in total.items()}
            scale = sum(weighted.values())
            total = {code: sum(total.values()) * w / scale for code, w in weighted.items() if w} if scale else {}
        if unknown:
            total[UNKNOWN] = unknown
        rounded = [(code, round(probability, DIGITS)) for code, probability in total.items()]
        return sorted(rounded, key=lambda pair: (-pair[1], pair[0]))

    def _pairs(self, answer: Answer) -> list[tuple[str, float]]:
        if answer is None:
            return []
        pairs = [(answer, 1.0)] if isinstance(answer, str) else answer
        if isinstance(pairs, tuple) and len(pairs) == 2 and isinstance(pairs[0], str):
            pairs = [pairs]  # type: ignore[list-item]
        try:
            read = [(str(code), float(probability)) for code, probability in pairs]  # type: ignore[misc]
        except (TypeError, ValueError):
            read = [("", -1.0)]
        if not all(0.0 <= probability <= 1.0 for _, probability in read):
            raise XltError(
                f"The function of spacy-xlt.Callable.v1 returned {answer!r}. It must return a language code, a pair of "
                "a code and a probability from 0 to 1, or a list of such pairs."
            )
        return read

"""Any function as a detector."""

from collections.abc import Sequence
from typing import Callable, Optional, Union

from spacy_xlt.detectors.base import Candidates, Languages, prior_weight, read_prior
from spacy_xlt.detectors.prepare import prepare
from spacy_xlt.detectors.scoring import DIGITS
from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, canonical_code

Answer = Union[None, str, tuple[str, float], Sequence[tuple[str, float]]]


class CallableDetector:
    """`spacy-xlt.Callable.v1`.

    function: takes a text (prepared, at least one letter) and returns a code, a code with its probability, or a list of
        those; None or an empty list for no answer. A code may name a script (`zho_Hant`, `sr-Latn`), and `xx` is the
        probability that the text is in no known language. In a config it is a registered block:

        [components.xlt_langdetect.detector.function]
        @misc = "acme.language_of.v1"

    Probabilities are multiplied by the prior and scaled to their old sum, except that of `xx`, which the prior does not
    change; a code without a probability has probability 1.
    """

    def __init__(self, function: Callable[[str], Answer]) -> None:
        self.function = function

    def detect(self, texts: Sequence[str], languages: Optional[Languages] = None) -> list[Candidates]:
        """See `Detector.detect`. Raises XltError for an answer that is none of the kinds above."""
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
                f"The function of spacy-xlt.Callable.v1 returned {answer!r}: return a language code, "
                "a pair of code and probability (0..1), or a list of such pairs."
            )
        return read

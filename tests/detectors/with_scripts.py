"""A detector that tells scripts apart and knows when it knows nothing: it looks its answers up."""

from typing import Any

from spacy.util import registry

from spacy_xlt.detectors.base import Candidates
from spacy_xlt.detectors.callable import CallableDetector

ANSWERS: dict[str, Candidates] = {
    "simplified": [("zho_Hans", 0.5), ("zho_Hant", 0.4), ("yue", 0.1)],
    "traditional": [("yue", 0.45), ("zho_Hant", 0.3), ("zho_Hans", 0.25)],
    "serbian": [("srp_Latn", 0.75), ("hr", 0.25)],
    "romanized": [("hin_Latn", 0.625), ("xx", 0.25), ("en", 0.125)],
    "egyptian": [("arz_Arab", 0.5), ("arb_Arab", 0.25), ("fa", 0.25)],
    "german": [("de", 0.9375)],
    "klingon": [("xx", 0.75), ("de", 0.25)],
    "noise": [("xx", 1.0)],
}


def answer(text: str) -> Candidates:
    return ANSWERS.get(text.rstrip(".").lower(), [])


DETECTOR = CallableDetector(answer)
# The same in a config.
BLOCK: dict[str, Any] = {
    "@xlt_detectors": "spacy-xlt.Callable.v1",
    "function": {"@misc": "tests.with_scripts.v1"},
}
registry.misc.register("tests.with_scripts.v1", func=lambda: answer)

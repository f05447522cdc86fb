"""The steps that back ends share, from a text to calibrated probabilities under a prior.

1. The text is prepared and split into parts with one script each.
2. The candidates of a part are the languages that are written in its script and that the prior allows.
3. The log-likelihoods of the model are divided by a temperature. The log prior is added, and softmax is applied.
4. The probabilities of the parts are averaged, weighted by their shares of the letters.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.detectors.base import Candidates, Languages, base_prior
from spacy_xlt.detectors.calibration import temperatures
from spacy_xlt.detectors.parts import Part, split_scripts
from spacy_xlt.detectors.prepare import prepare
from spacy_xlt.detectors.scripts import HAN, LATIN, ON_REQUEST, WEIGHTS, has_own_script, is_written_in, languages_of
from spacy_xlt.errors import XltError
from spacy_xlt.languages import add_by_code

Scores = NDArray[np.float32]

SMALLEST_PROBABILITY = 0.01
# Probabilities are rounded to this number of digits, because the last digits of sums differ between machines.
DIGITS = 6
BATCH = 512
# Each Chinese character without kana reduces the log-probability of Japanese by this, up to MOST_HAN characters. It was
# measured on Japanese news (NTREX, lines 1-1800).
KANA_PER_HAN = 0.9
MOST_HAN = 8


class ScoringDetector(ABC):
    """A detector with a score for every text and language.

    Attributes:
        name: The name of its temperatures in calibration.json.
    """

    name: str = ""

    @property
    @abstractmethod
    def languages(self) -> Sequence[str]:
        """The base codes of the languages that the model knows, sorted, without duplicates."""

    @abstractmethod
    def score(self, texts: Sequence[str], languages: tuple[str, ...]) -> Scores:
        """Score texts.

        Args:
            texts: The texts, which are prepared (see `prepare`) and have at least one letter.
            languages: At least two of `self.languages`, sorted.

        Returns:
            The log-likelihoods `[texts, languages]`, float32, not normalized.
        """

    def own_prior(self, languages: tuple[str, ...]) -> Scores:
        """Return the logarithm of the model's own prior `[languages]`. It is used if the user gives no prior."""
        return np.zeros(len(languages), dtype=np.float32)

    def calibrated(self, parts: Sequence[Part], languages: tuple[str, ...], prior: bool) -> NDArray[np.float64]:
        """Return calibrated scores.

        Args:
            parts: The parts of texts.
            languages: At least two of `self.languages`, sorted.
            prior: Whether the user gives a prior. The result does not include it.

        Returns:
            The log-probabilities `[parts, languages]`, not normalized.
        """
        scores = self.score([part.text for part in parts], languages).astype(np.float64)
        if not prior:
            scores += self.own_prior(languages)
        return scores / temperatures(self.name, parts, prior)[:, None]

    def detect(self, texts: Sequence[str], languages: Optional[Languages] = None) -> list[Candidates]:
        """See `Detector.detect`. Raises XltError if none of `languages` is known."""
        prior = base_prior(languages, self)
        self._check(prior)
        return detect_parts(texts, lambda parts: self._answer(parts, prior))

    def _check(self, prior: dict[str, float]) -> None:
        known = set(self.languages)
        if prior and not any(code in known or has_own_script(code) for code in prior):
            raise XltError(
                f"{type(self).__name__} knows none of the languages {', '.join(prior)}. "
                "Choose another detector, or leave `languages` empty."
            )

    def _answer(self, parts: Sequence[Part], prior: dict[str, float]) -> list[Candidates]:
        """Return the candidates of each part. The model is used only if a script has several languages."""
        options = {script: self._options(script, prior) for script in {part.script for part in parts}}
        asked = [number for number, part in enumerate(parts) if len(options[part.script]) > 1]
        answers: list[Candidates] = [[(code, 1.0) for code in options[part.script][:1]] for part in parts]
        for start in range(0, len(asked), BATCH):
            numbers = asked[start : start + BATCH]
            batch = [parts[number] for number in numbers]
            for number, answer in zip(numbers, self._ask(batch, options, prior)):
                answers[number] = answer
        return answers

    def _options(self, script: int, prior: dict[str, float]) -> list[str]:
        """Return the possible languages of a text in a script. If there are several, the model knows all of them."""
        allowed = [code for code in self.languages if is_written_in(code, script)]
        if prior:
            allowed = [code for code in allowed if code in prior]
        else:
            allowed = [code for code in allowed if code not in ON_REQUEST]
        if allowed or script == LATIN:
            return allowed
        # The model knows none of them, but the script alone can identify a language.
        return [code for code in languages_of(script) if not prior or code in prior][:1]

    def _ask(self, parts: Sequence[Part], options: dict[int, list[str]], prior: dict[str, float]) -> list[Candidates]:
        # These languages are the same for every batch, so that the weights of their columns are copied only once.
        languages = tuple(code for code in self.languages if (code in prior if prior else code not in ON_REQUEST))
        scores = self.calibrated(parts, languages, prior=bool(prior))
        if "ja" in languages:
            scores[:, languages.index("ja")] -= [missing_kana(part) for part in parts]
        if prior:
            scores += np.log([prior[code] for code in languages])
        allowed = {script: [code in codes for code in languages] for script, codes in options.items()}
        scores[~np.array([allowed[part.script] for part in parts])] = -np.inf
        return to_candidates(softmax(scores), languages)


def detect_parts(texts: Sequence[str], answer: Callable[[list[Part]], list[Candidates]]) -> list[Candidates]:
    """Prepare texts, split them by scripts, and average the candidates of the parts, weighted by their shares.

    Args:
        texts: The texts.
        answer: A function that returns the candidates of parts.

    Returns:
        The candidates of each text.
    """
    parts = split_scripts([prepare(text) for text in texts])
    found: list[Candidates] = [[] for _ in texts]
    mixed: dict[int, Candidates] = {}
    for part, candidates in zip(parts, answer(parts)):
        if part.share == 1.0:
            found[part.owner] = candidates
        else:
            shares = [(code, probability * part.share) for code, probability in candidates]
            mixed.setdefault(part.owner, []).extend(shares)
    for owner, candidates in mixed.items():
        found[owner] = _add_up(candidates)
    return found


def missing_kana(part: Part) -> float:
    """Return by how much the log-probability of Japanese is reduced for a part without kana, in nats."""
    return min(part.letters / WEIGHTS[HAN], MOST_HAN) * KANA_PER_HAN if part.script == HAN else 0.0


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the softmax of each row of scores `[n, d]`."""
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def to_candidates(probabilities: NDArray[np.float64], languages: Sequence[str]) -> list[Candidates]:
    """Turn probabilities into candidates.

    Args:
        probabilities: The probabilities, `[n, languages]`.
        languages: The codes, sorted.

    Returns:
        The codes of each row with a probability of at least SMALLEST_PROBABILITY, the most probable first. Equal
        probabilities are in the order of the codes.
    """
    rounded = np.round(probabilities, DIGITS)
    most = int((rounded >= SMALLEST_PROBABILITY).sum(axis=1).max(initial=1))
    order = np.argsort(-rounded, axis=1, kind="stable")[:, : max(most, 1)]
    best = np.take_along_axis(rounded, order, axis=1).tolist()
    return [
        [(languages[column], p) for column, p in zip(columns, row) if p >= SMALLEST_PROBABILITY]
        for columns, row in zip(order.tolist(), best)
    ]


def _add_up(candidates: Candidates) -> Candidates:
    """Add up the probabilities of equal codes, and sort the candidates."""
    ordered = sorted(add_by_code(candidates).items(), key=lambda pair: (-round(pair[1], DIGITS), pair[0]))
    return [(code, round(p, DIGITS)) for code, p in ordered if p >= SMALLEST_PROBABILITY]

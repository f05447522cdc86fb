"""The default detector: character n-grams of more than two hundred languages.

There is one linear model for each script. The score of a text for a language is the sum of the weights of its 1- to
5-grams. A weight is log(1 + frequency / floor), as in multinomial naive Bayes, plus a correction that is learned by
softmax regression. Weights are integers, so scores are equal on all machines. benchmarks/langdetect_ngrams.py builds
ngrams.npz from the texts that NOTICE names.

Scores are divided by a temperature for each length class, so that probabilities are calibrated. unknown.py computes the
probability that a text is in none of the languages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.detectors.base import Candidates, Languages, prior_weight, read_prior
from spacy_xlt.detectors.calibration import temperatures
from spacy_xlt.detectors.lookup import KeyIndex, hash_ngrams
from spacy_xlt.detectors.parts import Part
from spacy_xlt.detectors.scoring import detect_parts, missing_kana, softmax, to_candidates
from spacy_xlt.detectors.scripts import HAN, KANA, LATIN, NAMES, NO_SCRIPT, languages_of, script_of, to_codepoints
from spacy_xlt.detectors.unknown import Scores, unknown_probability
from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, base_code, canonical_code, full_code, script

FILE = Path(__file__).parent / "ngrams.npz"
LONGEST = 5
# A weight of 1 in nats.
UNIT = 0.25
SPACE = ord(" ")
BATCH = 512
# The model is read in blocks of this number of rows, so that reading takes no additional memory.
ROWS_AT_ONCE = 1 << 15
_APOSTROPHE = ord("'")
# Characters that are used as an apostrophe within words, in Hausa, Uzbek, Hawaiian, French, ...
_APOSTROPHES = "'’ʼʻ‘ʽʹ"
_COMBINING_MARKS = range(0x300, 0x370)
_PLANES = 0x40000


@dataclass(frozen=True)
class Group:
    """The model of one script.

    Attributes:
        classes: The languages with their scripts, such as `deu_Latn`.
        index: The rows of the n-grams.
        weights: The weights in UNITs, `[n-grams, classes]`.
        log_prior: The logarithm of the default prior, `[classes]`. It is used if the user gives no prior.
    """

    classes: tuple[str, ...]
    index: KeyIndex
    weights: NDArray[np.uint8]
    log_prior: NDArray[np.float64]


@lru_cache(maxsize=1)
def read_model() -> dict[int, Group]:
    """Return {number of the script: its model}. The file is read once per process."""
    groups = {}
    with np.load(FILE, allow_pickle=False) as arrays:
        for name in arrays["scripts"].tolist():
            classes = tuple(arrays[f"{name}.classes"].tolist())
            keys = np.cumsum(arrays[f"{name}.steps"], dtype=np.uint64)
            weights = _to_table(
                arrays[f"{name}.lengths"], arrays[f"{name}.owners"], arrays[f"{name}.weights"], len(classes)
            )
            groups[NAMES.index(name)] = Group(classes, KeyIndex(keys), weights, arrays[f"{name}.log_prior"])
    groups[KANA] = groups[HAN]
    return groups


def _to_table(
    lengths: NDArray[np.uint8], owners: NDArray[np.uint8], weights: NDArray[np.uint8], width: int
) -> NDArray[np.uint8]:
    """Return the weights `[n-grams, width]` as a dense table. A row has the weights of `owners`, its classes."""
    table = np.zeros((len(lengths), width), dtype=np.uint8)
    ends = np.cumsum(lengths, dtype=np.int64)
    for start in range(0, len(lengths), ROWS_AT_ONCE):
        own = lengths[start : start + ROWS_AT_ONCE]
        rows = np.repeat(np.arange(start, start + len(own)), own)
        inside = slice(ends[start] - own[0], ends[start] - own[0] + len(rows))
        table[rows, owners[inside]] = weights[inside]
    return table


@lru_cache(maxsize=1)
def _symbol_table() -> NDArray[np.uint32]:
    """Return the symbol of each code point. Letters and marks are kept, and all other characters are spaces."""
    table = np.arange(_PLANES + 1, dtype=np.uint32)
    kept = script_of(table[:-1]) != NO_SCRIPT
    kept[_COMBINING_MARKS.start : _COMBINING_MARKS.stop] = True
    table[:-1][~kept] = SPACE
    table[-1] = SPACE  # The last entry is for all code points above.
    table[[ord(character) for character in _APOSTROPHES]] = _APOSTROPHE
    return table


def read_symbols(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the symbols of texts in lower case.

    There is one space at the beginning and the end of each text, and one between words. An apostrophe is kept only
    between letters.

    Args:
        texts: The texts.

    Returns:
        The symbols of all texts `[n]`, and the index of the text of each symbol `[n]`.
    """
    lowered = [f" {text.lower()} " for text in texts]
    symbols = _symbol_table()[np.minimum(to_codepoints("".join(lowered)), _PLANES)]
    owners = np.repeat(np.arange(len(texts)), [len(text) for text in lowered])
    apostrophes = np.flatnonzero(symbols == _APOSTROPHE)
    around = symbols[apostrophes[:, None] + np.array([-1, 1])]
    symbols[apostrophes[np.isin(around, (SPACE, _APOSTROPHE)).any(axis=1)]] = SPACE
    spaces = symbols == SPACE
    kept = np.ones(len(symbols), dtype=bool)
    kept[1:] = ~(spaces[1:] & spaces[:-1]) | (owners[1:] > owners[:-1])
    return symbols[kept], owners[kept]


@lru_cache(maxsize=4)
def _weights(group: int, columns: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the weights of some classes as a contiguous array."""
    weights = read_model()[group].weights
    return weights if len(columns) == weights.shape[1] else np.ascontiguousarray(weights[:, columns])


def score(group: int, texts: Sequence[str], columns: Sequence[int]) -> Scores:
    """Score texts of one script.

    Args:
        group: The number of the script.
        texts: The texts, which are prepared (see `prepare`).
        columns: The columns of the classes to score.

    Returns:
        The scores, with one column for each of `columns`.
    """
    symbols, owners = read_symbols(texts)
    hashes = hash_ngrams(symbols, LONGEST, SPACE).ravel()
    there = np.flatnonzero(hashes)
    rows = read_model()[group].index.find(hashes[there].astype(np.uint64))
    owner_of = owners[there // LONGEST]
    known = rows >= 0
    ngrams = np.bincount(owner_of, minlength=len(texts))
    counts = np.bincount(owner_of[known], minlength=len(texts))
    weights, rows = _weights(group, tuple(columns)), rows[known]
    ends = np.cumsum(counts)
    values, used = np.empty((len(texts), len(columns))), np.empty(len(texts), dtype=np.int64)
    for number, (start, end) in enumerate(zip((ends - counts).tolist(), ends.tolist())):
        own = weights[rows[start:end]]
        values[number] = own.sum(axis=0, dtype=np.uint32)
        used[number] = np.count_nonzero(own[:, values[number].argmax()])
    return Scores(values * UNIT, ngrams, counts, used)


class NGrams:
    """Detect more than two hundred languages. Registered as `spacy-xlt.NGrams.v2`, the default back end.

    A text that is in none of the languages (noise, code, another language) is `xx`. If the user gives a prior
    (`languages`), the result is always one of its languages.

    Args:
        varieties: Whether to distinguish the varieties of a language, such as `arz_Arab` (Egyptian Arabic). Single
            sentences are rarely enough for that. If false, a variety counts as its language (`ar`).
        unknown_rate: The share of texts in known languages that are `xx` by mistake, from 0 (no text is `xx`) to 0.1.

    Raises:
        XltError: `unknown_rate` is out of range.
    """

    def __init__(self, varieties: bool = False, unknown_rate: float = 0.02) -> None:
        if not 0.0 <= unknown_rate <= 0.1:
            raise XltError(f"NGrams: unknown_rate is {unknown_rate}. It must be from 0 to 0.1.")
        self.varieties = varieties
        self.unknown_rate = unknown_rate

    @property
    def languages(self) -> Sequence[str]:
        """The codes that the detector can return, sorted."""
        return sorted({self._code(name) for group in read_model().values() for name in group.classes})

    def detect(self, texts: Sequence[str], languages: Optional[Languages] = None) -> list[Candidates]:
        """See `Detector.detect`. Raises XltError if none of `languages` is known."""
        prior = read_prior(languages, self)
        self._check(prior)
        return detect_parts(texts, lambda parts: self._answer(parts, prior))

    def _code(self, name: str) -> str:
        return answer_code(name, self.varieties)

    def _check(self, prior: Mapping[str, float]) -> None:
        if not prior:
            return
        classes = [name for group in read_model().values() for name in group.classes]
        others = {code for number in range(len(NAMES)) for code in languages_of(number)}
        if not any(prior_weight(prior, name) for name in classes) and not others & set(prior):
            raise XltError(
                f"{type(self).__name__} knows none of the languages {', '.join(prior)}. "
                "Choose another detector, or leave `languages` empty."
            )

    def _answer(self, parts: Sequence[Part], prior: Mapping[str, float]) -> list[Candidates]:
        answers: list[Candidates] = [[] for _ in parts]
        for number in {part.script for part in parts}:
            of_script = [place for place, part in enumerate(parts) if part.script == number]
            for start in range(0, len(of_script), BATCH):
                places = of_script[start : start + BATCH]
                for place, answer in zip(places, self._ask(number, [parts[each] for each in places], prior)):
                    answers[place] = answer
        return answers

    def _ask(self, number: int, parts: Sequence[Part], prior: Mapping[str, float]) -> list[Candidates]:
        """Return the candidates of parts in one script."""
        group = read_model().get(number)
        names = group.classes if group else ()
        columns = [column for column, name in enumerate(names) if not prior or prior_weight(prior, name) > 0]
        if number == KANA:
            columns = [column for column in columns if names[column] == "jpn_Jpan"]
        if group is None or not columns:
            # The model knows no language of the script, but the script alone can identify a language.
            told = [] if number == LATIN else [code for code in languages_of(number) if not prior or code in prior][:1]
            return [[(code, 1.0) for code in told] for _ in parts]
        scores = score(number, [part.text for part in parts], columns)
        logits = scores.values / temperatures("ngrams", parts, bool(prior))[:, None]
        if prior:
            logits += np.log([prior_weight(prior, names[column]) for column in columns])
        else:
            logits += group.log_prior[columns]
        if number == HAN and "jpn_Jpan" in (kept := [names[column] for column in columns]):
            logits[:, kept.index("jpn_Jpan")] -= [missing_kana(part) for part in parts]
        answers, members = _answers(tuple(names[column] for column in columns), self.varieties)
        probabilities = softmax(logits) @ members
        if not prior and self.unknown_rate:
            unknown = unknown_probability([names[column] for column in columns], parts, scores, self.unknown_rate)
            # If `xx` is improbable, the probabilities of the languages are not reduced. Otherwise `xx` could win only
            # because many similar languages share the rest.
            unknown[unknown < 0.5] = 0.0
            probabilities = np.column_stack([probabilities * (1.0 - unknown)[:, None], unknown])
            answers = (*answers, UNKNOWN)
        return to_candidates(probabilities, answers)


def NGrams_v1() -> NGrams:
    """Make the detector for `spacy-xlt.NGrams.v1` and `spacy-xlt.Ensemble.v1`, which saved models use.

    It has the current model. As in those versions, no text with letters is `xx`.
    """
    return NGrams(unknown_rate=0.0)


@lru_cache(maxsize=64)
def _answers(names: tuple[str, ...], varieties: bool) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the codes of the classes, and a matrix `[classes, codes]` with 1 for the code of each class."""
    codes = [answer_code(name, varieties) for name in names]
    answers = tuple(sorted(set(codes)))
    return answers, np.array([[code == answer for answer in answers] for code in codes], dtype=np.float64)


@lru_cache(maxsize=1024)
def answer_code(name: str, varieties: bool) -> str:
    """Return the code of a class in the result.

    Args:
        name: The class, such as `deu_Latn`.
        varieties: Whether to distinguish varieties.

    Returns:
        The base code if the language is in its usual script (`de`). Otherwise the code with the script (`zho_Hant`).
    """
    base = base_code(name)
    canonical = canonical_code(name if varieties else f"{base}_{script(name)}")
    return base if canonical == full_code(base) else canonical

"""py3langid: 140 languages, naive Bayes over byte n-grams, accurate on short texts. It needs the extra `py3langid`."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from spacy_xlt.detectors.scoring import Scores, ScoringDetector
from spacy_xlt.extras import require
from spacy_xlt.languages import UNKNOWN, base_code


@lru_cache(maxsize=1)
def _identifier() -> Any:
    """Return an identifier that other users of py3langid do not share."""
    require("py3langid", "py3langid")
    from py3langid import langid

    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)


@lru_cache(maxsize=1)
def _columns() -> dict[str, list[int]]:
    """Return the columns of the model by base code. A language that is written in two scripts has several columns."""
    columns: dict[str, list[int]] = {}
    for column, code in enumerate(_identifier().nb_classes):
        if base_code(code) != UNKNOWN:  # `zxx` is no language.
            columns.setdefault(base_code(code), []).append(column)
    return dict(sorted(columns.items()))


@lru_cache(maxsize=4)
def _table(languages: tuple[str, ...]) -> tuple[Any, Any, list[int]]:
    """Return the weights and the constants of some languages, and the first column of each language."""
    columns = [_columns()[code] for code in languages]
    flat = [column for group in columns for column in group]
    starts = np.cumsum([0] + [len(group) for group in columns])[:-1].tolist()
    identifier = _identifier()
    return np.ascontiguousarray(identifier.nb_ptc[:, flat]), identifier.nb_pc[flat], starts


class Py3LangId(ScoringDetector):
    """Detect languages with py3langid. Registered as `spacy-xlt.Py3LangId.v1`.

    Raises:
        XltError: py3langid is not installed.
    """

    name = "py3langid"
    extra = "py3langid"

    def __init__(self) -> None:
        _identifier()

    @property
    def languages(self) -> Sequence[str]:
        """See `ScoringDetector.languages`."""
        return list(_columns())

    def score(self, texts: Sequence[str], languages: tuple[str, ...]) -> Scores:
        """See `ScoringDetector.score`."""
        identifier = _identifier()
        weights, constants, starts = _table(languages)
        scores = np.zeros((len(texts), weights.shape[1]), dtype=np.float32)
        for row, text in enumerate(texts):
            encoded = identifier._encode(text)
            counts = visits(identifier, encoded)
            if counts:
                features = np.fromiter(counts.keys(), dtype=np.intp, count=len(counts))
                times = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
                # As in py3langid, scores are divided by the square root of the length, so that their size does not
                # depend on it.
                scores[row] = (np.log1p(times) @ weights[features] + constants) / np.sqrt(len(encoded))
        return np.maximum.reduceat(scores, starts, axis=1)


def visits(identifier: Any, encoded: bytes) -> Any:
    """Return the number of occurrences of each feature of a text.

    Args:
        identifier: The identifier of py3langid.
        encoded: The text, as py3langid encodes it.
    """
    from py3langid import langid

    return langid.visit_counts(identifier.tk_nextmove, identifier._rowbase, identifier.tk_output, encoded)

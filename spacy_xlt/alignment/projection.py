"""The maps of all languages into the space of the source: arithmetic and file, without spaCy."""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, identity
from spacy_xlt.alignment.base import pooled_mean
from spacy_xlt.encoders.base import Floats1d, Floats2d
from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, add_by_base_code, base_code
from spacy_xlt.vectors import unit_rows

MAPS_FILE = "maps.npz"

# Candidates below this share of the detector's belief do not enter the mixture: a sure detection is one language.
SMALLEST_SHARE = 0.05


class Projection:
    """What a fitted projector knows.

    name: for messages. source: the language whose map is the identity.
    maps, means, counts: of each fitted language its map, the mean of its embeddings and the number of texts.
    """

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.source = base_code(source)
        self.maps: dict[str, AffineMap] = {}
        self.means: dict[str, Floats1d] = {}
        self.counts: dict[str, int] = {}

    @property
    def languages(self) -> list[str]:
        """The languages that were fitted, the source included."""
        return sorted(self.maps)

    def map_of(self, language: str) -> AffineMap:
        """The map of a language; of one that was not fitted, the shift by the pooled mean.

        Raises XltError if nothing has been fitted (the projection is the identity then, of any width).
        """
        if language in self.maps:
            return self.maps[language]
        if self.source not in self.means:
            raise XltError(f"{self.name} is not fitted.")
        return AffineMap(pooled_mean(self.means), self.means[self.source])

    def project(self, vectors: Floats2d, mixtures: Sequence[Mapping[str, float]]) -> Floats2d:
        """Project rows [n, d], each by a mixture of languages {language: share}; shares add up to 1.

        Rows of zeros stay zeros; a row of the pure source is returned bit by bit.
        """
        if not self.maps:
            return vectors
        if vectors.shape[1] != len(self.means[self.source]):
            raise XltError(
                f"{self.name} was fitted on embeddings of {len(self.means[self.source])} dimensions and now gets "
                f"{vectors.shape[1]}: another encoder. Fit it again."
            )
        result = vectors.copy()
        moving = np.array([set(mixture) != {self.source} for mixture in mixtures]) & vectors.any(axis=1)
        mixed = np.zeros_like(vectors)
        for language in sorted({language for mixture in mixtures for language in mixture}):
            shares = np.array([mixture.get(language, 0.0) for mixture in mixtures], dtype=np.float32)
            rows = np.flatnonzero((shares > 0) & moving)
            language_map = identity(vectors.shape[1]) if language == self.source else self.map_of(language)
            mixed[rows] += shares[rows, None] * language_map(vectors[rows])
        result[moving] = unit_rows(mixed[moving])
        return result

    def write_maps(self, card: Mapping[str, Any]) -> bytes:
        """All maps as an .npz archive without pickle, the card inside."""
        arrays: dict[str, NDArray[Any]] = {"card": np.array(json.dumps(card))}
        for language, language_map in self.maps.items():
            arrays[f"mean.{language}"] = self.means[language]
            arrays[f"origin.{language}"] = language_map.origin
            arrays[f"target.{language}"] = language_map.target
            if language_map.matrix is not None:
                arrays[f"matrix.{language}"] = language_map.matrix
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()

    def read_maps(self, data: bytes) -> None:
        """Take what `write_maps` wrote. Raises XltError if the data are damaged."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
            card = json.loads(str(arrays["card"]))
            self.counts = {language: int(n) for language, n in card["texts"].items()}
            self.means = {language: arrays[f"mean.{language}"] for language in self.counts}
            self.maps = {
                language: AffineMap(
                    arrays[f"origin.{language}"], arrays[f"target.{language}"], arrays.get(f"matrix.{language}")
                )
                for language in self.counts
            }
        except Exception as error:  # zipfile, NumPy and json each raise kinds of their own
            raise XltError(f"{self.name}: its file {MAPS_FILE} is damaged ({error}). Fit or copy it again.") from error


def mixture(language: str, candidates: Optional[Mapping[str, float]]) -> dict[str, float]:
    """The languages of a text with their shares: the detector's candidates, or the one that somebody else has set.

    The codes of one language (`zho_Hans`, `zho_Hant`) count together; `xx` is the share of no known language.
    """
    language = base_code(language)
    shares = add_by_base_code((candidates or {}).items())
    # The difference: sums of floats that mean the same can differ in their last digits.
    if not shares or (language != UNKNOWN and shares.get(language, 0.0) < max(shares.values()) - 1e-6):
        return {language: 1.0}
    kept = {code: share for code, share in shares.items() if share >= SMALLEST_SHARE}
    total = sum(kept.values())
    return {code: share / total for code, share in kept.items()} if total else {language: 1.0}

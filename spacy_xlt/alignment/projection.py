"""The maps of all languages into the space of the source language: how they are applied, written and read."""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.alignment.affine import AffineMap, Floats, identity
from spacy_xlt.alignment.base import pooled_mean
from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN, add_by_base_code, base_code
from spacy_xlt.vectors import unit_rows

MAPS_FILE = "maps.npz"

# The weight of a text's translation in a language for which no weight was chosen.
DEFAULT_TRANSLATION_WEIGHT = 0.5
# Candidates with a lower probability are ignored, so that a confident detection gives a single language.
SMALLEST_SHARE = 0.05


class Projection:
    """The maps of a fitted projector.

    Args:
        name: The name for error messages.
        source: The source language. Its map is the identity.

    Attributes:
        maps: The map of each fitted language.
        means: The mean of the embeddings of each fitted language, `[d]`.
        counts: The number of texts of each fitted language.
        translation_weights: The weight of a text's translation in each language for which it was chosen: 0 uses the
            text only, 1 its translation only.
    """

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.source = base_code(source)
        self.maps: dict[str, AffineMap] = {}
        self.means: dict[str, Floats] = {}
        self.counts: dict[str, int] = {}
        self.translation_weights: dict[str, float] = {}

    @property
    def languages(self) -> list[str]:
        """The fitted languages, including the source, sorted."""
        return sorted(self.maps)

    def map_of(self, language: str) -> AffineMap:
        """Return the map of a language. A language that was not fitted is shifted by the pooled mean.

        Args:
            language: The base code of the language.

        Raises:
            XltError: No language was fitted. The projection is the identity then.
        """
        if language in self.maps:
            return self.maps[language]
        if self.source not in self.means:
            raise XltError(f"{self.name} is not fitted. Fit it on texts first.")
        return AffineMap(pooled_mean(self.means), self.means[self.source])

    def project(self, vectors: Floats, mixtures: Sequence[Mapping[str, float]]) -> Floats:
        """Project embeddings into the space of the source language.

        Args:
            vectors: The embeddings, `[n, d]`.
            mixtures: The languages of each row with their shares, which add up to 1.

        Returns:
            The projected embeddings `[n, d]`, at unit length. Rows of zeros and rows in the source language are not
            changed.

        Raises:
            XltError: The projection was fitted on embeddings of another width.
        """
        if not self.maps:
            return vectors
        if vectors.shape[1] != len(self.means[self.source]):
            raise XltError(
                f"{self.name} was fitted on embeddings of {len(self.means[self.source])} dimensions, but these have "
                f"{vectors.shape[1]}. Use the same encoder, or fit it again."
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

    def mix_translations(
        self, projected: Floats, translations: Sequence[Optional[Floats]], languages: Sequence[str]
    ) -> Floats:
        """Average the projected embeddings of texts with the embeddings of their translations.

        The averages are not normalized. A linear head computes the averages of the scores from them, so the
        probabilities are the weighted geometric means of both predictions.

        Args:
            projected: The projected embeddings of the texts, `[n, d]`.
            translations: The embedding of each text's translation into the source language, `[d]`; None for a text
                that was not translated.
            languages: The base code of each text's language.

        Returns:
            The averages `[n, d]`. Rows without a translation are not changed.
        """
        rows = [row for row, vector in enumerate(translations) if vector is not None]
        if not rows:
            return projected
        weights = np.array([self.translation_weight(languages[row]) for row in rows], dtype=np.float32)[:, None]
        result = projected.copy()
        result[rows] = (1 - weights) * projected[rows] + weights * np.array([translations[row] for row in rows])
        return result

    def translation_weight(self, language: str) -> float:
        """Return the weight of a text's translation in a language, given as a base code."""
        return self.translation_weights.get(language, DEFAULT_TRANSLATION_WEIGHT)

    def write_maps(self, card: Mapping[str, Any]) -> bytes:
        """Return all maps as an .npz archive without pickle.

        Args:
            card: A description of the maps. Its entry "texts" must be `counts`.
        """
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
        """Read the maps from the archive that `write_maps` has made.

        Args:
            data: The content of the archive.

        Raises:
            XltError: The data are damaged.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
            card = json.loads(str(arrays["card"]))
            self.counts = {language: int(n) for language, n in card["texts"].items()}
            weights = card.get("translation_weights", {})
            self.translation_weights = {language: float(weight) for language, weight in weights.items()}
            self.means = {language: arrays[f"mean.{language}"] for language in self.counts}
            self.maps = {
                language: AffineMap(
                    arrays[f"origin.{language}"], arrays[f"target.{language}"], arrays.get(f"matrix.{language}")
                )
                for language in self.counts
            }
        except Exception as error:  # zipfile, NumPy and json raise errors of many kinds.
            raise XltError(f"{self.name}: its file {MAPS_FILE} is damaged ({error}). Fit or copy it again.") from error


def mixture(language: str, candidates: Optional[Mapping[str, float]]) -> dict[str, float]:
    """Return the languages of a text with their shares, which add up to 1.

    Args:
        language: The language of the text.
        candidates: The probabilities of the detector. They are used if `language` is their most probable language.
            Otherwise someone has set the language, and it is used alone. Codes with the same base code (`zho_Hans`,
            `zho_Hant`) are added up.

    Returns:
        The share of each base code. `xx` stands for an unknown language.
    """
    language = base_code(language)
    shares = add_by_base_code((candidates or {}).items())
    # The tolerance is for rounding errors of sums.
    if not shares or (language != UNKNOWN and shares.get(language, 0.0) < max(shares.values()) - 1e-6):
        return {language: 1.0}
    kept = {code: share for code, share in shares.items() if share >= SMALLEST_SHARE}
    total = sum(kept.values())
    return {code: share / total for code, share in kept.items()} if total else {language: 1.0}

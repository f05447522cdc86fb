"""An affine map between two embedding spaces: apply, compose, invert, save, load."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.errors import XltError
from spacy_xlt.files import whole_file

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class AffineMap:
    """y = M (x - origin) + target, with M [d, d], origin [d] and target [d]. M None is the identity matrix."""

    origin: Floats
    target: Floats
    matrix: Optional[Floats] = None

    def __post_init__(self) -> None:
        width = self.origin.shape[0]
        if self.target.shape != (width,) or (self.matrix is not None and self.matrix.shape != (width, width)):
            raise XltError("An affine map needs an origin [d], a target [d] and a matrix [d, d].")
        self.check_finite()

    def check_finite(self) -> None:
        """Raise XltError if an entry is NaN or infinite."""
        for part in (self.origin, self.target, self.matrix):
            if part is not None and not np.isfinite(part).all():
                raise XltError("An affine map with NaN or infinite entries: the embeddings it was fitted on hold them.")

    def __call__(self, vectors: Floats) -> Floats:
        """Map rows [n, d] to [n, d]."""
        mapped = vectors - self.origin
        if self.matrix is not None:
            mapped = mapped @ self.matrix.T
        mapped += self.target
        return mapped

    def then(self, other: "AffineMap") -> "AffineMap":
        """The map that does this one first and `other` on its result: a.then(b)(x) = b(a(x)).

        Raises XltError if the widths differ.
        """
        if other.origin.shape != self.origin.shape:
            raise XltError(
                f"Maps of {len(self.origin)} and {len(other.origin)} dimensions do not compose: "
                "they belong to different spaces."
            )
        shift = self.target.astype(np.float64) - other.origin
        if other.matrix is None:
            return affine(self.origin, shift + other.target, self.matrix)
        matrix = other.matrix.astype(np.float64)
        both = matrix if self.matrix is None else matrix @ self.matrix
        return affine(self.origin, matrix @ shift + other.target, both)

    def inverse(self) -> "AffineMap":
        """The map back. Raises XltError if there is none, because the matrix is singular (to float32)."""
        if self.matrix is None:
            return AffineMap(self.target, self.origin)
        matrix = self.matrix.astype(np.float64)
        if np.linalg.cond(matrix) > 1 / np.finfo(np.float32).eps:
            raise XltError("This affine map has no inverse: its matrix is singular. Fit it on more pairs.")
        return affine(self.target, self.origin, np.linalg.inv(matrix))


def affine(origin: NDArray[Any], target: NDArray[Any], matrix: Optional[NDArray[Any]] = None) -> AffineMap:
    """An AffineMap of parts in double precision, as they come out of a computation."""
    parts = (None if part is None else np.asarray(part, dtype=np.float32) for part in (origin, target, matrix))
    return AffineMap(*parts)  # type: ignore[arg-type]


def identity(width: int) -> AffineMap:
    """The map that changes nothing."""
    zeros = np.zeros(width, dtype=np.float32)
    return AffineMap(zeros, zeros)


def save_maps(maps: Mapping[str, AffineMap], path: Path, card: Optional[Mapping[str, Any]] = None) -> None:
    """Write the maps of languages to `path` (.npz, no pickle) and a card for people and programs beside it (.json).

    The card holds the width and the languages, and whatever `card` adds (aligner, source, scores).
    Raises XltError for NaN in a map or in the card, and when a file cannot be written.
    """
    arrays: dict[str, Floats] = {}
    for language, language_map in maps.items():
        language_map.check_finite()
        arrays[f"origin.{language}"] = language_map.origin
        arrays[f"target.{language}"] = language_map.target
        if language_map.matrix is not None:
            arrays[f"matrix.{language}"] = language_map.matrix
    widths = [len(language_map.origin) for language_map in maps.values()]
    content = {**(card or {}), "width": widths[0] if widths else 0, "languages": sorted(maps)}
    try:
        text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise XltError(f"The card of {path} cannot be written as JSON: {error}.") from error
    with whole_file(path) as scratch, scratch.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    with whole_file(path.with_suffix(".json")) as scratch:
        scratch.write_text(text, encoding="utf8")


def load_maps(path: Path) -> dict[str, AffineMap]:
    """Read what `save_maps` wrote: {language: map}. Raises XltError if the file is missing or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        languages = [key.removeprefix("origin.") for key in arrays if key.startswith("origin.")]
        return {
            language: AffineMap(
                arrays[f"origin.{language}"], arrays[f"target.{language}"], arrays.get(f"matrix.{language}")
            )
            for language in languages
        }
    except FileNotFoundError as error:
        raise XltError(f"{path} is missing: save the maps first, or give another path.") from error
    except Exception as error:  # zipfile and NumPy each raise kinds of their own
        raise XltError(f"{path} holds no maps, or is damaged ({error}). Save or copy it again.") from error

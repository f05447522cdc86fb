"""Affine maps between embedding spaces: apply, compose, invert, save and load them."""

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
    """The affine map y = M (x - origin) + target.

    Attributes:
        origin: `[d]`.
        target: `[d]`.
        matrix: M, `[d, d]`. None is the identity matrix.

    Example:
        >>> import numpy as np
        >>> shift = AffineMap(np.zeros(2, dtype="f"), np.ones(2, dtype="f"))
        >>> shift(np.array([[1.0, 2.0]], dtype="f")).tolist()
        [[2.0, 3.0]]
    """

    origin: Floats
    target: Floats
    matrix: Optional[Floats] = None

    def __post_init__(self) -> None:
        width = self.origin.shape[0]
        if self.target.shape != (width,) or (self.matrix is not None and self.matrix.shape != (width, width)):
            raise XltError(
                "The parts of the affine map do not match. It needs an origin [d], a target [d] and a matrix [d, d]."
            )
        self.check_finite()

    def check_finite(self) -> None:
        """Raise XltError if an entry is NaN or infinite."""
        for part in (self.origin, self.target, self.matrix):
            if part is not None and not np.isfinite(part).all():
                raise XltError(
                    "The affine map has NaN or infinite entries. Remove such values from the embeddings to fit on."
                )

    def __call__(self, vectors: Floats) -> Floats:
        """Map rows `[n, d]`."""
        mapped = vectors - self.origin
        if self.matrix is not None:
            mapped = mapped @ self.matrix.T
        mapped += self.target
        return mapped

    def then(self, other: "AffineMap") -> "AffineMap":
        """Compose two maps: a.then(b)(x) = b(a(x)).

        Args:
            other: The map to apply to the result of this one.

        Raises:
            XltError: The widths differ.
        """
        if other.origin.shape != self.origin.shape:
            raise XltError(
                f"Maps of {len(self.origin)} and {len(other.origin)} dimensions cannot be composed. "
                "Use maps of the same space."
            )
        shift = self.target.astype(np.float64) - other.origin
        if other.matrix is None:
            return affine(self.origin, shift + other.target, self.matrix)
        matrix = other.matrix.astype(np.float64)
        both = matrix if self.matrix is None else matrix @ self.matrix
        return affine(self.origin, matrix @ shift + other.target, both)

    def inverse(self) -> "AffineMap":
        """Return the inverse map.

        Raises:
            XltError: The matrix is singular in float32 precision.
        """
        if self.matrix is None:
            return AffineMap(self.target, self.origin)
        matrix = self.matrix.astype(np.float64)
        if np.linalg.cond(matrix) > 1 / np.finfo(np.float32).eps:
            raise XltError("The affine map has no inverse because its matrix is singular. Fit it on more pairs.")
        return affine(self.target, self.origin, np.linalg.inv(matrix))


def affine(origin: NDArray[Any], target: NDArray[Any], matrix: Optional[NDArray[Any]] = None) -> AffineMap:
    """Return an AffineMap from parts of any precision."""
    parts = (None if part is None else np.asarray(part, dtype=np.float32) for part in (origin, target, matrix))
    return AffineMap(*parts)  # type: ignore[arg-type]


def identity(width: int) -> AffineMap:
    """Return the map that changes nothing."""
    zeros = np.zeros(width, dtype=np.float32)
    return AffineMap(zeros, zeros)


def save_maps(maps: Mapping[str, AffineMap], path: Path, card: Optional[Mapping[str, Any]] = None) -> None:
    """Write the maps of languages to a file.

    Args:
        maps: The map of each language.
        path: The .npz file to write, without pickle. A .json file beside it describes the maps: their width, their
            languages, and `card`.
        card: What to add to the description, such as the aligner, the source and scores.

    Raises:
        XltError: A map or the card contains NaN, or a file cannot be written.
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
    """Read the maps that `save_maps` has written.

    Args:
        path: The .npz file.

    Returns:
        The map of each language.

    Raises:
        XltError: The file is missing or damaged.
    """
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
        raise XltError(f"{path} does not exist. Save the maps first, or choose another path.") from error
    except Exception as error:  # zipfile and NumPy raise errors of many kinds.
        raise XltError(f"{path} has no maps or is damaged ({error}). Save or copy it again.") from error

"""Read the head of a trained text categorizer and compute its probabilities with NumPy, without Thinc."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer, probabilities_of
from spacy_xlt.heads.losses import Floats
from spacy_xlt.heads.thresholds import read_thresholds
from spacy_xlt.serving.model_folder import ZEROSHOT, OnlySpacyError, make_registered
from spacy_xlt.zeroshot.prototypes import Prototypes

LINEAR, MLP = "spacy-xlt.TextCatLinear.v1", "spacy-xlt.TextCatMLP.v1"


@dataclass(frozen=True)
class Head:
    """The head of TextCatLinear or TextCatMLP.

    The vectors are scaled, pass the hidden layer (GELU) if there is one, and then the output layer.

    Args:
        labels: The names of the labels.
        exclusive: Whether each text has exactly one label (softmax) or any number of labels (sigmoid).
        thresholds: The lowest probability [labels] of a label that is chosen, if the labels are not exclusive.
        attribute: The vector of a text that the head reads, `xlt_projected` or `xlt_embedding`.
        scale: The factor of the vectors.
        hidden: The hidden layer of TextCatMLP, otherwise None.
        output: The output layer.
    """

    labels: tuple[str, ...]
    exclusive: bool
    thresholds: Floats
    attribute: str
    scale: float
    hidden: Optional[Layer]
    output: Layer

    def __call__(self, rows: Floats2d) -> Floats2d:
        """Return the probabilities [n, labels] of vectors [n, d]."""
        scaled = rows * np.float32(self.scale)
        if self.hidden is not None:
            inner = self.hidden(scaled)
            scaled = inner * _gaussian_cdf(inner)
        return probabilities_of(self.output(scaled), self.exclusive)


def _gaussian_cdf(values: Floats2d) -> Floats2d:
    """Return Thinc's approximation of the normal distribution (Abramowitz & Stegun, 1964, formula 7.1.26)."""
    x = np.abs(values) / np.float32(np.sqrt(2.0))
    t = 1.0 / (1.0 + 0.3275911 * x)
    polynomial = ((((1.061405429 * t - 1.453152027) * t) + 1.421413741) * t - 0.284496736) * t + 0.254829592
    erf = np.sign(values) * (1.0 - polynomial * t * np.exp(-x * x))
    return np.asarray(0.5 * (1.0 + erf), dtype=np.float32)


def load_head(folder: Path, config: Mapping[str, Any]) -> Head:
    """Load the head of a text categorizer or of `xlt_zeroshot`.

    Args:
        folder: The folder that the component's `to_disk` wrote.
        config: The component's section of config.cfg.

    Returns:
        The head.

    Raises:
        XltError: The architecture is not one of this package, or the files are damaged.
    """
    import srsly

    if config.get("factory") == ZEROSHOT:
        return _zeroshot_head(folder, config)
    model = config["model"]
    architecture = model.get("@architectures")
    if architecture not in (LINEAR, MLP):
        raise OnlySpacyError(
            f"{folder.name} has the architecture {architecture}, but Classifier supports only {LINEAR} and {MLP}. "
            "Use spacy.load."
        )
    try:
        cfg = json.loads((folder / "cfg").read_text(encoding="utf8"))
        content = srsly.msgpack_loads((folder / "model").read_bytes())
        layers = {node["name"]: params for node, params in zip(content["nodes"], content["params"])}
        exclusive = bool(model["exclusive_classes"])
        return Head(
            labels=tuple(cfg["labels"]),
            exclusive=exclusive,
            thresholds=read_thresholds(cfg, cfg["labels"]),
            attribute=str(model["embed"]["attribute"]),
            scale=float(model["scale"]),
            hidden=_layer(layers["gelu"]) if architecture == MLP else None,
            output=_layer(layers["softmax" if exclusive else "linear"]),
        )
    except XltError:
        raise
    except Exception as error:  # msgpack and json raise different classes of errors
        raise XltError(
            f"The head in {folder} is damaged ({type(error).__name__}: {error}). Copy the model again."
        ) from error


def _zeroshot_head(folder: Path, config: Mapping[str, Any]) -> Head:
    """Return the head of `xlt_zeroshot`. Raises XltError if its back end is not linear."""
    back_end = make_registered(config["back_end"], "xlt_zeroshot_scorers", str(folder))
    if not isinstance(back_end, Prototypes):
        raise OnlySpacyError(f"{folder.name} has a {type(back_end).__name__}, but Classifier supports only prototypes.")
    back_end.load(folder)
    return Head(
        labels=tuple(back_end.labels),
        exclusive=True,
        thresholds=np.zeros(len(back_end.labels)),
        attribute="xlt_projected",
        scale=1.0,
        hidden=None,
        output=back_end.layer,
    )


def _layer(parameters: Any) -> Layer:
    arrays: dict[str, NDArray[Any]] = dict(parameters)
    return Layer(np.asarray(arrays["W"], dtype=np.float32), np.asarray(arrays["b"], dtype=np.float32))

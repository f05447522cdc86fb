"""Zero-shot classification by the similarity of embeddings to prototypes of the labels."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np

from spacy_xlt.encoders.base import Floats1d, Floats2d
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer, probabilities_of
from spacy_xlt.heads.losses import Floats
from spacy_xlt.vectors import unit_rows
from spacy_xlt.zeroshot.base import Encode
from spacy_xlt.zeroshot.descriptions import describe_prototypes
from spacy_xlt.zeroshot.labels import DescribedLabel
from spacy_xlt.zeroshot.mixture import Sharpened, sharpen

FILE = "prototypes.npz"
# The score of a label that no text has.
FAR_BELOW = -1000.0


class Prototypes:
    """`spacy-xlt.Prototypes.v1`: scores the similarity of a text to the description of each label.

    The embeddings of the descriptions of a label are its prototype. The scores are the inner products of the projected
    embedding of a text with the prototypes, divided by a temperature: a linear layer.
    """

    reads_vectors = True

    def __init__(self) -> None:
        self.labels: list[str] = []
        self._layer: Optional[Layer] = None

    @property
    def layer(self) -> Layer:
        """The linear layer.

        Raises:
            XltError: There are no labels yet.
        """
        if self._layer is None:
            raise XltError("The prototypes have no labels yet. Describe the labels, or load a model.")
        return self._layer

    def config(self) -> dict[str, Any]:
        """See `ZeroShotScorer.config`."""
        return {"@xlt_zeroshot_scorers": "spacy-xlt.Prototypes.v1"}

    def describe(self, labels: Sequence[DescribedLabel], encode: Encode, none_label: Optional[str] = None) -> None:
        """See `ZeroShotScorer.describe`. No text has the none label until the prototypes are sharpened."""
        layer = describe_prototypes(labels, encode)
        self.labels = [label.name for label in labels]
        if none_label is not None:
            self.labels.append(none_label)
            layer = Layer(np.r_[layer.weight, 0 * layer.weight[:1]], np.r_[layer.bias, FAR_BELOW].astype(np.float32))
        self._layer = layer

    def sharpen(
        self, vectors: Floats2d, origin: Floats1d, *, prior: Optional[Floats] = None, none_share: Optional[float] = None
    ) -> Sharpened:
        """Move the prototypes towards unlabeled texts. See `mixture.sharpen`; the result is also the new layer."""
        weight = self.layer.weight[:-1] if none_share is not None else self.layer.weight
        result = sharpen(unit_rows(weight), vectors, origin, prior=prior, none_share=none_share)
        self._layer = result.layer
        return result

    def probabilities(self, texts: Sequence[str], vectors: Optional[Floats2d]) -> Floats2d:
        """See `ZeroShotScorer.probabilities`."""
        assert vectors is not None
        return probabilities_of(self.layer(vectors), exclusive=True)

    def load(self, folder: Path) -> None:
        """See `ZeroShotScorer.load`."""
        file = Path(folder) / FILE
        if not file.is_file():
            raise XltError(f"{file} is missing, so the model folder is incomplete. Copy or make the model again.")
        self.from_bytes(file.read_bytes())

    def to_disk(self, folder: Path) -> None:
        """See `ZeroShotScorer.to_disk`."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / FILE).write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the labels and the layer as an .npz archive without pickle."""
        buffer = io.BytesIO()
        np.savez(buffer, labels=np.array(json.dumps(self.labels)), weight=self.layer.weight, bias=self.layer.bias)
        return buffer.getvalue()

    def from_bytes(self, data: bytes) -> None:
        """See `ZeroShotScorer.from_bytes`."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                labels = [str(label) for label in json.loads(str(archive["labels"]))]
                layer = Layer(archive["weight"].astype(np.float32), archive["bias"].astype(np.float32))
            if layer.weight.shape[0] != len(labels) or layer.bias.shape != (len(labels),):
                raise ValueError(f"{len(labels)} labels and a layer {layer.weight.shape}")
        except Exception as error:  # zipfile, NumPy and json raise errors of many kinds.
            raise XltError(f"{FILE} is damaged ({error}). Copy or make the model again.") from error
        self.labels, self._layer = labels, layer

"""An encoder with a linear layer on its word pieces: what pairs, named entities and answers are predicted with."""

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Optional

import numpy as np

from spacy_xlt.encoders.base import Floats2d, PieceEncoder, TextEncoder
from spacy_xlt.encoders.pieces import PieceTokenizer
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer

LAYER_FILE, TASK_FILE = "layer.npz", "task.json"
# The setting that says how many vectors of the encoder's width the layer reads, one after the other.
PARTS = "parts"


class TaskModel:
    """A trained encoder, a linear layer, and the settings of a task.

    Args:
        encoder: A back end of the registry `xlt_encoders` that gives the vectors of word pieces.

    Attributes:
        layer: The linear layer. None until the model is trained or loaded.
        labels: The names of its outputs.
        settings: Other settings of the task, as JSON types.

    Raises:
        XltError: The encoder has no vectors of word pieces, such as a static table.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        # `isinstance` would ask for properties that need weights.
        if not hasattr(type(encoder), "encode_states"):
            raise XltError(
                f"A {type(encoder).__name__} has no vectors of word pieces. Use TorchEncoder or OnnxEncoder."
            )
        self.encoder: PieceEncoder = encoder  # type: ignore[assignment]
        self.layer: Optional[Layer] = None
        self.labels: tuple[str, ...] = ()
        self.settings: dict[str, Any] = {}
        self._tokenizer: Optional[PieceTokenizer] = None

    @property
    def is_loaded(self) -> bool:
        """Whether there are a layer and the weights of the encoder."""
        return self.layer is not None and self.encoder.is_loaded

    @property
    def tokenizer(self) -> PieceTokenizer:
        """The tokenizer of the encoder, with the places of word pieces in the text."""
        if self._tokenizer is None:
            self._tokenizer = PieceTokenizer(self.encoder.tokenizer_json)
        return self._tokenizer

    def load_encoder(self, folder: Path) -> None:
        """Take the weights and the tokenizer of an encoder folder."""
        self.encoder.load(folder)
        self._tokenizer = None

    def set(self, layer: Layer, labels: Sequence[str], settings: dict[str, Any]) -> None:
        """Take a trained layer, the names of its outputs, and the settings of the task."""
        self.layer, self.labels, self.settings = layer, tuple(labels), settings

    def scores(self, windows: Sequence[Sequence[int]]) -> list[Floats2d]:
        """Return the scores [len(window), outputs] of all word pieces of windows.

        Args:
            windows: The ids of each window, with special word pieces.

        Raises:
            XltError: The model is not trained.
        """
        layer = self.trained_layer
        return [layer(states) for states in self.encoder.encode_states(windows)]

    @property
    def trained_layer(self) -> Layer:
        """The linear layer.

        Raises:
            XltError: The model is not trained.
        """
        if self.layer is None:
            raise XltError("The model is not trained yet. Train it with spacy_xlt.train, or load a trained model.")
        return self.layer

    def to_disk(self, folder: Path) -> None:
        """Write the encoder folder with the layer and the settings of the task."""
        self.encoder.to_disk(folder)
        for name, content in self._own_files().items():
            (folder / name).write_bytes(content)

    def load(self, folder: Path) -> None:
        """Take what `to_disk` has written.

        Raises:
            XltError: A file is missing or damaged.
        """
        self.load_encoder(folder)
        self._take({name: _read(folder / name) for name in (LAYER_FILE, TASK_FILE)}, str(folder))

    def to_bytes(self) -> bytes:
        """Return what `to_disk` writes."""
        import srsly

        return bytes(srsly.msgpack_dumps({"encoder": self.encoder.to_bytes(), **self._own_files()}))

    def from_bytes(self, data: bytes) -> None:
        """Take what `to_bytes` has returned. Empty bytes change nothing."""
        import srsly

        if not data:
            return
        content = srsly.msgpack_loads(data)
        self.encoder.from_bytes(content["encoder"])
        self._tokenizer = None
        self._take(content, "the bytes")

    def _own_files(self) -> dict[str, bytes]:
        layer, buffer = self.trained_layer, BytesIO()
        np.savez(buffer, weight=layer.weight, bias=layer.bias)
        task = {"labels": list(self.labels), "settings": self.settings}
        return {
            LAYER_FILE: buffer.getvalue(),
            TASK_FILE: (json.dumps(task, ensure_ascii=False, indent=2) + "\n").encode("utf8"),
        }

    def _take(self, files: dict[str, bytes], location: str) -> None:
        try:
            with np.load(BytesIO(files[LAYER_FILE]), allow_pickle=False) as arrays:
                layer = Layer(np.asarray(arrays["weight"], np.float32), np.asarray(arrays["bias"], np.float32))
            task = json.loads(files[TASK_FILE])
            labels, settings = [str(label) for label in task["labels"]], dict(task["settings"])
            width = self.encoder.width * int(settings.get(PARTS, 1))
            if layer.weight.shape != (len(labels), width) or layer.bias.shape != (len(labels),):
                raise ValueError(f"the layer is {layer.weight.shape}, for {len(labels)} labels")
        except Exception as error:  # zip files, json and wrong kinds of values raise errors of many kinds.
            raise XltError(
                f"{LAYER_FILE} or {TASK_FILE} in {location} is damaged ({error}). Copy or train the model again."
            ) from error
        self.set(layer, labels, settings)

    # A spawned worker makes the tokenizer again.
    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_tokenizer": None}


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise XltError(f"{path} is missing, so the model folder is incomplete. Copy or train the model again.")
    return path.read_bytes()

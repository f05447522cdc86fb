"""The classification head in PyTorch: from the encoder's vectors to the loss."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from spacy.language import Language

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.heads.layer import Layer
from spacy_xlt.languages import UNKNOWN
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.serving.head import Head
from spacy_xlt.training.examples import TrainingExample
from spacy_xlt.training.model_state import get_layer, read_head


class TorchHead:
    """The head of a pipeline in training. Only the output layer is trained, not the projection and the hidden layer.

    Args:
        nlp: A pipeline with a projector and a text categorizer.
        device: A torch device.
        vector_weight: The weight of the loss of target vectors. That of label distributions is 1.
        temperature: The temperature at which label distributions were softened. Scores are divided by it, and the loss
            is multiplied by its square (Hinton, Vinyals & Dean 2015, section 2).
    """

    def __init__(self, nlp: Language, device: Any, *, vector_weight: float = 5.0, temperature: float = 1.0) -> None:
        self.device, self.vector_weight, self.temperature = device, vector_weight, temperature
        self.head: Head = read_head(nlp)
        self.projector = find_pipe(nlp, Projector)
        layer = get_layer(nlp)
        # The weights include the scale, so that one learning rate suits heads with and without a hidden layer.
        self.size = self.head.scale if self.head.hidden is None else 1.0
        self.weight = self._tensor(layer.weight * self.size).requires_grad_(True)
        self.bias = self._tensor(layer.bias).requires_grad_(True)
        self.parameters = [self.weight, self.bias]
        self._maps: dict[str, Any] = {}

    def loss(self, vectors: Any, examples: Sequence[TrainingExample]) -> Any:
        """Return the sum of the losses of examples whose vectors are `vectors` [n, width]."""
        import torch

        functional = torch.nn.functional
        total = vectors.sum() * 0.0
        labeled = [row for row, example in enumerate(examples) if example.target is not None]
        if labeled:
            scores = self.scores(self.project(vectors[labeled], [examples[row].language for row in labeled]))
            gold = self._tensor(np.array([examples[row].target for row in labeled]))
            scores = scores / self.temperature
            if self.head.exclusive:
                losses = functional.cross_entropy(scores, gold, reduction="none")
            else:
                losses = functional.binary_cross_entropy_with_logits(scores, gold, reduction="none").sum(dim=1)
            total = total + self.temperature**2 * (losses * self._weights(examples, labeled)).sum()
        aligned = [row for row, example in enumerate(examples) if example.vector is not None]
        if aligned:
            goals: Floats2d = np.array([examples[row].vector for row in aligned])
            cosines = (vectors[aligned] * self._tensor(goals)).sum(dim=1)
            total = total + self.vector_weight * ((1.0 - cosines) * self._weights(examples, aligned)).sum()
        return total

    def project(self, vectors: Any, languages: Sequence[str]) -> Any:
        """Return the projected vectors, of unit length."""
        import torch

        rows = []
        for vector, language in zip(vectors, languages):
            found = self._map(language or UNKNOWN)
            if found is not None:
                origin, target, matrix = found
                moved = vector - origin
                vector = (moved if matrix is None else matrix @ moved) + target
            rows.append(vector)
        return torch.nn.functional.normalize(torch.stack(rows), dim=1)

    def scores(self, units: Any) -> Any:
        """Return the scores [n, labels] of projected vectors."""
        import torch

        functional = torch.nn.functional
        if self.head.hidden is not None:
            hidden = self.head.hidden
            weight, bias = self._tensor(hidden.weight), self._tensor(hidden.bias)
            units = functional.gelu(functional.linear(units * self.head.scale, weight, bias))
        return functional.linear(units, self.weight, self.bias)

    def layer(self) -> Layer:
        """Return a copy of the output layer."""
        weight, bias = (values.detach().cpu().numpy().copy() for values in self.parameters)
        return Layer(weight / np.float32(self.size), bias)

    def _map(self, language: str) -> Any:
        """Return (origin, target, matrix) of a language, or None if its vectors are not projected."""
        projector = self.projector
        if self.head.attribute != "xlt_projected" or not projector.maps or language == projector.source:
            return None
        if language not in self._maps:
            found = projector.map_of(language)
            matrix = None if found.matrix is None else self._tensor(found.matrix)
            self._maps[language] = (self._tensor(found.origin), self._tensor(found.target), matrix)
        return self._maps[language]

    def _weights(self, examples: Sequence[TrainingExample], rows: Sequence[int]) -> Any:
        return self._tensor([examples[row].weight for row in rows])

    def _tensor(self, values: Any) -> Any:
        import torch

        return torch.tensor(np.asarray(values, dtype=np.float32), device=self.device)

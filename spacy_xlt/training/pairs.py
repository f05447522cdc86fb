"""Train a classifier of pairs of texts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np

from spacy_xlt.data.records import Record
from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.encoders.pieces import PairWindow
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.heads.fitting import Labeled, cross_validate
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.losses import Floats
from spacy_xlt.tasks.model import TaskModel
from spacy_xlt.tasks.pairs import cross_features
from spacy_xlt.training.folds import make_folds
from spacy_xlt.training.loop import Callback
from spacy_xlt.training.settings import TrainingSettings
from spacy_xlt.training.tasks import TaskFeatures, finetune_layer

HEAD_RATE = 100.0


def finetune_pairs(
    model: TaskModel,
    windows: Sequence[PairWindow],
    gold: Floats,
    start: Layer,
    settings: TrainingSettings,
    *,
    head_rate: float = HEAD_RATE,
    callbacks: Sequence[Callback] = (),
    checkpoint: Optional[Path] = None,
    progress: bool = False,
) -> Layer:
    """Train the encoder and the layer of a model of pairs together."""
    import torch

    encoder: Any = model.encoder
    targets = torch.tensor(gold, dtype=torch.float32, device=encoder.resolve_device())

    def loss(scores: Any, mask: Any, rows: Sequence[int]) -> Any:
        return torch.nn.functional.cross_entropy(scores, targets[list(rows)], reduction="sum")

    return finetune_layer(
        encoder,
        [window.ids for window in windows],
        gold.shape[1],
        loss,
        settings,
        features=_features_of(windows),
        start=start,
        head_rate=head_rate,
        callbacks=callbacks,
        checkpoint=checkpoint,
        progress=progress,
    )


def _features_of(windows: Sequence[PairWindow]) -> TaskFeatures:
    """Return a function that computes the features of `cross_features` in torch."""
    import torch

    def mean(states: Any, places: Sequence[slice]) -> Any:
        weights = states.new_zeros(states.shape[:2])
        for row, place in enumerate(places):
            weights[row, place] = 1.0
        return torch.nn.functional.normalize((weights.unsqueeze(1) @ states).squeeze(1), dim=1)

    def features(states: Any, rows: Sequence[int]) -> Any:
        first = mean(states, [windows[row].first for row in rows])
        second = mean(states, [windows[row].second for row in rows])
        size = states.shape[2] ** 0.5
        return torch.cat([first, second, (first - second).abs(), first * second * size], dim=1)

    return features

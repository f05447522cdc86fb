"""Train a classifier of pairs of texts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Optional

import numpy as np
from spacy.language import Language
from spacy.training import Example
from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, Reading, load_dataset
from spacy_xlt.data.docbin import make_docs, make_pair
from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.folder import base_model
from spacy_xlt.encoders.pieces import PairWindow
from spacy_xlt.errors import XltError
from spacy_xlt.heads.fitting import Labeled, check_learned, cross_validate, fit_head, losses_of
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.logistic import fit_path
from spacy_xlt.heads.temperature import fit_temperature
from spacy_xlt.languages import find_language
from spacy_xlt.model_facts import TRAINING
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.pairs import SCORE_WEIGHTS, PairClassifier
from spacy_xlt.result import fingerprint
from spacy_xlt.tasks.model import TaskModel
from spacy_xlt.tasks.pairs import Mode, bi_features, cross_features, pair_windows, settings_of
from spacy_xlt.training.examples import check_labels, gold_matrix
from spacy_xlt.training.folds import make_folds
from spacy_xlt.training.settings import TrainingSettings
from spacy_xlt.training.tasks import (
    TaskFeatures,
    encoder_folder,
    finetune_layer,
    make_task_pipeline,
    torch_encoder,
    window_length,
)

PairMethod = Literal["finetune", "frozen"]
MODES: dict[PairMethod, Mode] = {"finetune": "cross", "frozen": "bi"}
# The learning rate of the layer divided by that of the encoder, and the L2 penalty of the layer that training starts
# from: see docs/measured-settings.md.
HEAD_RATE, START_L2 = 20.0, 3.0


def train_pairs(
    data: Data,
    *,
    dev: Optional[Data] = None,
    method: PairMethod = "finetune",
    source: str = "en",
    languages: Sequence[str] = (),
    encoder: Optional[PathLike] = None,
    epochs: float = 5,
    batch_size: int = 16,
    learning_rate: float = 5e-5,
    max_length: int = 128,
    freeze_layers: int = 0,
    seed: int = 0,
    checkpoint: Optional[PathLike] = None,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> Language:
    """Train a classifier of pairs of texts, and use it in other languages.

    `finetune` reads both texts together (a cross-encoder) and trains the encoder and a layer. The layer starts as a
    logistic regression on the features of the untrained encoder. `frozen` reads each text alone (a bi-encoder) and
    trains a logistic regression on the vectors u, v, |u - v| and u * v. It is much faster and less accurate.

    Args:
        data: Labeled pairs of texts: whatever `load_dataset` takes, with two names in `text`, such as
            `premise,hypothesis`, or (text, text, label) triples.
        dev: Labeled development data. If given, the probabilities are calibrated on them, and the figures on them go
            into the model card. They choose the L2 penalty of `frozen`, which cross-validation chooses otherwise.
        method: `finetune` or `frozen`.
        source: The language of the texts, as a code or an English name.
        languages: The languages that can occur when the model is used. If empty, all languages can occur.
        encoder: An encoder folder. None uses the default encoder.
        epochs: How often fine-tuning reads each pair.
        batch_size: The number of pairs in a step of fine-tuning.
        learning_rate: The highest learning rate of the encoder in fine-tuning.
        max_length: The number of word pieces of a pair that `finetune` reads. The longer text is cut.
        freeze_layers: The number of lower layers that fine-tuning does not change.
        seed: The seed of the order of the pairs and of the folds.
        checkpoint: A folder in which fine-tuning saves its state, so that a killed run resumes.
        progress: Show progress bars on a terminal or in a notebook.
        reading: Options of `load_dataset`, such as `text` and `label`, the names of the fields.

    Returns:
        A pipeline of `xlt_langdetect` and `xlt_pairs`.

    Raises:
        XltError: There are fewer than two labels, a record is no pair or does not have exactly one label, the encoder
            folder is missing or cannot be trained, or the model learned nothing.
    """
    if method not in MODES:
        raise XltError(f"There is no method '{method}'. Use finetune or frozen.")
    source = find_language(source)
    records = load_dataset(data, **reading).records
    dev_records = [] if dev is None else load_dataset(dev, **reading).records
    labels = sorted({label for record in records for label in record.labels})
    if len(labels) < 2:
        raise XltError(
            f"Training needs pairs of at least two labels; there are {len(records)} pairs "
            f"of {', '.join(labels) or 'no label'}."
        )
    check_labels([*records, *dev_records], labels, exclusive=True)
    folder = encoder_folder(encoder)
    nlp = make_task_pipeline("xlt_pairs", languages, folder)
    train_set, dev_set = (_Set(part, labels) for part in (records, dev_records))
    model = find_pipe(nlp, PairClassifier).model
    settings = TrainingSettings(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_length=window_length(torch_encoder(model), max_length),
        freeze_layers=freeze_layers,
        seed=seed,
    )
    if method == "frozen":
        layer = _fit_frozen(model, train_set, dev_set, seed)
    else:
        path = None if checkpoint is None else Path(checkpoint)
        layer = finetune_pairs(model, train_set, settings, checkpoint=path, progress=progress)
        if dev_records:
            layer = _calibrated(
                layer, cross_features(model, dev_set.windows(model, settings.max_length)), train_set, dev_set
            )
    prior = train_set.gold.mean(axis=0)
    model.set(layer, labels, settings_of(MODES[method], settings.max_length, prior.tolist()))
    nlp.meta[TRAINING] = {
        "task": "pairs",
        "method": method,
        "source": source,
        "encoder": base_model(folder),
        "settings": settings.to_dict() if method == "finetune" else {"seed": seed},
        "data": {"labeled texts": fingerprint(records), "development texts": fingerprint(dev_records)},
    }
    if dev_records:
        gold = make_docs(nlp, dev_records, labels)
        inputs = [make_pair(nlp, first, second) for first, second in dev_set.pairs]
        scores = nlp.evaluate([Example(*docs) for docs in zip(inputs, gold)])
        nlp.meta["performance"] = {name: scores[name] for name in SCORE_WEIGHTS if name in scores}
    return nlp


class _Set:
    """Pairs with their labels as a matrix [n, labels]."""

    def __init__(self, records: Sequence[Record], labels: Sequence[str]) -> None:
        self.records = records
        self.gold = gold_matrix(records, labels)
        for record in records:
            if record.pair is None:
                raise XltError(
                    f"{record.location}: the record has no second text. Name two fields, such as 'premise,hypothesis'.",
                    parameter="text",
                )
        self.pairs = [(record.text, record.pair or "") for record in records]

    def windows(self, model: TaskModel, max_length: int) -> list[PairWindow]:
        return pair_windows(model, self.pairs, max_length)


def _fit_frozen(model: TaskModel, train: _Set, dev: _Set, seed: int) -> Layer:
    """Fit a logistic regression on the features of pairs whose texts are encoded one by one."""
    data = Labeled(bi_features(model, train.pairs), train.gold)
    if dev.records:
        return fit_head(data, Labeled(bi_features(model, dev.pairs), dev.gold), exclusive=True).layer
    # The pairs of a first text are in the same fold.
    return cross_validate(data, make_folds(train.records, seed), exclusive=True)[0].layer


def _calibrated(layer: Layer, features: Any, train: _Set, dev: _Set) -> Layer:
    """Divide the scores of a layer by the temperature with the lowest loss on development data."""
    data = Labeled(features, dev.gold)
    scores = layer(features).astype(np.float64)
    temperature = fit_temperature(scores, dev.gold, exclusive=True)
    losses = losses_of(scores / temperature, data, exclusive=True)
    check_learned(losses, Labeled(features, train.gold), data, exclusive=True)
    return Layer(layer.weight / np.float32(temperature), layer.bias / np.float32(temperature))


def finetune_pairs(
    model: TaskModel,
    train: _Set,
    settings: TrainingSettings,
    *,
    checkpoint: Optional[Path] = None,
    progress: bool = False,
) -> Layer:
    """Train the encoder of a model of pairs with a layer, and return the layer.

    The layer starts as a logistic regression on the features of the untrained encoder, which distorts the pretrained
    vectors less than a random or empty layer.

    References:
        Kumar et al. (2022), "Fine-tuning can distort pretrained features and underperform out-of-distribution".
    """
    import torch

    encoder = torch_encoder(model)
    windows = train.windows(model, settings.max_length)
    (start,) = fit_path(cross_features(model, windows), train.gold, [START_L2])
    targets = torch.tensor(train.gold, dtype=torch.float32, device=encoder.resolve_device())

    def loss(scores: Any, mask: Any, rows: Sequence[int]) -> Any:
        return torch.nn.functional.cross_entropy(scores, targets[list(rows)], reduction="sum")

    return finetune_layer(
        encoder,
        [window.ids for window in windows],
        train.gold.shape[1],
        loss,
        settings,
        features=torch_features(windows),
        start=start,
        head_rate=HEAD_RATE,
        checkpoint=checkpoint,
        progress=progress,
    )


def torch_features(windows: Sequence[PairWindow]) -> TaskFeatures:
    """Return a function that computes what `cross_features` computes, in torch."""
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

"""Train an encoder and a linear layer on its word pieces, for tasks other than text classification."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np
import spacy
from spacy.language import Language

from spacy_xlt.data.paths import PathLike
from spacy_xlt.encoders.architecture import count_positions
from spacy_xlt.encoders.folder import check_folder, default_folder
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.extras import require
from spacy_xlt.heads.layer import Layer
from spacy_xlt.languages import find_language
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.task import TaskPipe
from spacy_xlt.tasks.model import TaskModel
from spacy_xlt.training.layers import copy_model
from spacy_xlt.training.loop import Callback, run_epochs
from spacy_xlt.training.network import EncoderNetwork
from spacy_xlt.training.settings import TrainingSettings

# The number of rows from which the mean and the standard deviation of vectors are estimated, and that of a batch.
SAMPLE, SAMPLE_BATCH = 256, 16
SMALLEST_DEVIATION = 1e-3
# A function that returns the sum of the losses of rows. Its arguments are the scores [rows, longest, outputs] of all
# word pieces (or [rows, outputs] if there are features), their mask [rows, longest], and the rows.
TaskLoss = Callable[[Any, Any, Sequence[int]], Any]
# A function that returns the features [rows, width of the layer] of rows. Its arguments are the last hidden states
# [rows, longest, width] and the rows.
TaskFeatures = Callable[[Any, Sequence[int]], Any]


def encoder_folder(encoder: Optional[PathLike]) -> Path:
    """Return the folder of an encoder; None: that of the default encoder.

    Raises:
        XltError: The folder is missing or is no encoder folder.
    """
    return default_folder() if encoder is None else check_folder(Path(encoder).expanduser())


def make_task_pipeline(factory: str, languages: Sequence[str], folder: Path) -> Language:
    """Return a pipeline of the language detector and a component with an encoder of its own.

    Args:
        factory: The name of the component.
        languages: The languages that can occur, as codes or English names. If empty, all languages can occur.
        folder: The encoder folder.
    """
    nlp = spacy.blank("xx")
    codes = [find_language(language) for language in languages]
    nlp.add_pipe("xlt_langdetect", config={"languages": codes} if codes else {})
    nlp.add_pipe(factory)
    find_pipe(nlp, TaskPipe).initialize(source=str(folder))
    return nlp


def finetune_layer(
    encoder: TorchEncoder,
    windows: Sequence[Sequence[int]],
    outputs: int,
    loss: TaskLoss,
    settings: TrainingSettings,
    *,
    features: Optional[TaskFeatures] = None,
    start: Optional[Layer] = None,
    head_rate: float = 10.0,
    callbacks: Sequence[Callback] = (),
    checkpoint: Optional[Path] = None,
    progress: bool = False,
) -> Layer:
    """Train an encoder (word embeddings frozen) with a linear layer, and put the weights into the encoder.

    The layer reads the vector of each word piece, or the features of each window. Vectors of different word pieces
    differ little beside what they have in common, so the layer reads them standardized: minus their mean and divided by
    their standard deviation before training. The returned layer includes both.

    Args:
        encoder: The encoder. Its model is replaced by the trained copy.
        windows: The word pieces of each row, special ones included.
        outputs: The number of outputs of the layer.
        loss: The loss of rows: see `TaskLoss`.
        settings: See `TrainingSettings`. `max_length` is applied by the caller.
        features: What the layer reads. None: the vector of each word piece.
        start: The layer at the start. None: zeros.
        head_rate: The learning rate of the layer divided by that of the encoder.
        callbacks: Functions that are called at the end of each epoch.
        checkpoint: A folder from which a killed run resumes. None saves nothing.
        progress: Show a progress bar.

    Returns:
        The trained layer.

    Raises:
        XltError: There is nothing to train on, or a layer cannot be frozen.
    """
    require("train", "torch", "transformers")
    import torch

    if not windows:
        raise XltError("There is no text to train on.")
    # Move the encoder to its device before it is copied, because the copy shares its word embeddings.
    device = encoder.resolve_device()
    model = copy_model(encoder.model)
    with torch.random.fork_rng():
        network = EncoderNetwork(
            model,
            [[window] for window in windows],
            pooling=encoder.settings.pooling,
            device=device,
            bfloat16=settings.bfloat16,
            freeze_layers=settings.freeze_layers,
            progress=progress,
        )
    mean, deviation = _statistics(network, len(windows), features)
    layer = torch.nn.Linear(len(mean), outputs, device=device)
    with torch.no_grad():
        layer.weight.copy_(torch.zeros(()) if start is None else torch.tensor(start.weight) * deviation.cpu())
        layer.bias.copy_(
            torch.zeros(()) if start is None else torch.tensor(start.bias + start.weight @ mean.cpu().numpy())
        )

    def loss_of(rows: list[int]) -> Any:
        states, mask = network.states(rows)
        read = states if features is None else features(states, rows)
        return loss(layer((read - mean) / deviation), mask, rows)

    run_epochs(
        torch.nn.ModuleDict({"model": model, "layer": layer}),
        [
            {"params": network.parameters, "lr": settings.learning_rate},
            {"params": list(layer.parameters()), "lr": settings.learning_rate * head_rate},
        ],
        loss_of,
        network.lengths,
        settings,
        callbacks=callbacks,
        checkpoint=checkpoint,
        progress=progress,
    )
    encoder.replace_model(model)
    with torch.no_grad():
        weight = layer.weight / deviation
        bias = layer.bias - weight @ mean
    return Layer(*(values.cpu().numpy().astype(np.float32) for values in (weight, bias)))


def _statistics(network: EncoderNetwork, n: int, features: Optional[TaskFeatures]) -> tuple[Any, Any]:
    """Return the mean and the standard deviation [width] of what the layer reads, for some rows before training."""
    import torch

    rows = sorted({round(row) for row in np.linspace(0, n - 1, SAMPLE)}, key=lambda row: -network.lengths[row])
    parts = []
    with torch.no_grad():
        for first in range(0, len(rows), SAMPLE_BATCH):
            batch = rows[first : first + SAMPLE_BATCH]
            states, mask = network.states(batch)
            parts.append(states[mask.bool()] if features is None else features(states, batch))
    vectors = torch.cat(parts)
    return vectors.mean(dim=0), vectors.std(dim=0, correction=0) + SMALLEST_DEVIATION


def torch_encoder(model: TaskModel) -> TorchEncoder:
    """Return the encoder of a task model, which must be a TorchEncoder with weights.

    Raises:
        XltError: It is another encoder, which cannot be trained.
    """
    if not isinstance(model.encoder, TorchEncoder):
        raise XltError(
            f"A {type(model.encoder).__name__} cannot be trained. Train the model that it was exported from, and "
            "export it again."
        )
    return model.encoder


def window_length(encoder: TorchEncoder, max_length: int) -> int:
    """Return the number of word pieces of a window: `max_length`, or what the encoder has positions for if fewer."""
    return min(max_length, count_positions(encoder.model) or max_length)

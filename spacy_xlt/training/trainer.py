"""The trainer: it trains the encoder and the head of a pipeline together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np
from spacy.language import Language

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.extras import require
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.training.examples import TrainingExample
from spacy_xlt.training.head import TorchHead
from spacy_xlt.training.layers import copy_model, keep_layers
from spacy_xlt.training.loop import Callback, run_epochs
from spacy_xlt.training.model_state import set_layer, set_model
from spacy_xlt.training.network import EncoderNetwork
from spacy_xlt.training.settings import DEFAULT_SETTINGS, TrainingSettings

# The learning rate of the head divided by that of the encoder, for vectors of unit length: see layers/classifier.py.
HEAD_RATE = 1000.0
# The number of word pieces of a window in training. Longer windows are slower and not more accurate.
WINDOW = 128


def finetune(
    nlp: Language,
    examples: Sequence[TrainingExample],
    settings: TrainingSettings = DEFAULT_SETTINGS,
    *,
    layers: Optional[Sequence[int]] = None,
    vector_weight: float = 5.0,
    temperature: float = 1.0,
    callbacks: Sequence[Callback] = (),
    checkpoint: Optional[Path] = None,
    progress: bool = False,
) -> None:
    """Train the encoder (word embeddings frozen) and the head's output layer, and put both into the pipeline.

    The loss of an example is the cross-entropy between its label distribution and the prediction, plus `vector_weight`
    times 1 - the cosine between its embedding and its target vector. The projector is applied, but not trained.

    Args:
        nlp: A pipeline with our components and a TorchEncoder. Training starts from its weights.
        examples: The training examples.
        settings: See `TrainingSettings`.
        layers: The layers of the encoder to keep, such as every second one. None keeps all.
        vector_weight: The weight of the loss of target vectors.
        temperature: See `TorchHead`.
        callbacks: Functions that are called at the end of each epoch.
        checkpoint: A folder from which a killed run resumes. None saves nothing.
        progress: Show a progress bar.

    Raises:
        XltError: The encoder is not a TorchEncoder, there is no text, or a layer cannot be frozen or dropped.
    """
    require("train", "torch", "transformers")
    old = trainable_encoder(nlp)
    # Move the encoder to its device before it is copied, because the copy shares its word embeddings.
    device = old.resolve_device()
    model = copy_model(old.model)
    if layers is not None:
        keep_layers(model, layers)
    head = TorchHead(nlp, device, vector_weight=vector_weight, temperature=temperature)
    learned, network = make_network(old, model, examples, settings, progress=progress)

    def loss_of(rows: list[int]) -> Any:
        return head.loss(network(rows), [learned[row] for row in rows])

    run_epochs(
        _Modules.of(model, head),
        [
            {"params": network.parameters, "lr": settings.learning_rate},
            {"params": head.parameters, "lr": settings.learning_rate * HEAD_RATE},
        ],
        loss_of,
        network.lengths,
        settings,
        callbacks=callbacks,
        checkpoint=checkpoint,
        progress=progress,
    )
    set_model(nlp, model)
    set_layer(nlp, head.layer())


def make_network(
    encoder: TorchEncoder,
    model: Any,
    examples: Sequence[TrainingExample],
    settings: TrainingSettings,
    *,
    progress: bool,
) -> tuple[list[TrainingExample], EncoderNetwork]:
    """Return the examples that have word pieces, and a network that trains a model on their texts.

    Args:
        encoder: The encoder, which has the tokenizer and the pooling.
        model: A copy of its Hugging Face model. It is changed in place.
        examples: The training examples.
        settings: See `TrainingSettings`.
        progress: Show a progress bar while the output of frozen layers is computed.

    Returns:
        The examples, and the network. The rows of the network are these examples.

    Raises:
        XltError: There is no text, or lower layers cannot be frozen.
    """
    import torch

    windows = training_windows(encoder, [example.text for example in examples], settings.max_length)
    learned = [(example, of_text) for example, of_text in zip(examples, windows) if of_text]
    if not learned:
        raise XltError("There is no text to train on.")
    with torch.random.fork_rng():
        network = EncoderNetwork(
            model,
            [of_text for _, of_text in learned],
            pooling=encoder.settings.pooling,
            device=encoder.resolve_device(),
            bfloat16=settings.bfloat16,
            freeze_layers=settings.freeze_layers,
            progress=progress,
        )
    return [example for example, _ in learned], network


class _Modules:
    """The named parameters of encoder and head, for checkpoints."""

    def __init__(self, named: dict[str, Any]) -> None:
        self.named = named

    @classmethod
    def of(cls, model: Any, head: TorchHead) -> "_Modules":
        return cls({**dict(model.named_parameters()), "head.weight": head.weight, "head.bias": head.bias})

    def named_parameters(self) -> Any:
        return self.named.items()


def trainable_encoder(nlp: Language) -> TorchEncoder:
    """Return the encoder back end of a pipeline, with its weights loaded.

    Raises:
        XltError: It is not a TorchEncoder.
    """
    component = find_pipe(nlp, Encoder)
    component.width  # noqa: B018  (loads the weights)
    encoder = component.encoder
    if not isinstance(encoder, TorchEncoder):
        raise XltError(
            f"A {type(encoder).__name__} cannot be trained. Train the model that it was exported from, and export it "
            "again."
        )
    return encoder


def count_layers(nlp: Language) -> int:
    """Return the number of layers of the encoder."""
    return int(trainable_encoder(nlp).model.config.num_hidden_layers)


def window_limits(max_length: int) -> tuple[int, int]:
    """Return how many windows of a text training reads, and how many word pieces each has."""
    return max(1, max_length // WINDOW), min(WINDOW, max_length)


def training_windows(encoder: TorchEncoder, texts: Sequence[str], max_length: int) -> list[list[list[int]]]:
    """Return the windows of each text that training reads: evenly spread, with at most `max_length` word pieces."""
    found: list[list[list[int]]] = [[] for _ in texts]
    count, length = window_limits(max_length)
    windows, owners, _ = encoder.tokenizer.choose_windows(texts, count=count, length=length)
    for owner, window in zip(owners, windows):
        found[owner].append(window)
    return found


def soften(probabilities: Floats2d, temperature: float, exclusive: bool) -> Floats2d:
    """Return the probabilities [n, labels] of scores divided by a temperature (Hinton et al. 2015, equation 1)."""
    clipped = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    powers = clipped ** (1 / temperature)
    others = powers.sum(axis=1, keepdims=True) if exclusive else powers + (1 - clipped) ** (1 / temperature)
    return np.asarray(powers / others, dtype=np.float32)

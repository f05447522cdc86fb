"""Train an encoder, without a head, to give texts the vectors that they should have."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np

from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.extras import require
from spacy_xlt.training.examples import TrainingExample
from spacy_xlt.training.layers import copy_model
from spacy_xlt.training.loop import Callback, run_epochs
from spacy_xlt.training.settings import TrainingSettings
from spacy_xlt.training.trained_rows import merge_rows, train_rows
from spacy_xlt.training.trainer import make_network

# The learning rate of trained word embeddings beside that of the other weights. A row learns only in the steps in which
# its word piece occurs, and starts from a guess.
ROWS_RATE = 10.0


def fit_vectors(
    encoder: TorchEncoder,
    examples: Sequence[TrainingExample],
    settings: TrainingSettings,
    *,
    temperature: float,
    rows: Sequence[int] = (),
    callbacks: Sequence[Callback] = (),
    checkpoint: Optional[Path] = None,
    progress: bool = False,
    title: str = "Training",
) -> Any:
    """Train a copy of an encoder to give texts their target vectors. The encoder itself does not change.

    Args:
        encoder: The encoder. Training starts from its weights.
        examples: Texts with target vectors.
        settings: See `TrainingSettings`.
        temperature: Of the similarities in `vector_loss`.
        rows: The ids of word pieces whose embeddings learn, too, unless layers are frozen. All other word embeddings
            stay as they are.
        callbacks: Functions that are called at the end of each epoch.
        checkpoint: A folder from which a killed run resumes. None saves nothing.
        progress: Show a progress bar.
        title: The title of the progress bar.

    Returns:
        The trained Hugging Face model.

    Raises:
        XltError: There is no text, or lower layers cannot be frozen.
    """
    require("train", "torch", "transformers")
    import torch

    # Move the encoder to its device before it is copied, because the copy shares its word embeddings.
    device = encoder.resolve_device()
    model = copy_model(encoder.model)
    # Frozen layers compute once what they make of the word embeddings, so these cannot learn with them.
    table = train_rows(model, rows) if rows and not settings.freeze_layers else None
    learned, network = make_network(encoder, model, examples, settings, progress=progress)
    groups = [{"params": network.parameters, "lr": settings.learning_rate}]
    if table is not None:
        table.requires_grad_(True)  # the network has frozen it with the word embeddings
        groups.append({"params": [table], "lr": settings.learning_rate * ROWS_RATE})

    def loss_of(numbers: list[int]) -> Any:
        of_batch = [learned[number] for number in numbers]
        goals = torch.tensor(np.array([example.vector for example in of_batch]), device=device)
        weights = torch.tensor([example.weight for example in of_batch], device=device)
        return (vector_loss(network(numbers), goals, temperature) * weights).sum()

    run_epochs(
        model,
        groups,
        loss_of,
        network.lengths,
        settings,
        callbacks=callbacks,
        checkpoint=checkpoint,
        progress=progress,
        title=title,
    )
    if table is not None:
        merge_rows(model)
    return model.eval().requires_grad_(False)


def vector_loss(vectors: Any, goals: Any, temperature: float) -> Any:
    """Return the loss of each text of a batch: 1 - cosine to its target, and a contrastive loss.

    The contrastive loss is the cross-entropy between the similarities of the target to all targets of the batch and
    those of the vector to all targets of the batch. Both are divided by the temperature and turned into probabilities.
    Its gradient is 0 where a vector equals its target. Targets that are alike, such as those of one sentence in two
    languages, do not repel each other, as they would if each target were the only right one of the batch.

    Args:
        vectors: Of unit length, [n, width].
        goals: The targets of the same texts, of unit length, [n, width].
        temperature: Of the similarities.

    Returns:
        The losses, [n].

    References:
        Fang et al. (2021), "SEED: Self-supervised distillation for visual representation", equation 5.
    """
    import torch

    functional = torch.nn.functional
    wanted = functional.softmax(goals @ goals.T / temperature, dim=1)
    contrast = functional.cross_entropy(vectors @ goals.T / temperature, wanted, reduction="none")
    return 1.0 - (vectors * goals).sum(dim=1) + contrast

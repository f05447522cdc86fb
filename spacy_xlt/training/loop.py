"""The training loop of all methods that train an encoder."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from spacy_xlt.encoders.base import split_batch
from spacy_xlt.progress import progress_bar
from spacy_xlt.training.batching import epoch_batches
from spacy_xlt.training.checkpoints import Checkpoints
from spacy_xlt.training.settings import TrainingSettings

WARM_UP = 0.1
WEIGHT_DECAY = 0.01
# Gradients are clipped to this norm.
LARGEST_NORM = 1.0
# The number of word pieces that are processed at once. Gradients of larger batches are accumulated.
PIECES = 4096
# Steps between two checkpoints within an epoch: about half a minute on two cores, where writing one takes a second.
CHECKPOINT_STEPS = 100


@dataclass(frozen=True)
class EpochEnd:
    """The facts that a callback receives at the end of an epoch.

    Attributes:
        epoch: The number of the epoch, from 1.
        epochs: The number of epochs.
        loss: The mean loss over the batches of the epoch.
    """

    epoch: int
    epochs: int
    loss: float


# A function that is called at the end of each epoch. If it returns True, training stops.
Callback = Callable[[EpochEnd], Optional[bool]]


def run_epochs(
    network: Any,
    groups: Sequence[Mapping[str, Any]],
    loss_of: Callable[[list[int]], Any],
    lengths: Sequence[int],
    settings: TrainingSettings,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoint: Optional[Path] = None,
    progress: bool = False,
    title: str = "Training",
) -> None:
    """Train parameters with AdamW, linear warm-up and linear decay (Loshchilov & Hutter 2019; Devlin et al. 2019).

    The random state of torch is restored at the end.

    Args:
        network: A torch module with all trained parameters. Checkpoints save its weights.
        groups: Parameter groups of the optimizer: {"params": ..., "lr": ...}.
        loss_of: A function that returns the sum of the losses of rows.
        lengths: The length of each row in word pieces.
        settings: See `TrainingSettings`. `freeze_layers` and `max_length` are applied by the caller.
        callbacks: Functions that are called in order at the end of each epoch.
        checkpoint: A folder in which the state is kept every `CHECKPOINT_STEPS` steps and at the end of each epoch, and
            from which a killed run resumes; None: no folder.
        progress: Show a progress bar.
    """
    import torch
    from transformers import get_linear_schedule_with_warmup

    per_epoch = math.ceil(len(lengths) / settings.batch_size)
    steps = math.ceil(settings.epochs * per_epoch)
    epochs = math.ceil(steps / per_epoch)
    parameters = [parameter for group in groups for parameter in group["params"]]
    # `initial_lr` and `last_epoch` skip the first value of the schedule, 0, at which nothing is learned.
    optimizer = torch.optim.AdamW(
        [{**group, "initial_lr": group["lr"]} for group in groups],
        weight_decay=WEIGHT_DECAY,
        fused=parameters[0].device.type == "cpu",
    )
    schedule = get_linear_schedule_with_warmup(optimizer, math.ceil(WARM_UP * steps), steps + 1, last_epoch=0)
    mean = _MeanOfEpochs(parameters, first=epochs - settings.average_epochs + 1)
    # Of the epoch that is under way: steps that are done, the sum of their losses, torch's random state.
    state: dict[str, Any] = {"mean": mean.state, "step": 0, "loss": 0.0, "random": torch.get_rng_state()}
    kept = Checkpoints(checkpoint, network, optimizer, schedule, state)
    done = kept.resume()
    mean.state = state["mean"]
    with (
        torch.random.fork_rng(),
        progress_bar(
            title=title, unit="step", total=steps, initial=done * per_epoch + state["step"], show=progress
        ) as bar,
    ):
        for epoch in range(done + 1, epochs + 1):
            # The seed depends on the epoch, so that a resumed run draws the same numbers.
            torch.manual_seed(settings.seed * 1000 + epoch)
            batches = epoch_batches(lengths, settings.batch_size, seed=settings.seed, epoch=epoch)
            before, total = state["step"], state["loss"]
            if before:
                torch.set_rng_state(state["random"])
            of_epoch = batches[: steps - (epoch - 1) * per_epoch]
            for step, batch in enumerate(of_epoch[before:], start=before + 1):
                for part in split_batch(batch, lengths, PIECES):
                    loss = loss_of(part) / len(batch)
                    loss.backward()
                    total += float(loss.detach())
                torch.nn.utils.clip_grad_norm_(parameters, LARGEST_NORM)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
                bar.update()
                if checkpoint is not None and step % CHECKPOINT_STEPS == 0:
                    state.update(step=step, loss=total, random=torch.get_rng_state())
                    kept.save(epoch - 1)
            state.update(step=0, loss=0.0)
            mean.add(epoch)
            kept.save(epoch)
            told = EpochEnd(epoch, epochs, total / len(batches))
            if any([callback(told) for callback in callbacks]):
                break
    mean.put()
    kept.clear()


class _MeanOfEpochs:
    """The mean of the weights at the end of each epoch from `first` on (Izmailov et al. 2018, algorithm 1)."""

    def __init__(self, parameters: Sequence[Any], first: int) -> None:
        self.parameters, self.first = parameters, first
        self.state: dict[str, Any] = {"count": 0, "sums": []}

    def add(self, epoch: int) -> None:
        if epoch < self.first:
            return
        if not self.state["sums"]:
            self.state["sums"] = [parameter.detach().clone() for parameter in self.parameters]
        else:
            for total, parameter in zip(self.state["sums"], self.parameters):
                total.add_(parameter.detach())
        self.state["count"] += 1

    def put(self) -> None:
        """Put the mean into the parameters. If training ended before the epoch `first`, they keep the last weights."""
        for total, parameter in zip(self.state["sums"], self.parameters):
            parameter.data.copy_(total / self.state["count"])

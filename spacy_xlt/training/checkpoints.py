"""Checkpoints: the state of a training is written again and again, so that a killed run resumes."""

import shutil
from pathlib import Path
from typing import Any, Optional

from spacy_xlt.errors import XltError
from spacy_xlt.files import whole_folder

STATE_FILE = "state.pt"


class Checkpoints:
    """A folder that holds the last state of the weights, the optimizer and the schedule until training ends.

    Args:
        folder: The folder; None keeps nothing.
        network: The module; only parameters that learn are kept.
        optimizer: A torch optimizer.
        schedule: Its schedule.
        extra: More state: a dict of numbers, tensors and such dicts. Its items are replaced when a run resumes.
    """

    def __init__(self, folder: Optional[Path], network: Any, optimizer: Any, schedule: Any, extra: dict[str, Any]):
        self.folder = folder
        self._network, self._optimizer, self._schedule, self._extra = network, optimizer, schedule, extra

    def resume(self) -> int:
        """Load the last state; return the number of epochs that are done.

        Raises:
            XltError: The folder is damaged, or belongs to a training of another model or other settings.
        """
        if self.folder is None or not (self.folder / STATE_FILE).is_file():
            return 0
        import torch

        try:
            state = torch.load(self.folder / STATE_FILE, weights_only=True)
            learned = self._learned()
            if set(learned) != set(state["weights"]):
                raise ValueError("other weights")
            with torch.no_grad():
                for name, values in state["weights"].items():
                    learned[name].copy_(values)
            self._optimizer.load_state_dict(state["optimizer"])
            self._schedule.load_state_dict(state["schedule"])
            self._extra.update(state["extra"])
            return int(state["epoch"])
        except Exception as error:  # torch raises several kinds
            raise XltError(
                f"{self.folder}: the checkpoint cannot be used ({type(error).__name__}). It is damaged or belongs to "
                "another training. Remove it, or name another folder."
            ) from error

    def save(self, epoch: int) -> None:
        """Write the state in place of the one before.

        Args:
            epoch: The number of epochs that are done.
        """
        if self.folder is None:
            return
        import torch

        state = {
            "epoch": epoch,
            "weights": {name: values.detach() for name, values in self._learned().items()},
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "extra": self._extra,
        }
        with whole_folder(self.folder, STATE_FILE) as scratch:
            torch.save(state, scratch / STATE_FILE)

    def clear(self) -> None:
        """Remove the folder: the training has ended."""
        if self.folder is not None and (self.folder / STATE_FILE).is_file():
            shutil.rmtree(self.folder)

    def _learned(self) -> dict[str, Any]:
        return {name: values for name, values in self._network.named_parameters() if values.requires_grad}

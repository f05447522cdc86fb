"""Checkpoints of a training run, from which a killed run resumes."""

import shutil
from pathlib import Path
from typing import Any, Optional

from spacy_xlt.errors import XltError
from spacy_xlt.files import whole_folder

STATE_FILE = "state.pt"


class Checkpoints:
    """A folder with the latest state of the weights, the optimizer and the schedule. It is removed when training ends.

    Args:
        folder: The folder. None saves nothing.
        network: The module. Only its trainable parameters are saved.
        optimizer: A torch optimizer.
        schedule: Its schedule.
        extra: Other state: a nested dict of numbers and tensors. Its items are replaced when a run resumes.
    """

    def __init__(self, folder: Optional[Path], network: Any, optimizer: Any, schedule: Any, extra: dict[str, Any]):
        self.folder = folder
        self._network, self._optimizer, self._schedule, self._extra = network, optimizer, schedule, extra

    def resume(self) -> int:
        """Load the latest state, and return the number of completed epochs.

        Raises:
            XltError: The folder is damaged, or it belongs to a run with another model or other settings.
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
        """Replace the saved state.

        Args:
            epoch: The number of completed epochs.
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
        """Remove the folder at the end of training."""
        if self.folder is not None and (self.folder / STATE_FILE).is_file():
            shutil.rmtree(self.folder)

    def _learned(self) -> dict[str, Any]:
        return {name: values for name, values in self._network.named_parameters() if values.requires_grad}

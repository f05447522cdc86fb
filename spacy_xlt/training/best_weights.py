"""Keep the weights of the best epoch."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

from spacy_xlt.errors import XltError
from spacy_xlt.files import whole_folder
from spacy_xlt.training.callbacks import EarlyStopping
from spacy_xlt.training.loop import EpochEnd

SCORE_FILE, WEIGHTS_FILE = "score.json", "weights.safetensors"


class BestWeights(EarlyStopping):
    """Stop training when a score no longer rises, and keep the weights that had the best score.

    Args:
        network: The torch module.
        score: A function that returns the current score of the model. Higher is better.
        patience: The number of epochs without a new best score after which training stops.
        checkpoint: The checkpoint folder of the training, beside which the weights are kept, so that a run that resumes
            knows them. None keeps them in memory only.

    Raises:
        XltError: The weights beside the checkpoint are damaged.
    """

    def __init__(self, network: Any, score: Callable[[], float], patience: int, checkpoint: Optional[Path]) -> None:
        super().__init__(score, patience)
        self.network = network
        self.weights: dict[str, Any] = {}
        self.folder = None if checkpoint is None else checkpoint.with_name(f"{checkpoint.name}.best")
        if self.folder is not None and checkpoint is not None and checkpoint.is_dir() and self.folder.is_dir():
            self._resume(self.folder)

    def __call__(self, end: EpochEnd) -> bool:
        before = self.best
        stop = super().__call__(end)
        if self.best != before:
            self.weights = {name: each.detach().cpu().clone() for name, each in self.network.named_parameters()}
        self._keep()
        return stop

    def put(self) -> None:
        """Put the best weights into the module, and remove the folder. Without an epoch, nothing changes."""
        import torch

        with torch.no_grad():
            parameters = dict(self.network.named_parameters())
            for name, values in self.weights.items():
                parameters[name].copy_(values)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _keep(self) -> None:
        if self.folder is None:
            return
        from safetensors.torch import save_file

        with whole_folder(self.folder, SCORE_FILE) as scratch:
            save_file(self.weights, scratch / WEIGHTS_FILE)
            state = {"best": self.best, "waited": self.waited}
            (scratch / SCORE_FILE).write_text(json.dumps(state), encoding="utf8")

    def _resume(self, folder: Path) -> None:
        from safetensors.torch import load_file

        try:
            state = json.loads((folder / SCORE_FILE).read_text(encoding="utf8"))
            self.best, self.waited = state["best"], state["waited"]
            self.weights = load_file(folder / WEIGHTS_FILE)
        except Exception as error:  # safetensors raises several kinds
            raise XltError(
                f"{folder} is damaged ({type(error).__name__}). Remove it and the checkpoint, and train again."
            ) from error

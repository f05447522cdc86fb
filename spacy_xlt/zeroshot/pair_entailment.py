"""Zero-shot classification with a model of pairs of texts that this package has trained."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional

from spacy_xlt.encoders.base import Floats1d, TextEncoder
from spacy_xlt.encoders.onnx_encoder import GRAPH_FILE, OnnxEncoder
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.tasks.model import TASK_FILE, TaskModel
from spacy_xlt.tasks.pairs import MODE, pair_scores
from spacy_xlt.zeroshot.entailment import DEFAULT_TEMPLATE, Entailment


class _Loaded(NamedTuple):
    model: TaskModel
    entailment: int
    contradiction: int


class PairEntailment(Entailment):
    """`spacy-xlt.PairEntailment.v1`: `Entailment` with a trained model of `xlt_pairs`.

    The folder is that of a model which `train(task="pairs")` or `export` has made, with the labels `entailment` and
    `contradiction`, as in XNLI. An exported model is faster.

    Args:
        template: The hypothesis. `{}` stands for the description.
        device: `cpu`, `cuda:0` and so on. None uses the device that `spacy.require_gpu` or `--gpu-id` chose.

    Raises:
        XltError: The template does not contain `{}`.
    """

    registered_name = "spacy-xlt.PairEntailment.v1"
    patterns = ("*.json", "*.safetensors", "*.onnx", "*.bin", "*.npz")

    def __init__(self, template: str = DEFAULT_TEMPLATE, device: Optional[str] = None) -> None:
        super().__init__(template, device)

    def load(self, folder: Path) -> None:
        """Take the model of a folder, and the labels if the folder holds some."""
        super().load(_component(Path(folder)) or Path(folder))

    def check(self, folder: Path) -> None:
        """See `WeightsFolder.check`."""
        if not is_pair_model(folder):
            raise XltError(f"{folder} is not a model of pairs of texts. Train one with spacy_xlt.train(task='pairs').")

    def read(self, folder: Path) -> Any:
        """See `WeightsFolder.read`."""
        is_onnx = (folder / GRAPH_FILE).is_file()
        encoder: TextEncoder = OnnxEncoder() if is_onnx else TorchEncoder(device=self.device)
        model = TaskModel(encoder)
        model.load(folder)
        names = [label.casefold() for label in model.labels]
        for name in ("entailment", "contradiction"):
            if name not in names:
                raise XltError(
                    f"The model in {folder} has the labels {', '.join(model.labels)}, but no '{name}'. "
                    "Use a model that was trained on natural language inference."
                )
        return _Loaded(model, names.index("entailment"), names.index("contradiction"))

    def prepare_fork(self) -> None:
        """See `WeightsFolder.prepare_fork`. An exported model does not need torch."""
        if "torch" in sys.modules:
            super().prepare_fork()

    def log_odds(self, pairs: Sequence[tuple[str, str]]) -> Floats1d:
        """Return the log-odds [n] of entailment against contradiction for pairs of a text and a hypothesis."""
        model, entailment, contradiction = self.model
        with self.in_use:
            scores = pair_scores(model, pairs)
        odds: Floats1d = scores[:, entailment] - scores[:, contradiction]
        return odds


def is_pair_model(folder: Path) -> bool:
    """Return whether a folder holds a trained model of pairs of texts."""
    return _component(folder) is not None


def _component(folder: Path) -> Optional[Path]:
    """Return the folder of the component of pairs: the folder itself, or one in it."""
    for file in sorted([folder / TASK_FILE, *folder.glob(f"*/{TASK_FILE}")]):
        try:
            if MODE in json.loads(file.read_text(encoding="utf8"))["settings"]:
                return file.parent
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None

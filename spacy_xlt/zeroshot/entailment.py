"""Zero-shot classification with a model of natural language inference (NLI)."""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Optional

import numpy as np

from spacy_xlt.encoders.base import Floats2d, batches_of_like_length
from spacy_xlt.encoders.quiet import quiet_transformers
from spacy_xlt.errors import NotInstalledError, XltError
from spacy_xlt.heads.layer import probabilities_of
from spacy_xlt.weights_folder import WeightsFolder
from spacy_xlt.zeroshot.base import Encode
from spacy_xlt.zeroshot.labels import DescribedLabel

DEFAULT_TEMPLATE = "This text is about {}."
# The word pieces of a batch, padding included, and of the longest pair of a text and a description.
BATCH_PIECES, MAX_PIECES = 2048, 512
LABELS_FILE = "labels.json"


class _Loaded(NamedTuple):
    tokenizer: Any
    model: Any
    entailment: int
    contradiction: int


class Entailment(WeightsFolder):
    """`spacy-xlt.Entailment.v1`: scores whether a text entails the description of a label.

    The folder holds a Hugging Face sequence classifier that was trained on NLI, with classes named `entailment` and
    `contradiction`. A text is classified once for each description of each label, so this takes many times as long as
    prototypes. The score of a label is the highest log-odds of entailment against contradiction of its descriptions.

    Args:
        template: The hypothesis. `{}` stands for the description.
        device: `cpu`, `cuda:0` and so on. None uses the device that `spacy.require_gpu` or `--gpu-id` chose.

    Raises:
        XltError: The template does not contain `{}`.

    References:
        Yin, Hay & Roth (2019), "Benchmarking zero-shot text classification: datasets, evaluation and entailment
        approach", section 4.
    """

    registered_name = "spacy-xlt.Entailment.v1"
    extra = "train"
    patterns: tuple[str, ...] = ("*.json", "*.safetensors", "*.model", "*.txt")
    reads_vectors = False

    def __init__(self, template: str = DEFAULT_TEMPLATE, device: Optional[str] = None) -> None:
        super().__init__()
        if "{}" not in template:
            raise XltError(f"The template '{template}' must contain {{}}, which stands for the description.")
        self.template = template
        self.device = device
        self.labels: list[str] = []
        self._hypotheses: list[tuple[int, str]] = []
        self._none_label: Optional[str] = None

    def config(self) -> dict[str, Any]:
        """See `ZeroShotScorer.config`."""
        return {"@xlt_zeroshot_scorers": self.registered_name, "template": self.template, "device": self.device}

    def describe(self, labels: Sequence[DescribedLabel], encode: Encode, none_label: Optional[str] = None) -> None:
        """See `ZeroShotScorer.describe`. Examples are not used.

        With `none_label`, a text that entails and contradicts all descriptions equally belongs to that label.
        """
        self._set(
            [label.name for label in labels],
            [
                (number, self.template.replace("{}", description))
                for number, label in enumerate(labels)
                for description in label.descriptions
            ],
            none_label,
        )

    def _set(self, labels: list[str], hypotheses: list[tuple[int, str]], none_label: Optional[str]) -> None:
        self.labels = [*labels, none_label] if none_label else labels
        self._hypotheses, self._none_label = hypotheses, none_label

    def probabilities(self, texts: Sequence[str], vectors: Optional[Floats2d]) -> Floats2d:
        """See `ZeroShotScorer.probabilities`."""
        pairs = [(text, hypothesis) for text in texts for _, hypothesis in self._hypotheses]
        log_odds = self.log_odds(pairs).reshape(len(texts), len(self._hypotheses))
        scores = np.full((len(texts), len(self.labels)), -np.inf, dtype=np.float32)
        for column, (label, _) in enumerate(self._hypotheses):
            scores[:, label] = np.maximum(scores[:, label], log_odds[:, column])
        if self._none_label:
            scores[:, -1] = 0.0
        blank = np.array([not text.strip() for text in texts], dtype=bool)
        scores[blank] = 0.0
        return probabilities_of(scores, exclusive=True)

    def log_odds(self, pairs: Sequence[tuple[str, str]]) -> Floats2d:
        """Return the log-odds [n] of entailment against contradiction for pairs of a text and a hypothesis."""
        import torch
        from thinc.api import get_torch_default_device

        tokenizer, model, entailment, contradiction = self.model
        device = torch.device(self.device) if self.device else get_torch_default_device()
        result = np.zeros(len(pairs), dtype=np.float32)
        with self.in_use:
            model.to(device)
            longest = min(MAX_PIECES, tokenizer.model_max_length)
            options = {"truncation": "only_first", "max_length": longest}
            lengths = [len(ids) for ids in tokenizer(*map(list, zip(*pairs)), **options).input_ids]
            for rows in batches_of_like_length(lengths, BATCH_PIECES):
                firsts, seconds = zip(*(pairs[row] for row in rows))
                batch = tokenizer(list(firsts), list(seconds), padding=True, return_tensors="pt", **options)
                with torch.inference_mode():
                    logits = model(**batch.to(device)).logits.float().cpu().numpy()
                result[rows] = logits[:, entailment] - logits[:, contradiction]
        return result

    def check(self, folder: Path) -> None:
        """See `WeightsFolder.check`."""
        missing = [name for name in ("torch", "transformers") if find_spec(name) is None]
        if missing:
            raise NotInstalledError(
                f"Entailment needs {' and '.join(missing)}. Install with: pip install 'spacy-xlt[train]'"
            )
        if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
            raise XltError(f"{folder} is not the folder of an NLI model: it needs config.json and model.safetensors.")

    def read(self, folder: Path) -> _Loaded:
        """See `WeightsFolder.read`. No code of the folder is run."""
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        with quiet_transformers():
            tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), **options)
            model: Any = AutoModelForSequenceClassification.from_pretrained(str(folder), **options)
        numbers = {str(name).casefold(): int(number) for number, name in model.config.id2label.items()}
        for name in ("entailment", "contradiction"):
            if name not in numbers:
                raise XltError(
                    f"The model in {folder} has the classes {', '.join(numbers)}, but no '{name}'. "
                    "Use a model that was trained on NLI, and name its classes in config.json."
                )
        return _Loaded(tokenizer, model.eval(), numbers["entailment"], numbers["contradiction"])

    def prepare_fork(self) -> None:
        """See `WeightsFolder.prepare_fork`. With several threads, torch hangs in a forked process."""
        import torch

        torch.set_num_threads(1)

    def load(self, folder: Path) -> None:
        """Take the model of a folder, and the labels if the folder holds some."""
        super().load(folder)
        file = Path(folder) / LABELS_FILE
        if not file.is_file():
            return
        try:
            content = json.loads(file.read_text(encoding="utf8"))
            hypotheses = [(int(number), str(text)) for number, text in content["hypotheses"]]
            self._set([str(label) for label in content["labels"]], hypotheses, content["none_label"])
        except Exception as error:  # json and the wrong kinds of values raise errors of many kinds.
            raise XltError(f"{file} is damaged ({error}). Copy or make the model again.") from error

    def to_disk(self, folder: Path) -> None:
        """See `ZeroShotScorer.to_disk`."""
        super().to_disk(folder)
        (folder / LABELS_FILE).write_bytes(self._labels_json())

    def contents(self) -> dict[str, bytes]:
        """See `WeightsFolder.contents`."""
        return {**super().contents(), LABELS_FILE: self._labels_json()}

    def _labels_json(self) -> bytes:
        labels = self.labels[:-1] if self._none_label else self.labels
        content = {"labels": labels, "hypotheses": self._hypotheses, "none_label": self._none_label}
        return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode("utf8")

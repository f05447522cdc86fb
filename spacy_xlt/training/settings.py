"""The settings of the trainer."""

from dataclasses import asdict, dataclass
from typing import Any

from spacy_xlt.errors import XltError


@dataclass(frozen=True)
class TrainingSettings:
    """The settings with which encoder and head are trained.

    Attributes:
        epochs: How often each text is read.
        batch_size: The number of texts in a step.
        learning_rate: The highest learning rate of the encoder. It rises linearly over a tenth of the steps, and then
            falls linearly.
        max_length: The number of word pieces of a text that are read, in evenly spread windows.
        freeze_layers: The number of lower layers that are not trained. Their output is computed once for each text.
        average_epochs: The result is the mean of the weights at the ends of this many last epochs (Izmailov et
            al. 2018). With 1, it is the last weights.
        bfloat16: Whether to compute matrix products in bfloat16 if the CPU or GPU supports it.
        seed: The seed of the order of the examples.
    """

    epochs: float = 4
    batch_size: int = 16
    learning_rate: float = 5e-5
    max_length: int = 128
    freeze_layers: int = 0
    average_epochs: int = 3
    bfloat16: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("batch_size", 1), ("max_length", 16), ("freeze_layers", 0), ("average_epochs", 1)):
            if getattr(self, name) < least:
                raise XltError(f"{name} is at least {least}, not {getattr(self, name)}.")
        for name in ("epochs", "learning_rate"):
            if not getattr(self, name) > 0:
                raise XltError(f"{name} is above 0, not {getattr(self, name)}.")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON types."""
        return asdict(self)


DEFAULT_SETTINGS = TrainingSettings()

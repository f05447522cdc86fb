"""The settings of the trainer."""

from dataclasses import asdict, dataclass
from typing import Any

from spacy_xlt.errors import XltError


@dataclass(frozen=True)
class TrainingSettings:
    """How encoder and head are trained together.

    Attributes:
        epochs: How often each text is read.
        batch_size: Texts a step.
        learning_rate: Of the encoder's weights, at its highest. AdamW, linear warm-up over a tenth of the steps, linear
            decay.
        max_length: Word pieces of a text that training reads. Of a longer text it reads evenly spread windows.
        freeze_layers: Lower layers of the encoder that do not learn. What they compute is computed once for each text.
        average_epochs: The result is the mean of the weights at the end of each of the last epochs (Izmailov et
            al. 2018); 1: the last weights.
        bfloat16: Matrix products in bfloat16 where the CPU or GPU has it; elsewhere float32 all the same.
        seed: Of the order of the examples.
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

"""The encoder folder: an ordinary Hugging Face folder plus `xlt_encoder.json`, which says how its vectors are made.

config.json  model.safetensors  tokenizer.json  tokenizer_config.json  special_tokens_map.json  xlt_encoder.json
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from spacy_xlt.errors import XltError

SETTINGS_FILE = "xlt_encoder.json"
WEIGHTS_FILE = "model.safetensors"
TOKENIZER_CONFIG = "tokenizer_config.json"
TOKENIZER_CLASS = "PreTrainedTokenizerFast"
HOME_VARIABLE = "SPACY_XLT_HOME"

Pooling = Literal["mean", "cls"]


@dataclass(frozen=True)
class EncoderSettings:
    """How an encoder's token vectors become one vector of a text.

    pooling: `mean` over the attention mask (specials included) or the vector of the first piece (`cls`).
    prefix: text put before every text, such as e5's `query: `.
    window: the longest input in word pieces, specials and prefix included.
    """

    pooling: Pooling = "mean"
    prefix: str = ""
    window: int = 512

    def __post_init__(self) -> None:
        if self.pooling not in ("mean", "cls"):
            raise XltError(f"Pooling is 'mean' or 'cls', not {self.pooling!r}.")
        if self.window < 16:
            raise XltError(f"An encoder's window is at least 16 word pieces, not {self.window}.")

    def save(self, folder: Path) -> None:
        (folder / SETTINGS_FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf8")

    @classmethod
    def load(cls, folder: Path) -> "EncoderSettings":
        """Read the settings of an encoder folder; one without the file gets the defaults."""
        path = folder / SETTINGS_FILE
        if not path.exists():
            return cls()
        return cls(**json.loads(path.read_text(encoding="utf8")))


def home() -> Path:
    """The cache folder: `SPACY_XLT_HOME`, or `spacy_xlt` in the user's cache."""
    if os.environ.get(HOME_VARIABLE):
        return Path(os.environ[HOME_VARIABLE]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spacy_xlt"


def default_folder() -> Path:
    """Where `xlt init-encoder` puts the default encoder and `xlt_encoder` looks for it."""
    return home() / "encoder"


def check_folder(folder: Path) -> Path:
    """Return the folder if it holds an encoder.

    Raises XltError that says what is missing and how to get it.
    """
    missing = [name for name in ("config.json", WEIGHTS_FILE, "tokenizer.json") if not (folder / name).is_file()]
    if not missing:
        return folder
    if folder == default_folder():
        raise XltError(
            f"The default encoder is not in {folder} (missing: {', '.join(missing)}). "
            "Build it once with: python -m spacy xlt init-encoder"
        )
    raise XltError(
        f"{folder} is no encoder folder (missing: {', '.join(missing)}). "
        f"Make one with: python -m spacy xlt init-encoder {folder} --name NAME_OR_FOLDER"
    )

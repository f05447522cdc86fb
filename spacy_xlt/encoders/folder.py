"""The encoder folder: an ordinary Hugging Face folder plus `xlt_encoder.json`, which says how its vectors are made.

config.json  model.safetensors  tokenizer.json  tokenizer_config.json  special_tokens_map.json  xlt_encoder.json
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Optional

from spacy_xlt.errors import XltError

SETTINGS_FILE = "xlt_encoder.json"
WEIGHTS_FILE = "model.safetensors"
TOKENIZER_CONFIG = "tokenizer_config.json"
TOKENIZER_CLASS = "PreTrainedTokenizerFast"
HOME_VARIABLE = "SPACY_XLT_HOME"

Pooling = Literal["mean", "cls"]

# The windows that a newly built encoder reads of a text. It bounds the cost of very long texts. Few articles
# have more windows: 4 of the 948 English MasakhaNEWS training articles, and none of the 472 dev articles.
# benchmarks/long_texts.py measures smaller numbers.
DEFAULT_MAX_WINDOWS = 8


@dataclass(frozen=True)
class EncoderSettings:
    """How an encoder turns a text into one vector.

    Args:
        pooling: `mean` averages the vectors of all word pieces, special ones included. `cls` takes the vector of the
            first word piece.
        prefix: The text that is put before every text, such as e5's `query: `.
        window: The longest input in word pieces, special ones and prefix included. A longer text is read in several
            windows, and their vectors are averaged.
        max_windows: The number of windows that are read of a text, evenly spread over it. None reads the whole
            text, as folders without this setting do.

    Raises:
        XltError: A value is not allowed.
    """

    pooling: Pooling = "mean"
    prefix: str = ""
    window: int = 512
    max_windows: Optional[int] = None

    def __post_init__(self) -> None:
        if self.pooling not in ("mean", "cls"):
            raise XltError(f"Pooling is 'mean' or 'cls', not {self.pooling!r}.")
        if self.window < 16:
            raise XltError(f"An encoder's window is at least 16 word pieces, not {self.window}.")
        if self.max_windows is not None and self.max_windows < 1:
            raise XltError(
                f"An encoder reads at least 1 window of a text, not {self.max_windows}. "
                "Use null to read the whole text."
            )

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

"""The encoder folder: a Hugging Face folder and the settings of the encoder.

The settings are in `xlt_encoder.json`. The other files are config.json, model.safetensors, tokenizer.json,
tokenizer_config.json and special_tokens_map.json.
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

# A new encoder reads at most this many windows of this many word pieces of a text, which bounds the cost of long texts.
# News articles are classified as well as if all windows of 512 word pieces are read: see benchmarks/long_texts.py.
DEFAULT_MAX_WINDOWS, DEFAULT_WINDOW = 3, 96


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
            raise XltError(f"The pooling is {self.pooling!r}. It must be 'mean' or 'cls'.")
        if self.window < 16:
            raise XltError(f"The window is {self.window} word pieces. It must be at least 16.")
        if self.max_windows is not None and self.max_windows < 1:
            raise XltError(f"max_windows is {self.max_windows}. It must be at least 1, or null to read the whole text.")

    def save(self, folder: Path) -> None:
        """Write the settings to an encoder folder."""
        (folder / SETTINGS_FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf8")

    @classmethod
    def load(cls, folder: Path) -> "EncoderSettings":
        """Read the settings of an encoder folder. A folder without the file has the default settings."""
        path = folder / SETTINGS_FILE
        if not path.exists():
            return cls()
        return cls(**json.loads(path.read_text(encoding="utf8")))


def choose_window(max_windows: Optional[int], longest: int) -> int:
    """Return the window of a new encoder in word pieces.

    Args:
        max_windows: The number of windows that are read of a text. 0 and None read the whole text.
        longest: The longest window that the model can read.
    """
    return min(DEFAULT_WINDOW, longest) if max_windows else longest


def home() -> Path:
    """Return the cache folder: `SPACY_XLT_HOME`, or `spacy_xlt` in the cache of the user."""
    if os.environ.get(HOME_VARIABLE):
        return Path(os.environ[HOME_VARIABLE]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spacy_xlt"


def default_folder() -> Path:
    """Return the folder of the default encoder. `xlt init-encoder` writes it, and `xlt_encoder` reads it."""
    return home() / "encoder"


def check_folder(folder: Path) -> Path:
    """Check that a folder has the files of an encoder.

    Args:
        folder: The folder.

    Returns:
        The folder.

    Raises:
        XltError: A file is missing.
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
        f"{folder} is not an encoder folder (missing: {', '.join(missing)}). "
        f"Make one with: python -m spacy xlt init-encoder {folder} --name NAME_OR_FOLDER"
    )


def base_model(folder: Path) -> Optional[str]:
    """Return the name on the Hugging Face Hub of the model that an encoder was made of; None if it is not recorded."""
    found = str(json.loads((folder / "config.json").read_text(encoding="utf8")).get("_name_or_path", ""))
    return found if found.count("/") == 1 and not found.startswith((".", "/", "~")) else None

"""Functions that write encoder folders: the folder itself and the files of the tokenizer."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from spacy_xlt.encoders.folder import SETTINGS_FILE, TOKENIZER_CLASS, TOKENIZER_CONFIG
from spacy_xlt.errors import XltError
from spacy_xlt.files import whole_folder

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@contextmanager
def encoder_folder(out: Path) -> Iterator[Path]:
    """Write an encoder folder that appears only when it is complete: see `whole_folder`.

    safetensors makes its files readable by their owner only. They get the mode of the other files.

    Args:
        out: The folder to write.

    Yields:
        A temporary folder for the files.

    Raises:
        XltError: The folder cannot be written, or it exists and is no encoder folder.
    """
    with whole_folder(out, marker=SETTINGS_FILE) as part:
        try:
            yield part
        except SafetensorError as error:
            raise XltError(f"The encoder could not be written to {out}: {error}.") from error
        for file in part.iterdir():
            shutil.copymode(part / SETTINGS_FILE, file)


def save_tokenizer(tokenizer: "Tokenizer", folder: Path, *, window: int, **settings: Any) -> None:
    """Write tokenizer.json, tokenizer_config.json and special_tokens_map.json.

    The class is PreTrainedTokenizerFast whatever the source was: spacy-transformers crashes on classes such as
    XLMRobertaTokenizerFast when there is no sentencepiece file. Padding and truncation are left to the caller of the
    tokenizer.

    Args:
        tokenizer: The tokenizer. Its padding and truncation are switched off.
        folder: The encoder folder, which must exist.
        window: The longest input in word pieces.
        settings: Special tokens (`pad_token=...`), `model_input_names` and the like.
    """
    from transformers import PreTrainedTokenizerFast

    tokenizer.no_padding()
    tokenizer.no_truncation()
    fast: Any = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=window, clean_up_tokenization_spaces=False, **settings
    )
    fast.save_pretrained(str(folder))
    # transformers 5 writes a new name of the class, which version 4 does not know. Both versions know the old name.
    config_file = folder / TOKENIZER_CONFIG
    config = json.loads(config_file.read_text(encoding="utf8"))
    config_file.write_text(
        json.dumps({**config, "tokenizer_class": TOKENIZER_CLASS}, indent=2, ensure_ascii=False) + "\n", encoding="utf8"
    )

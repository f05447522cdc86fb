"""Make an encoder folder (see folder.py) from a Hugging Face encoder, from the Hub or a local folder.

The result has the whole model of an encoder (BERT, XLM-R, ...), and only the encoder of an encoder-decoder (T5, mT5,
...). Load such a folder with AutoModel, or with AutoModelForTextEncoding for the T5 family.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spacy_xlt.encoders.architecture import auto_class, count_positions, missing_tensors
from spacy_xlt.encoders.building import encoder_folder, save_tokenizer
from spacy_xlt.encoders.folder import DEFAULT_MAX_WINDOWS, SETTINGS_FILE, EncoderSettings, Pooling, choose_window
from spacy_xlt.encoders.quiet import quiet_transformers
from spacy_xlt.errors import XltError
from spacy_xlt.extras import require

MAX_WINDOW = 512
E5_PREFIX = "query: "
POOLING_FILE = "1_Pooling/config.json"
WEIGHT_PATTERNS = ("*.safetensors", "*.bin")
TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "spm.model",
    "tokenizer.model",
)


def build(
    name_or_folder: str,
    out: Path,
    *,
    pooling: Pooling | None = None,
    prefix: str | None = None,
    max_windows: int | None = None,
) -> None:
    """Write a Hugging Face encoder as an encoder folder. A failure leaves no folder.

    Args:
        name_or_folder: A local folder, or a name on the Hub. The Hub's cache is searched before the network is used.
        out: The folder to write.
        pooling: `mean` or `cls`. None uses the settings of the source (`xlt_encoder.json` or those of
            sentence-transformers), or `mean` if it has none. A dense layer after the pooling (LaBSE) is left out.
        prefix: The text that is put before every text. None uses the settings of the source. If it has none, the prefix
            is `query: ` for the e5 family and empty for all others.
        max_windows: The number of windows that are read of a text. 0 reads the whole text. None uses the settings of
            the source, or 3 if it has none.

    Raises:
        XltError: There is no such encoder, it is incomplete, or its kind cannot be used.
    """
    require("train", "torch", "transformers")
    folder = Path(name_or_folder).expanduser()
    is_local = folder.is_dir()
    if is_local:
        _check_source(folder)
    source = str(folder) if is_local else name_or_folder
    with _quiet_hub(), quiet_transformers(bars=not is_local):
        tokenizer, model = _load(source, is_local)
        _check_ids(source, tokenizer, model)
        longest = find_window(tokenizer.model_max_length, count_positions(model))
        settings = _settings(source, is_local, longest, pooling, prefix, max_windows)
    with encoder_folder(out) as part, quiet_transformers():
        # An encoder folder has exactly one model.safetensors, so the weights must not be split.
        model.save_pretrained(str(part), max_shard_size="1TB")
        save_tokenizer(tokenizer.backend_tokenizer, part, window=longest, **_tokenizer_settings(tokenizer))
        settings.save(part)


# Loading


def _check_source(folder: Path) -> None:
    """Raise XltError if a local folder lacks a file. The messages of transformers for this are misleading."""
    missing = []
    if not (folder / "config.json").is_file():
        missing.append("config.json")
    if not any(file for pattern in WEIGHT_PATTERNS for file in folder.glob(pattern)):
        missing.append("weights (model.safetensors or pytorch_model.bin)")
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        missing.append("a tokenizer (tokenizer.json)")
    if missing:
        raise XltError(
            f"{folder} is not a Hugging Face encoder (missing: {', '.join(missing)}). Give a complete folder."
        )


@contextmanager
def _quiet_hub() -> Iterator[None]:
    """Hide the warnings that huggingface_hub logs at every retry of a download."""
    hub = logging.getLogger("huggingface_hub")
    level = hub.level
    hub.setLevel(logging.ERROR)
    try:
        yield
    finally:
        hub.setLevel(level)


def _load(source: str, is_local: bool) -> tuple[Any, Any]:
    """Return the fast tokenizer and the float32 model of a folder or name.

    The Hub's cache is searched before the network is used, because each file takes 25 s without a network.
    """
    # transformers, huggingface_hub, safetensors, pickle and json raise errors of many kinds.
    try:
        return _load_from(source, local_files_only=True)
    except XltError:
        raise
    except Exception as error:
        if is_local:
            raise XltError(f"{source} cannot be loaded: {_first_line(error)} Give another folder.") from error
    try:
        return _load_from(source, local_files_only=False)
    except XltError:
        raise
    except Exception as error:
        raise XltError(
            f"There is no folder {source}, and no encoder of this name could be loaded from the Hugging Face Hub: "
            f"{_first_line(error)} Check the name and the network, or give a local folder."
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".:") + "."


def _load_from(source: str, *, local_files_only: bool) -> tuple[Any, Any]:
    """Load a tokenizer and a model. No code of the source is executed: transformers reads only weights from pickles."""
    from transformers import AutoConfig, AutoTokenizer

    options: dict[str, Any] = {"local_files_only": local_files_only, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(source, **options)
    tokenizer = AutoTokenizer.from_pretrained(source, use_fast=True, **options)
    if not tokenizer.is_fast:
        raise XltError(f"{source} has no fast tokenizer (tokenizer.json). Give an encoder that has one.")
    model, report = auto_class(source, config).from_pretrained(
        source, config=config, output_loading_info=True, **options
    )
    _fill_missing(source, model, missing_tensors(model, report))
    return tokenizer, model.float()


def _fill_missing(source: str, model: Any, missing: list[str]) -> None:
    """Fill a missing pooler with zeros. Raise XltError for any other missing tensor.

    Masked language models have no pooler, but AutoModel makes one and fills it with random numbers. With zeros, each
    build writes the same folder, and loading it gives no warning. The output of the pooler is not used.
    """
    import torch

    others = [name for name in missing if not name.startswith("pooler.")]
    if others:
        raise XltError(
            f"{source} lacks {len(others)} of the encoder's tensors, such as {others[0]}. Give a complete encoder."
        )
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name in missing:
            parameters[name].zero_()


def _check_ids(source: str, tokenizer: Any, model: Any) -> None:
    """Raise XltError if the tokenizer makes ids that the model has no embedding for."""
    highest = max(tokenizer.get_vocab().values())
    rows = model.get_input_embeddings().num_embeddings
    if highest >= rows:
        raise XltError(
            f"The tokenizer of {source} makes ids up to {highest}, but its model has {rows} embeddings. "
            "Give a folder with the tokenizer of the model."
        )


# Settings


def _settings(
    source: str,
    is_local: bool,
    longest: int,
    pooling: Pooling | None,
    prefix: str | None,
    max_windows: int | None,
) -> EncoderSettings:
    """Return the settings: the arguments, then those of the source, then the defaults for this kind of model."""
    own: EncoderSettings | None = None
    if is_local and (Path(source) / SETTINGS_FILE).is_file():
        own = EncoderSettings.load(Path(source))
    if pooling is None:
        pooling = own.pooling if own else _pooling_of(source, is_local)
    if prefix is None:
        prefix = own.prefix if own else _prefix_of(source, is_local)
    if max_windows is None and own:
        return EncoderSettings(pooling, prefix, min(longest, own.window), own.max_windows)
    count = DEFAULT_MAX_WINDOWS if max_windows is None else max_windows
    return EncoderSettings(pooling, prefix, choose_window(count, longest), count or None)


def find_window(tokenizer_limit: int, positions: int | None) -> int:
    """Return the longest input of a model in word pieces, at most 512.

    Args:
        tokenizer_limit: The limit of the tokenizer. transformers writes 10**30 if it is unknown.
        positions: The number of positions of the model. None is for models with relative positions.
    """
    return min(tokenizer_limit, positions or MAX_WINDOW, MAX_WINDOW)


def _pooling_of(source: str, is_local: bool) -> Pooling:
    """Return the pooling in the settings of sentence-transformers, or `mean` if there are none."""
    path = Path(source) / POOLING_FILE if is_local else _download_optional(source, POOLING_FILE)
    config = _read_json(path)
    if config is None or config.get("pooling_mode_mean_tokens") or config.get("pooling_mode") == "mean":
        return "mean"
    if config.get("pooling_mode_cls_token") or config.get("pooling_mode") == "cls":
        return "cls"
    raise XltError(
        f"{source}: the pooling in {POOLING_FILE} is neither mean nor cls. Choose one of them.",
        parameter="pooling",
    )


def _prefix_of(source: str, is_local: bool) -> str:
    """Return the prefix of e5, which is recognized by its name or by the name in config.json, or an empty string."""
    names = [Path(source).resolve().name if is_local else source]
    if is_local:
        names.append(str((_read_json(Path(source) / "config.json") or {}).get("_name_or_path", "")))
    return E5_PREFIX if any(is_e5(name) for name in names) else ""


def is_e5(name: str) -> bool:
    """Whether a model with this name needs the prefix `query: `. The e5 `instruct` models need instructions instead."""
    return "e5-" in name.lower() and "instruct" not in name.lower()


def _download_optional(name: str, file: str) -> Path | None:
    """Return a file of the Hub or its cache, or None if the repository does not have the file.

    Raises XltError if the Hub does not answer, because a wrong guess of the pooling would go unnoticed.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(name, file))
    except Exception as error:
        if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
            return None
        raise XltError(
            f"The pooling of {name} is unknown, because the Hub did not answer ({file}). Choose mean or cls.",
            parameter="pooling",
        ) from error


def _read_json(path: Path | None) -> dict[str, Any] | None:
    """Read an optional JSON file. Return None if it does not exist."""
    if path is None or not path.is_file():
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf8"))
    except ValueError as error:
        raise XltError(f"{path} is not JSON: {error}. Give another folder.") from error
    return content


def _tokenizer_settings(tokenizer: Any) -> dict[str, Any]:
    """Return the settings that PreTrainedTokenizerFast does not read from tokenizer.json."""
    return {
        **{name: str(token) for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)},
        # The encoders of T5 and XLM-R have no token_type_ids.
        "model_input_names": tokenizer.model_input_names,
        "padding_side": tokenizer.padding_side,
        "truncation_side": tokenizer.truncation_side,
    }

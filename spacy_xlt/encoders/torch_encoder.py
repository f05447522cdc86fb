"""The PyTorch back end: any Hugging Face encoder, on CPU or GPU."""

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

import numpy as np
import srsly

from spacy_xlt.encoders.architecture import auto_class, count_positions, missing_tensors, pooler_options
from spacy_xlt.encoders.base import Floats2d, batches_of_like_length
from spacy_xlt.encoders.cpu import has_cpu_flag
from spacy_xlt.encoders.folder import (
    TOKENIZER_CLASS,
    TOKENIZER_CONFIG,
    WEIGHTS_FILE,
    EncoderSettings,
    Pooling,
    check_folder,
)
from spacy_xlt.encoders.quiet import quiet_transformers
from spacy_xlt.encoders.tokenizer import WindowTokenizer, encode_texts
from spacy_xlt.errors import XltError, first_line

# The maximum number of word pieces in a batch. Two cores are busy with them, and the activations fit into the caches.
BATCH_PIECES = 1024

# transformers changes global state of torch while it loads a model. Two threads at once would damage that state.
_LOADING = threading.Lock()


def load_model(folder: Path) -> Any:
    """Load the encoder of a folder in float32, without a pooling head and without the decoder of T5.

    Args:
        folder: The encoder folder.

    Returns:
        The Hugging Face model.

    Raises:
        XltError: The folder is damaged, or its kind of model cannot be used.
    """
    from transformers import AutoConfig

    try:
        with quiet_transformers():
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            model, report = auto_class(str(folder), config).from_pretrained(
                folder, config=config, local_files_only=True, output_loading_info=True, **pooler_options(config)
            )
    except XltError:
        raise
    except Exception as error:  # safetensors, transformers and torch raise errors of many kinds.
        reason = first_line(error)
        raise XltError(
            f"The encoder in {folder} cannot be loaded ({type(error).__name__}: {reason}). "
            "Its files are damaged or of another kind of model. Make the folder again."
        ) from error
    # transformers fills missing tensors with random numbers. A pooling head is not used.
    missing = [name for name in missing_tensors(model, report) if not name.startswith("pooler.")]
    if missing:
        raise XltError(
            f"The encoder in {folder} lacks {len(missing)} of its tensors, such as {missing[0]}. Make the folder again."
        )
    return model.float()  # transformers 5 keeps the precision of the file.


def has_bfloat16(device: Any) -> bool:
    """Whether a torch device supports bfloat16 in hardware. Other devices convert to float32, ten times slower."""
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and has_cpu_flag("avx512_bf16", "amx_bf16", "bf16")


class TorchEncoder:
    """Encode texts with PyTorch. Registered as `spacy-xlt.TorchEncoder.v1`.

    `pooling`, `prefix`, `window` and `max_windows` replace the settings of the encoder folder (`xlt_encoder.json`).
    None keeps the folder's setting. See `EncoderSettings`.

    Args:
        pooling: `mean` or `cls`.
        prefix: The text that is put before every text.
        window: The longest input in word pieces. It is never longer than the model's positions.
        max_windows: The number of windows that are read of a text. 0 reads the whole text.
        device: `cpu`, `cuda:0` and so on. None uses the device that `spacy.require_gpu` or `--gpu-id` chose.
        bfloat16: Multiply matrices in bfloat16 if the CPU or GPU supports it. This nearly doubles the speed, and the
            cosine to the float32 vectors is .999. Hardware without bfloat16 uses float32.

    Raises:
        XltError: A setting is not allowed.
    """

    extra = "train"

    def __init__(
        self,
        pooling: Optional[Pooling] = None,
        prefix: Optional[str] = None,
        window: Optional[int] = None,
        max_windows: Optional[int] = None,
        device: Optional[str] = None,
        bfloat16: bool = False,
    ) -> None:
        given = {"pooling": pooling, "prefix": prefix, "window": window, "max_windows": max_windows}
        # The values are those of the constructor, so that a copy can be made with them.
        self.overrides: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        self.device = device
        self.bfloat16 = bfloat16
        self.settings = self._override(EncoderSettings())
        self._tokenizer: Optional[WindowTokenizer] = None
        self._tokenizer_config: dict[str, Any] = {}
        self._model: Any = None
        self._process = os.getpid()

    def _override(self, settings: EncoderSettings) -> EncoderSettings:
        new = dict(self.overrides)
        if new.get("max_windows") == 0:
            new["max_windows"] = None
        return replace(settings, **new)

    @property
    def is_loaded(self) -> bool:
        return self._model is not None

    @property
    def model(self) -> Any:
        """The Hugging Face model."""
        return self._model

    @property
    def tokenizer(self) -> WindowTokenizer:
        """The tokenizer with the special word pieces and the prefix of the encoder."""
        assert self._tokenizer is not None, "The encoder has no weights yet: load a folder first."
        return self._tokenizer

    @property
    def tokenizer_config(self) -> dict[str, Any]:
        """The content of tokenizer_config.json. AutoTokenizer needs it, but this class does not."""
        return self._tokenizer_config

    @property
    def width(self) -> int:
        return int(self._model.config.hidden_size) if self.is_loaded else 0

    @property
    def tokenizer_json(self) -> str:
        """The content of tokenizer.json."""
        return self.tokenizer.json

    def load(self, folder: Path) -> None:
        """See `TextEncoder.load`."""
        self._notice_fork()
        check_folder(folder)
        with _LOADING:
            model = load_model(folder)
        try:
            settings = self._override(EncoderSettings.load(folder))
            config_file = folder / TOKENIZER_CONFIG
            tokenizer_config = json.loads(config_file.read_text(encoding="utf8")) if config_file.is_file() else {}
            self.set_model(
                model, (folder / "tokenizer.json").read_text(encoding="utf8"), settings, dict(tokenizer_config)
            )
        except XltError:
            raise
        except Exception as error:  # tokenizers raises plain Exception.
            raise XltError(f"The tokenizer in {folder} cannot be read ({error}). Make the folder again.") from error

    def set_model(
        self,
        model: Any,
        tokenizer_json: str,
        settings: EncoderSettings,
        tokenizer_config: dict[str, Any] = {},  # noqa: B006  (never written)
    ) -> None:
        """Use a Hugging Face model that is already in memory, such as a fine-tuned one.

        Args:
            model: The model.
            tokenizer_json: The content of tokenizer.json.
            settings: The settings of the encoder. The window is limited by the positions of the model.
            tokenizer_config: The content of tokenizer_config.json, which `to_disk` writes for AutoTokenizer.
        """
        settings = replace(settings, window=min(settings.window, count_positions(model) or settings.window))
        self._tokenizer = WindowTokenizer(tokenizer_json, settings)
        self._tokenizer_config = tokenizer_config
        self.settings = settings
        # This comes last, because other threads check it to see whether everything is loaded.
        self._model = model.eval().requires_grad_(False)

    def replace_model(self, model: Any) -> None:
        """Use another model of the same kind, such as a trained copy. The tokenizer and the settings do not change."""
        self._model = model.eval().requires_grad_(False)

    def encode(self, texts: Sequence[str]) -> Floats2d:
        """See `TextEncoder.encode`. The vector of a long text is the mean of its windows, weighted by their lengths."""
        return encode_texts(texts, self.tokenizer, self.encode_windows)

    def encode_windows(self, windows: Sequence[list[int]]) -> Floats2d:
        """Return the pooled vectors of windows.

        Args:
            windows: The ids of each window, with special word pieces and prefix.

        Returns:
            The vectors [len(windows), width], not of unit length.
        """
        import torch

        self._notice_fork()
        device = self.resolve_device()
        vectors = np.zeros((len(windows), self.width), dtype=np.float32)
        with torch.inference_mode():
            for batch in batches_of_like_length([len(window) for window in windows], BATCH_PIECES):
                vectors[batch] = self.pool([windows[i] for i in batch], device).cpu().numpy()
        return vectors

    def encode_states(self, windows: Sequence[Sequence[int]]) -> list[Floats2d]:
        """Return the last hidden states of windows, one vector for each word piece.

        Args:
            windows: The ids of each window, with special word pieces.

        Returns:
            A matrix [len(window), width] for each window.
        """
        import torch

        self._notice_fork()
        device = self.resolve_device()
        result: list[Floats2d] = [np.zeros((0, self.width), dtype=np.float32) for _ in windows]
        with torch.inference_mode():
            for batch in batches_of_like_length([len(window) for window in windows], BATCH_PIECES):
                states = self._last_states([windows[i] for i in batch], device)[0].cpu().numpy()
                for row, i in enumerate(batch):
                    result[i] = states[row, : len(windows[i])].copy()
        return result

    def pool(self, batch: Sequence[list[int]], device: Any) -> Any:
        """Return the pooled vectors of one batch as a tensor, which can be differentiated.

        Args:
            batch: The ids of each window, the longest first.
            device: The torch device of the model.

        Returns:
            The vectors [len(batch), width], not of unit length.
        """
        states, mask = self._last_states(batch, device)
        if self.settings.pooling == "cls":
            return states[:, 0]
        weights = mask.to(states.dtype).unsqueeze(-1)
        return (states * weights).sum(1) / weights.sum(1)

    def _last_states(self, batch: Sequence[Sequence[int]], device: Any) -> tuple[Any, Any]:
        """Return the last hidden states [len(batch), longest, width] of a batch, the longest first, and its mask."""
        import torch

        ids = torch.zeros((len(batch), len(batch[0])), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, window in enumerate(batch):
            ids[row, : len(window)] = torch.tensor(window)
            mask[row, : len(window)] = 1
        ids, mask = ids.to(device), mask.to(device)
        # Without padding, no mask is needed, and attention is faster without one.
        padded = len(batch[-1]) < len(batch[0])
        bfloat16 = self.bfloat16 and has_bfloat16(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            states = self._model(input_ids=ids, attention_mask=mask if padded else None).last_hidden_state
        return states.float(), mask

    def resolve_device(self) -> Any:
        """Return the torch device of the encoder, and move the model there if it is elsewhere."""
        import torch
        from thinc.api import get_torch_default_device

        device = torch.device(self.device) if self.device else get_torch_default_device()
        if next(self._model.parameters()).device != device:
            self._model.to(device)
        return device

    def _notice_fork(self) -> None:
        """Use one thread in a forked process. It has no thread pools of the parent, and would wait forever for them."""
        if os.getpid() != self._process:
            import torch

            torch.set_num_threads(1)
            self._process = os.getpid()

    def to_disk(self, folder: Path) -> None:
        """Write the encoder folder. It may be the folder that the weights are mapped from, so files are replaced."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            new = Path(scratch)
            self._write_small_files(new)
            save_file(self._state(), new / WEIGHTS_FILE, metadata={"format": "pt"})
            shutil.copymode(new / "config.json", new / WEIGHTS_FILE)  # safetensors makes it readable by its owner only.
            for path in new.iterdir():
                os.replace(path, folder / path.name)

    def to_bytes(self) -> bytes:
        """See `TextEncoder.to_bytes`."""
        from safetensors.torch import save

        if not self.is_loaded:
            return b""
        with tempfile.TemporaryDirectory() as scratch:
            self._write_small_files(Path(scratch))
            files = {path.name: path.read_bytes() for path in Path(scratch).iterdir()}
        files[WEIGHTS_FILE] = save(self._state(), metadata={"format": "pt"})
        return bytes(srsly.msgpack_dumps(files))

    def from_bytes(self, data: bytes) -> None:
        """See `TextEncoder.from_bytes`."""
        if not data:
            return
        with tempfile.TemporaryDirectory() as scratch:
            for name, content in srsly.msgpack_loads(data).items():
                (Path(scratch) / Path(name).name).write_bytes(content)
            self.load(Path(scratch))

    def _write_small_files(self, folder: Path) -> None:
        config = self._model.config.to_diff_dict()
        # transformers 4.48 writes the path of the source folder, and an entry that makes it choose slow attention.
        for name in ("_name_or_path", "_attn_implementation_autoset"):
            config.pop(name, None)
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf8")
        (folder / "tokenizer.json").write_text(self.tokenizer_json, encoding="utf8")
        # AutoTokenizer needs these entries to read the folder.
        tokenizer_config = {
            "model_max_length": self.settings.window,
            **self._tokenizer_config,
            "tokenizer_class": TOKENIZER_CLASS,
        }
        (folder / TOKENIZER_CONFIG).write_text(json.dumps(tokenizer_config), encoding="utf8")
        self.settings.save(folder)

    def _state(self) -> dict[str, Any]:
        """Return the weights by name, contiguous and on the CPU. Tied tensors (T5's embeddings) occur once."""
        state: dict[str, Any] = {}
        seen: set[int] = set()
        for name, tensor in self._model.state_dict().items():
            if tensor.data_ptr() not in seen:
                seen.add(tensor.data_ptr())
                state[name] = tensor.detach().cpu().contiguous()
        return state

    # Spawned workers receive the weights as bytes.
    def __getstate__(self) -> dict[str, Any]:
        settings = {**self.overrides, "device": self.device, "bfloat16": self.bfloat16}
        return {"settings": settings, "data": self.to_bytes()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state["settings"])  # type: ignore[misc]
        self.from_bytes(state["data"])

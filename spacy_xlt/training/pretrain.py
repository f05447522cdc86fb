"""Continued pretraining: train a masked language model on unlabeled texts of the target languages or the domain."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

from spacy_xlt.data.dataset import Data, load_dataset
from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.folder import SETTINGS_FILE, EncoderSettings, check_folder
from spacy_xlt.encoders.huggingface import build
from spacy_xlt.encoders.tokenizer import WindowTokenizer
from spacy_xlt.errors import XltError, first_line
from spacy_xlt.extras import require
from spacy_xlt.result import Result, fingerprint
from spacy_xlt.training.callbacks import EarlyStopping
from spacy_xlt.training.loop import run_epochs
from spacy_xlt.training.settings import TrainingSettings

# The fraction of word pieces that are predicted (Devlin et al. 2019, section 3.1).
MASKED = 0.15
# Every tenth window is held out.
HOLD_OUT = 10
MIN_TEXTS = 10
# The label of word pieces that are not predicted.
IGNORED = -100


def pretrain(
    model: PathLike,
    data: Data,
    output: PathLike,
    *,
    epochs: float = 3,
    batch_size: int = 16,
    learning_rate: float = 5e-5,
    max_length: int = 128,
    seed: int = 0,
    checkpoint: Optional[PathLike] = None,
    progress: bool = True,
) -> Result:
    """Continue the pretraining of a masked language model on unlabeled texts.

    The model is written as an encoder folder. Then train a classifier on it: `train(data, encoder=output)`.

    The loss on held-out texts decides: if it does not fall, the result is rejected and nothing is written. Training
    ends early if that loss does not fall in an epoch.

    Args:
        model: A Hugging Face folder of a masked language model with its head, such as mBERT or XLM-R.
        data: Unlabeled texts: whatever `load_dataset` takes.
        output: The encoder folder to write.
        epochs: How often each text is read.
        batch_size: Texts per step.
        learning_rate: The highest learning rate.
        max_length: The number of word pieces in a window. Longer texts are split into windows.
        seed: Of the order of the texts and of the masked word pieces.
        checkpoint: A folder in which the state is saved after each epoch, so that a killed run resumes.
        progress: Show a progress bar on a terminal or in a notebook.

    Returns:
        The result. Its `metrics["loss"]` has the loss on held-out texts before and after.

    Raises:
        XltError: The folder has no masked language model, or there are too few texts.

    References:
        Devlin et al. (2019), "BERT", section 3.1. Gururangan et al. (2020), "Don't stop pretraining", sections 3 and 4.
    """
    require("train", "torch", "transformers")
    import torch
    from thinc.api import get_torch_default_device
    from transformers import DataCollatorForLanguageModeling

    settings = TrainingSettings(
        epochs, batch_size, learning_rate, max_length, average_epochs=1, bfloat16=False, seed=seed
    )
    model, output, texts = Path(model), Path(output), load_dataset(data, labeled=False).by_language()
    flat = list(dict.fromkeys(text for language in sorted(texts) for text in texts[language] if text.strip()))
    _check_number(flat)
    network, tokenizer = load_masked_model(model)
    device = get_torch_default_device()
    network.to(device)
    windows = _windows(model, tokenizer, flat, max_length)
    _check_number(windows)
    held_out = windows[::HOLD_OUT]
    train = [window for number, window in enumerate(windows) if number % HOLD_OUT]
    collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=MASKED)

    def mean_loss(batch: Sequence[Sequence[int]]) -> Any:
        """Mask word pieces of some windows at random, and return the mean loss of predicting them."""
        inputs = collator([{"input_ids": list(window)} for window in batch]).to(device)
        if not bool((inputs["labels"] != IGNORED).any()):
            return network(input_ids=inputs["input_ids"]).logits.sum() * 0.0
        return network(**inputs).loss

    def held_out_loss() -> float:
        """Return the loss on held-out windows, with the same word pieces masked in every call."""
        network.eval()
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(0)
            batches = [held_out[start : start + batch_size] for start in range(0, len(held_out), batch_size)]
            loss = sum(float(mean_loss(batch)) * len(batch) for batch in batches) / len(held_out)
        network.train()
        return loss

    before = held_out_loss()
    run_epochs(
        network,
        [{"params": list(network.parameters()), "lr": learning_rate}],
        lambda rows: mean_loss([train[row] for row in rows]) * len(rows),
        [len(window) for window in train],
        settings,
        callbacks=[EarlyStopping(lambda: -held_out_loss())],
        checkpoint=None if checkpoint is None else Path(checkpoint),
        progress=progress,
        title="Pretraining",
    )
    after = held_out_loss()
    accepted = after < before
    if accepted:
        _save(network, tokenizer, model, output)
    return Result(
        "pretrain",
        accepted,
        f"The loss on held-out texts changed from {before:.3f} to {after:.3f}."
        + ("" if accepted else " Nothing was written. Give more texts, or use fewer epochs."),
        {**settings.to_dict(), "languages": sorted(texts)},
        {"texts": fingerprint([Record(text, (), "", "") for text in flat])},
        {"loss": {"n": len(held_out), "before": round(before, 4), "after": round(after, 4)}},
    )


def load_masked_model(folder: Path) -> tuple[Any, Any]:
    """Load a masked language model with its head, and its tokenizer.

    Raises:
        XltError: The folder has none.
    """
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    if not (folder / "config.json").is_file():
        raise XltError(f"{folder} is not a Hugging Face folder: it has no config.json. Use another folder.")
    try:
        network, report = AutoModelForMaskedLM.from_pretrained(folder, local_files_only=True, output_loading_info=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True)
    except Exception as error:  # transformers and safetensors raise many kinds of exceptions
        raise XltError(
            f"{folder}: the masked language model cannot be loaded ({first_line(error)}). Use mBERT or XLM-R."
        ) from error
    # The decoder's weights are those of the word embeddings, so files do not have them.
    missing = [name for name in report["missing_keys"] if "decoder" not in name and not name.startswith("pooler.")]
    if missing or tokenizer.mask_token_id is None:
        reason = f"it lacks {missing[0]}" if missing else "its tokenizer has no mask token"
        raise XltError(f"{folder} has no masked language model ({reason}). Use mBERT or XLM-R with its head.")
    return network.float(), tokenizer


def _check_number(texts: Sequence[Any]) -> None:
    if len(texts) < MIN_TEXTS:
        raise XltError(f"Pretraining needs at least {MIN_TEXTS} different texts, not {len(texts)}. Give more texts.")


def _windows(folder: Path, tokenizer: Any, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """Split texts into windows of word pieces, with the special tokens but without the encoder's prefix."""
    found = EncoderSettings.load(folder) if (folder / SETTINGS_FILE).is_file() else EncoderSettings(window=max_length)
    settings = EncoderSettings(found.pooling, "", min(found.window, max_length))
    windows, _, _ = WindowTokenizer(tokenizer.backend_tokenizer.to_str(), settings).windows(texts)
    return [list(window) for window in windows]


def _save(network: Any, tokenizer: Any, model: Path, output: Path) -> None:
    """Write an encoder folder with the pooling and prefix of the folder that training started from."""
    with tempfile.TemporaryDirectory(prefix="spacy_xlt_") as scratch:
        network.eval().save_pretrained(scratch)
        tokenizer.save_pretrained(scratch)
        if (model / SETTINGS_FILE).is_file():
            shutil.copy(model / SETTINGS_FILE, scratch)
        build(scratch, output)
    check_folder(output)

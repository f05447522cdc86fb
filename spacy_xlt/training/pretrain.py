"""Continued masked-language modelling: the encoder reads unlabelled texts of target languages before it classifies."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from spacy_xlt.progress import progress_bar

from spacy_xlt.data.dataset import Data, load_dataset
from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.folder import SETTINGS_FILE, EncoderSettings, check_folder
from spacy_xlt.encoders.huggingface import build
from spacy_xlt.encoders.tokenizer import WindowTokenizer
from spacy_xlt.errors import XltError, first_line
from spacy_xlt.extras import require
from spacy_xlt.transfer.acceptance import fingerprint

# Devlin et al. 2019, section 3.1: of the pieces, so many are to be guessed; of these 80 % become the mask, 10 % another
# piece, 10 % stay.
GUESSED, MASKED, REPLACED = 0.15, 0.8, 0.1
BATCH, LONGEST = 16, 128
IGNORED = -100
EPOCHS, RATE = 3, 5e-5
FEWEST_TEXTS = 10


def pretrain(
    model: PathLike,
    out: PathLike,
    texts: Data,
    *,
    epochs: float = EPOCHS,
    rate: float = RATE,
    seed: int = 0,
    progress: bool = True,
) -> dict[str, Any]:
    """Train a masked language model on unlabelled texts, and write its encoder to the encoder folder `out`.

    Then train the classifier on it: `xlt train DATA MODEL --encoder OUT`. It runs on the GPU that `spacy.require_gpu`
    chose, if it did.

    model: a Hugging Face folder of a masked language model with its head (mBERT, XLM-R), as the Hub has it; our encoder
        folders have none. texts: {language: texts, or files of them}, or files. rate: of AdamW, with linear decay.
    Returns {texts, sha256, loss_before, loss_after, epochs, rate, seed}: the losses are on every tenth text, which is
    not trained on.
    Raises XltError for a folder without such a head, for too few texts, and if the loss does not fall.
    """
    require("train", "torch", "transformers")
    import torch
    from thinc.api import get_torch_default_device

    model, out, texts = Path(model), Path(out), load_dataset(texts, labeled=False).by_language()
    flat = list(dict.fromkeys(text for language in sorted(texts) for text in texts[language] if text.strip()))
    if len(flat) < FEWEST_TEXTS:
        raise XltError(f"Masked-language modelling needs at least {FEWEST_TEXTS} different texts, not {len(flat)}.")
    network, tokenizer, mask, specials = _load(model)
    network.to(get_torch_default_device())
    settings = EncoderSettings.load(model) if (model / SETTINGS_FILE).is_file() else EncoderSettings(window=LONGEST)
    windows, _, _ = WindowTokenizer(tokenizer.backend_tokenizer.to_str(), _short(settings)).windows(flat)
    held = windows[::10]
    train = [window for number, window in enumerate(windows) if number % 10] or windows
    noise = _Noise(mask, specials, int(network.config.vocab_size), int(network.config.pad_token_id or 0))
    steps = max(1, math.ceil(epochs * len(train) / BATCH))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        chance = np.random.default_rng(seed)
        before = _loss(network, noise, held)
        network.train()
        optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01)
        order = _endless(len(train), chance)
        for step in progress_bar(range(steps), title="Masked words", unit="step", show=progress):
            optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
            batch = [train[next(order)] for _ in range(min(BATCH, len(train)))]
            loss = _batch_loss(network, *noise(batch, chance))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
        after = _loss(network, noise, held)
    records = [Record(text, (), "", "") for text in flat]
    card = {**fingerprint(records), "languages": sorted(texts), "loss_before": round(before, 4),
            "loss_after": round(after, 4), "epochs": epochs, "rate": rate, "seed": seed}  # fmt: skip
    if after >= before:
        raise XltError(
            f"The loss on held-out texts did not fall ({before:.3f} to {after:.3f}): nothing was written. "
            "Give more texts, or fewer epochs."
        )
    _save(network, tokenizer, model, out)
    return card


def _save(network: Any, tokenizer: Any, model: Path, out: Path) -> None:
    """Write the encoder as `init-encoder` does, with the pooling and prefix of the folder it came from."""
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="spacy_xlt_") as scratch:
        network.eval().save_pretrained(scratch)
        tokenizer.save_pretrained(scratch)
        if (model / SETTINGS_FILE).is_file():
            shutil.copy(model / SETTINGS_FILE, scratch)
        build(scratch, out)
    check_folder(out)


def _load(model: Path) -> tuple[Any, Any, int, set[int]]:
    """(model with its head, tokenizer, id of the mask, ids of the specials)."""
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    if not (model / "config.json").is_file():
        raise XltError(f"{model} is no Hugging Face folder (it has no config.json).")
    try:
        network, report = AutoModelForMaskedLM.from_pretrained(model, local_files_only=True, output_loading_info=True)
        tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True, use_fast=True)
    except Exception as error:  # transformers and safetensors each raise kinds of their own
        reason = first_line(error)
        raise XltError(f"{model} has no masked language model that can be loaded ({reason}).") from error
    # Tied to the word embeddings, the decoder's weights are in no file.
    missing = [name for name in report["missing_keys"] if "decoder" not in name and not name.startswith("pooler.")]
    if missing or tokenizer.mask_token_id is None:
        what = f"it lacks {missing[0]}" if missing else "its tokenizer has no mask"
        raise XltError(
            f"{model} has no head that guesses masked words ({what}): give mBERT or XLM-R as the Hub has them."
        )
    return network.float(), tokenizer, int(tokenizer.mask_token_id), set(map(int, tokenizer.all_special_ids))


def _short(settings: EncoderSettings) -> EncoderSettings:
    return EncoderSettings(settings.pooling, "", min(settings.window, LONGEST))


def _endless(n: int, chance: np.random.Generator) -> Any:
    while True:
        yield from chance.permutation(n).tolist()


class _Noise:
    """Hides pieces of windows: ids, attention mask and the pieces to guess (`IGNORED` elsewhere), all [n, longest]."""

    def __init__(self, mask: int, specials: set[int], pieces: int, padding: int) -> None:
        self.mask, self.specials, self.pieces, self.padding = mask, specials, pieces, padding

    def __call__(self, batch: Sequence[Sequence[int]], chance: np.random.Generator) -> tuple[Any, Any, Any]:
        longest = max(map(len, batch))
        ids = np.full((len(batch), longest), self.padding)
        there = np.zeros_like(ids)
        for row, window in enumerate(batch):
            ids[row, : len(window)] = window
            there[row, : len(window)] = 1
        open_ = there.astype(bool) & ~np.isin(ids, list(self.specials))
        guessed = open_ & (chance.random(ids.shape) < GUESSED)
        # Every window has something to guess.
        for row in np.flatnonzero(open_.any(axis=1) & ~guessed.any(axis=1)).tolist():
            guessed[row, chance.choice(np.flatnonzero(open_[row]))] = True
        goal = np.where(guessed, ids, IGNORED)
        dice = chance.random(ids.shape)
        ids = np.where(guessed & (dice < MASKED), self.mask, ids)
        other = guessed & (dice >= MASKED) & (dice < MASKED + REPLACED)
        ids = np.where(other, chance.integers(0, self.pieces, ids.shape), ids)
        return ids, there, goal


def _batch_loss(network: Any, ids: Any, there: Any, goal: Any) -> Any:
    import torch

    device = next(network.parameters()).device
    ids, there, goal = (torch.as_tensor(part, device=device) for part in (ids, there, goal))
    return network(input_ids=ids, attention_mask=there, labels=goal).loss


def _loss(network: Any, noise: _Noise, windows: Sequence[Sequence[int]]) -> float:
    """The mean loss over batches, with the same pieces hidden at every call."""
    import torch

    network.eval()
    chance = np.random.default_rng(0)
    with torch.inference_mode():
        losses = [
            float(_batch_loss(network, *noise(windows[start : start + BATCH], chance)))
            for start in range(0, len(windows), BATCH)
        ]
    return float(np.mean(losses))

"""Encoder-decoders of Hugging Face: Marian (OPUS-MT), NLLB, M2M-100, mBART, mT5 and others."""

import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Optional
from zlib import crc32

from spacy_xlt.encoders.base import batches_of_like_length
from spacy_xlt.encoders.quiet import quiet_transformers
from spacy_xlt.errors import NotInstalledError, XltError
from spacy_xlt.generation.facts import FolderFacts, read_facts
from spacy_xlt.generation.settings import GenerationSettings
from spacy_xlt.translators.folder import BATCH_PIECES, ENDS, MAX_PIECES, FolderTranslator, Request
from spacy_xlt.translators.stopping import make_loop_criterion
from spacy_xlt.translators.tokens import Tokens, code_of, language_tokens

# The architectures of models that know what to do by a prompt.
PROMPTED = ("t5", "mt5", "umt5", "longt5")


class LoadedModel(NamedTuple):
    """An encoder-decoder with its tokenizer. See `FolderTranslator`."""

    tokenizer: Any
    model: Any
    tokens: dict[str, list[str]]
    facts: FolderFacts
    prompted: bool
    skipped: frozenset[int]


class HuggingFaceSeq2Seq(FolderTranslator):
    """`spacy-xlt.HuggingFaceSeq2Seq.v1`: a folder with an encoder-decoder and its tokenizer.

    The languages of multilingual models are known from their language tokens. A model with a single pair of languages
    (OPUS-MT) does not say which, so name the languages that it translates from in the component.

    Args:
        device: `cpu`, `cuda:0` and so on. None uses the device that `spacy.require_gpu` or `--gpu-id` chose.
    """

    extra = "train"
    patterns = ("*.json", "*.safetensors", "*.spm", "*.model", "*.txt")

    def __init__(self, device: Optional[str] = None) -> None:
        super().__init__()
        self.device = device

    def config(self) -> dict[str, Any]:
        """See `Translator.config`."""
        return {"@xlt_translators": "spacy-xlt.HuggingFaceSeq2Seq.v1", "device": self.device}

    def load(self, folder: Path) -> None:
        """Take the model of a folder. Weights that are not in safetensors are converted.

        Raises:
            XltError: Files are missing or damaged, or a package is not installed.
        """
        folder = Path(folder)
        self.check(folder)
        if any(folder.glob("*.safetensors")):
            super().load(folder)
            return
        scratch = self.make_scratch()
        _save(self._read(folder), scratch)
        super().load(scratch)

    def check(self, folder: Path) -> None:
        """See `FolderTranslator.check`."""
        missing = [name for name in ("torch", "transformers") if find_spec(name) is None]
        if missing:
            raise NotInstalledError(
                f"HuggingFaceSeq2Seq needs {' and '.join(missing)}. Install with: pip install 'spacy-xlt[train]'"
            )
        weights = [*folder.glob("*.safetensors"), *folder.glob("pytorch_model*.bin")]
        if not (folder / "config.json").is_file() or not weights:
            raise XltError(f"{folder} is not a folder of a Hugging Face model: it needs config.json and weights.")

    def read(self, folder: Path) -> LoadedModel:
        """See `FolderTranslator.read`. No code of the folder is run."""
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        with quiet_transformers(), warnings.catch_warnings():
            # Marian's tokenizer recommends a package that normalizes punctuation.
            warnings.filterwarnings("ignore", "Recommended: pip install sacremoses")
            tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), **options)
            model: Any = AutoModelForSeq2SeqLM.from_pretrained(str(folder), **options)
        # The language tokens of OPUS-MT and of M2M-100 are not among the special ones.
        others = [*getattr(tokenizer, "supported_language_codes", []), *getattr(tokenizer, "lang_token_to_id", [])]
        special = [*tokenizer.all_special_tokens, *others]
        facts = read_facts(folder)
        longest = min(facts.max_pieces or MAX_PIECES, tokenizer.model_max_length)
        prompted = model.config.model_type in PROMPTED
        facts = facts.model_copy(update={"max_pieces": longest})
        tokens = language_tokens(special)
        # M2M-100 does not count its language tokens as special.
        skipped = frozenset(
            tokenizer.convert_tokens_to_ids([token for of_code in tokens.values() for token in of_code])
        )
        return LoadedModel(tokenizer, model.eval(), tokens, facts, prompted, skipped)

    def save_model(self, facts: FolderFacts) -> None:
        """Write the model as it is in memory to a temporary folder, which is removed with this object, and take it.

        Args:
            facts: How to use the model.
        """
        scratch = self.make_scratch()
        _save(self.model, scratch)
        facts.save(scratch)
        super().load(scratch)

    def prepare_fork(self) -> None:
        """See `FolderTranslator.prepare_fork`. With several threads, torch hangs in a forked process."""
        import torch

        torch.set_num_threads(1)

    def count_pieces(self, texts: Sequence[str]) -> list[int]:
        """See `FolderTranslator.count_pieces`."""
        return [len(ids) for ids in self.model.tokenizer(list(texts), verbose=False).input_ids] if texts else []

    def generate_pieces(self, texts: Sequence[str], request: Request) -> list[list[Any]]:
        """See `FolderTranslator.generate_pieces`."""
        import torch
        from thinc.api import get_torch_default_device

        tokenizer, model, limit = self.model.tokenizer, self.model.model, self.max_pieces()
        settings = request.settings
        model.to(torch.device(self.device) if self.device else get_torch_default_device())
        inputs = encode_inputs(tokenizer, texts, request.tokens, limit)
        lengths = [len(ids) for ids in inputs]
        result: list[list[Any]] = [[]] * len(texts)
        # A random output would depend on the other texts of its batch.
        batches = [[row] for row in range(len(texts))] if settings.samples else None
        for rows in batches or batches_of_like_length(lengths, max(1, BATCH_PIECES // settings.beams)):
            longest = [settings.longest_output(lengths[row], limit - ENDS) for row in rows]
            found = self._decode([inputs[row] for row in rows], max(longest), request)
            # Cut, so that the other texts of the batch do not change an output that does not end.
            for row, ids, most in zip(rows, found, longest):
                result[row] = _without_ends(ids, request.tokens, tokenizer)[:most]
        return result

    def _decode(self, inputs: Sequence[Sequence[int]], longest: int, request: Request) -> list[list[int]]:
        """Return the ids that the decoder gives for a batch."""
        import torch

        tokenizer, model = self.model.tokenizer, self.model.model
        settings, options = request.settings, _options(request.settings)
        if request.tokens.source:
            options["forced_bos_token_id"] = tokenizer.convert_tokens_to_ids(request.tokens.target)
        ids, mask = (torch.tensor(rows, device=model.device) for rows in padded(inputs, tokenizer.pad_token_id))
        if settings.beams == 1:
            options["stopping_criteria"] = [make_loop_criterion(len(ids))]
        with torch.inference_mode(), torch.random.fork_rng(enabled=settings.samples):
            if settings.samples:
                torch.manual_seed(settings.seed + crc32(bytes(str(inputs), "utf8")))
            # Besides the output there are a language token and an end, which some models force at the limit.
            found = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=longest + ENDS - 1, **options)
        return list(found.tolist())

    def decode(self, pieces: Sequence[Any]) -> str:
        """See `FolderTranslator.decode`."""
        tokenizer, skipped = self.model.tokenizer, self.model.skipped
        kept = [piece for piece in pieces if piece not in skipped]
        return str(tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def _save(loaded: LoadedModel, folder: Path) -> None:
    """Write a model and its tokenizer to a folder."""
    with quiet_transformers(), warnings.catch_warnings():
        # The settings of older models for generating were in the config of the model.
        warnings.filterwarnings("ignore", "Moving the following attributes")
        for part in (loaded.tokenizer, loaded.model):
            part.save_pretrained(str(folder))


def encode_inputs(tokenizer: Any, texts: Sequence[str], tokens: Tokens, limit: int) -> list[list[int]]:
    """Return the ids of the word pieces of inputs, with special ones and language tokens.

    Args:
        tokenizer: The tokenizer. Its source language is set.
        texts: The inputs.
        tokens: The language tokens.
        limit: The most word pieces. Longer inputs are cut off.
    """
    if tokens.source:
        # M2M-100 wants `de`. NLLB and mBART want the token, which is also the code that it names.
        tokenizer.src_lang = code_of(tokens.source)
    prefix = f"{tokens.target} " if tokens.target and not tokens.source else ""
    if not texts:
        return []
    return list(tokenizer([prefix + text for text in texts], truncation=True, max_length=limit).input_ids)


def encode_targets(tokenizer: Any, texts: Sequence[str], tokens: Tokens, limit: int) -> list[list[int]]:
    """Return the ids of the word pieces that the decoder must predict, with special ones and language tokens.

    Args:
        tokenizer: The tokenizer. Its target language is set.
        texts: The targets.
        tokens: The language tokens.
        limit: The most word pieces. Longer targets are cut off.
    """
    if tokens.source:
        tokenizer.tgt_lang = code_of(tokens.target)
    return list(tokenizer(text_target=list(texts), truncation=True, max_length=limit).input_ids)


def padded(rows: Sequence[Sequence[int]], padding: int) -> tuple[list[list[int]], list[list[int]]]:
    """Return rows of the same length, and their attention mask."""
    longest = max(map(len, rows))
    missing = [longest - len(row) for row in rows]
    ids = [[*row, *[padding] * count] for row, count in zip(rows, missing)]
    return ids, [[1] * len(row) + [0] * count for row, count in zip(rows, missing)]


def _options(settings: GenerationSettings) -> dict[str, Any]:
    """The options of `generate` of transformers."""
    if settings.samples:
        return {
            "do_sample": True,
            "temperature": settings.temperature,
            "top_k": settings.top_k,
            "top_p": settings.top_p,
            "num_beams": 1,
        }
    return {"do_sample": False, "num_beams": settings.beams}


def _without_ends(ids: Sequence[int], tokens: Tokens, tokenizer: Any) -> list[int]:
    """The ids between the start, which may be a language token, and the end of an output."""
    start = 2 if tokens.source else 1
    end = ids.index(tokenizer.eos_token_id, start) if tokenizer.eos_token_id in ids[start:] else len(ids)
    return list(ids[start:end])

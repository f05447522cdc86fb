"""Translation models of Hugging Face: Marian (OPUS-MT), NLLB, M2M-100, mBART and others."""

import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Optional

from spacy_xlt.encoders.base import batches_of_like_length
from spacy_xlt.encoders.quiet import quiet_transformers
from spacy_xlt.errors import NotInstalledError, XltError
from spacy_xlt.translators.folder import BATCH_PIECES, MAX_PIECES, FolderTranslator, longest_translation
from spacy_xlt.translators.tokens import Tokens, code_of, language_tokens


class _Loaded(NamedTuple):
    tokenizer: Any
    model: Any
    tokens: dict[str, list[str]]


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
        loaded = self._read(folder)
        with quiet_transformers():
            for part in (loaded.tokenizer, loaded.model):
                part.save_pretrained(str(scratch))
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

    def read(self, folder: Path) -> _Loaded:
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
        return _Loaded(tokenizer, model.eval(), language_tokens(special))

    def prepare_fork(self) -> None:
        """See `FolderTranslator.prepare_fork`. With several threads, torch hangs in a forked process."""
        import torch

        torch.set_num_threads(1)

    def translate_sentences(self, sentences: list[str], tokens: Tokens) -> list[str]:
        """See `FolderTranslator.translate_sentences`."""
        import torch
        from thinc.api import get_torch_default_device

        tokenizer, model, _ = self.model
        options: dict[str, Any] = {}
        prefix = ""
        if tokens.source:
            # M2M-100 wants `de`. NLLB and mBART want the token, which is also the code that it names.
            tokenizer.src_lang = code_of(tokens.source)
            options["forced_bos_token_id"] = tokenizer.convert_tokens_to_ids(tokens.target)
        elif tokens.target:
            prefix = f"{tokens.target} "
        device = torch.device(self.device) if self.device else get_torch_default_device()
        model.to(device)
        limit = min(MAX_PIECES, tokenizer.model_max_length)
        texts = [prefix + sentence for sentence in sentences]
        lengths = [len(ids) for ids in tokenizer(texts, truncation=True, max_length=limit).input_ids]
        result = [""] * len(sentences)
        for rows in batches_of_like_length(lengths, BATCH_PIECES):
            batch = tokenizer(
                [texts[row] for row in rows], padding=True, truncation=True, max_length=limit, return_tensors="pt"
            )
            longest = [longest_translation(lengths[row], limit - 1) for row in rows]
            with torch.inference_mode():
                found = model.generate(
                    **batch.to(device), max_new_tokens=longest[0] + 1, num_beams=1, do_sample=False, **options
                )
            # Cut, so that the other sentences of the batch do not change a translation that does not end. Some models
            # end each translation at the limit, which is why it is one more.
            ids = [each[: 1 + most] for each, most in zip(found, longest)]
            for row, text in zip(rows, tokenizer.batch_decode(ids, skip_special_tokens=True)):
                result[row] = text
        return result

"""Translation models that were converted for CTranslate2, which runs them fast on a CPU."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, NamedTuple

from spacy_xlt.encoders.cpu import usable_threads
from spacy_xlt.errors import NotInstalledError, XltError
from spacy_xlt.translators.folder import BATCH_PIECES, MAX_PIECES, FolderTranslator, longest_translation
from spacy_xlt.translators.tokens import Tokens, language_tokens

END = "</s>"
# The tokenizer of both sides, in the order in which they are looked for.
SHARED = ("sentencepiece.bpe.model", "spm.model", "spiece.model")


class _Loaded(NamedTuple):
    translator: Any
    encode: Callable[[str], list[str]]
    decode: Callable[[list[str]], str]
    tokens: dict[str, list[str]]


class CTranslate2(FolderTranslator):
    """`spacy-xlt.CTranslate2.v1`: a folder that `ct2-transformers-converter` has written.

    The folder must also hold the files of the tokenizer: `tokenizer.json`, or `source.spm` and `target.spm`, or a
    sentencepiece model of both sides. The converter copies them with `--copy_files`.
    """

    extra = "translate"
    patterns = ("model.bin", "*.json", "*.spm", "*.model", "*.txt")

    def config(self) -> dict[str, Any]:
        """See `Translator.config`."""
        return {"@xlt_translators": "spacy-xlt.CTranslate2.v1"}

    def check(self, folder: Path) -> None:
        """See `FolderTranslator.check`."""
        if find_spec("ctranslate2") is None:
            raise NotInstalledError("CTranslate2 needs ctranslate2. Install with: pip install 'spacy-xlt[translate]'")
        if not (folder / "model.bin").is_file() or not (folder / "config.json").is_file():
            raise XltError(f"{folder} is not a folder of CTranslate2: it needs model.bin and config.json.")
        _tokenizer_files(folder)

    def read(self, folder: Path) -> _Loaded:
        """See `FolderTranslator.read`."""
        import ctranslate2

        translator = ctranslate2.Translator(str(folder), device="cpu", intra_threads=usable_threads())
        encode, decode = _read_tokenizer(_tokenizer_files(folder))
        return _Loaded(translator, encode, decode, language_tokens(_vocabulary(folder)))

    def translate_sentences(self, sentences: list[str], tokens: Tokens) -> list[str]:
        """See `FolderTranslator.translate_sentences`."""
        translator, encode, decode, _ = self.model
        # OPUS-MT reads the target token before the text. Other models read the source token there, and begin the
        # translation with the target token.
        token = tokens.source or tokens.target
        before = [token] if token else []
        prefix = [tokens.target] if tokens.source else []
        pieces = [[*before, *encode(sentence)[:MAX_PIECES], END] for sentence in sentences]
        longest = [longest_translation(len(each)) for each in pieces]
        found = translator.translate_batch(
            pieces,
            target_prefix=[prefix] * len(pieces) if prefix else None,
            max_batch_size=BATCH_PIECES,
            batch_type="tokens",
            beam_size=1,
            max_decoding_length=max(longest, default=1),
        )
        # Cut, so that the other sentences do not change a translation that does not end.
        return [decode(each.hypotheses[0][len(prefix) : most]) for each, most in zip(found, longest)]


def _tokenizer_files(folder: Path) -> tuple[Path, Path]:
    """The files of the tokenizers of both sides. Raises XltError if there are none."""
    for source, target in (("tokenizer.json",) * 2, ("source.spm", "target.spm"), *((name, name) for name in SHARED)):
        if (folder / source).is_file() and (folder / target).is_file():
            return folder / source, folder / target
    raise XltError(
        f"{folder} has no tokenizer. Copy tokenizer.json, or source.spm and target.spm, or {SHARED[0]} of the original "
        "model into the folder."
    )


def _read_tokenizer(files: tuple[Path, Path]) -> tuple[Callable[[str], list[str]], Callable[[list[str]], str]]:
    """The functions that split a text into pieces, and that join the pieces of a translation."""
    if files[0].suffix == ".json":
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(files[0]))

        def encode(text: str) -> list[str]:
            return list(tokenizer.encode(text, add_special_tokens=False).tokens)

        def decode(pieces: list[str]) -> str:
            ids = [number for piece in pieces if (number := tokenizer.token_to_id(piece)) is not None]
            return str(tokenizer.decode(ids, skip_special_tokens=True))

        return encode, decode
    import sentencepiece

    source, target = (sentencepiece.SentencePieceProcessor(model_file=str(file)) for file in files)
    return lambda text: list(source.encode(text, out_type=str)), lambda pieces: str(target.decode(pieces))


def _vocabulary(folder: Path) -> list[str]:
    """The tokens of the source side."""
    for name in ("shared_vocabulary", "source_vocabulary"):
        if (folder / f"{name}.json").is_file():
            return list(json.loads((folder / f"{name}.json").read_text(encoding="utf8")))
        if (folder / f"{name}.txt").is_file():
            return (folder / f"{name}.txt").read_text(encoding="utf8").split("\n")
    return []

"""Encoder-decoders that were converted for CTranslate2, which runs them fast on a CPU."""

import json
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, NamedTuple

from spacy_xlt.encoders.base import batches_of_like_length
from spacy_xlt.encoders.cpu import usable_threads
from spacy_xlt.errors import NotInstalledError, UnusableError, XltError
from spacy_xlt.generation.facts import FolderFacts, read_facts
from spacy_xlt.generation.loops import LoopDetector
from spacy_xlt.translators.folder import BATCH_PIECES, ENDS, FolderTranslator, Request
from spacy_xlt.translators.tokens import language_tokens

END = "</s>"
# Word pieces that are no part of a text.
SPECIAL = frozenset(("<s>", END, "<pad>", "<unk>", "<mask>"))
# The tokenizer of both sides, in the order in which they are looked for.
SHARED = ("sentencepiece.bpe.model", "spm.model", "spiece.model")


class _Loaded(NamedTuple):
    translator: Any
    encode: Callable[[str], list[str]]
    decode: Callable[[list[str]], str]
    tokens: dict[str, list[str]]
    facts: FolderFacts
    prompted: bool
    skipped: frozenset[str]


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
        tokens = language_tokens(_vocabulary(folder))
        skipped = SPECIAL.union(*tokens.values())
        return _Loaded(translator, encode, decode, tokens, read_facts(folder), False, skipped)

    def count_pieces(self, texts: Sequence[str]) -> list[int]:
        """See `FolderTranslator.count_pieces`."""
        return [len(self.model.encode(text)) + 2 for text in texts]

    def generate_pieces(self, texts: Sequence[str], request: Request) -> list[list[Any]]:
        """See `FolderTranslator.generate_pieces`. Raises XltError if outputs are to be drawn at random."""
        translator, settings, limit = self.model.translator, request.settings, self.max_pieces()
        if settings.samples:
            raise UnusableError(
                f"temperature is {settings.temperature}. CTranslate2 draws other word pieces every time, whatever the "
                "seed is. Set it to 0, or use a folder of Hugging Face."
            )
        # OPUS-MT reads the target token before the text. Other models read the source token there, and begin the output
        # with the target token.
        token = request.tokens.source or request.tokens.target
        before = [token] if token else []
        prefix = [request.tokens.target] if request.tokens.source else []
        inputs = [[*before, *self.model.encode(text)[: limit - len(before) - 1], END] for text in texts]
        lengths = [len(pieces) for pieces in inputs]
        result: list[list[Any]] = [[]] * len(texts)
        for rows in batches_of_like_length(lengths, max(1, BATCH_PIECES // settings.beams)):
            longest = [settings.longest_output(lengths[row], limit - ENDS) for row in rows]
            detectors = [LoopDetector() for _ in rows]
            found = translator.translate_batch(
                [inputs[row] for row in rows],
                target_prefix=[prefix] * len(rows) if prefix else None,
                max_batch_size=0,
                beam_size=settings.beams,
                max_input_length=0,
                max_decoding_length=max(longest) + len(prefix),
                callback=partial(_stop_loop, detectors) if settings.beams == 1 else None,
            )
            # Cut, so that the other texts of the batch do not change an output that does not end.
            for row, each, most in zip(rows, found, longest):
                result[row] = each.hypotheses[0][len(prefix) :][:most]
        return result

    def decode(self, pieces: Sequence[Any]) -> str:
        """See `FolderTranslator.decode`."""
        skipped = self.model.skipped
        return str(self.model.decode([piece for piece in pieces if piece not in skipped]))


def _stop_loop(detectors: Sequence[LoopDetector], step: Any) -> bool:
    """Return whether the output of a batch that has got a new word piece loops."""
    return detectors[step.batch_id].add(step.token_id)


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

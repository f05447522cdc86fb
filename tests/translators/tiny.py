"""Tiny random folders of translation models, made without a network in about a second each."""

import json
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

from tests.encoders.tiny import LINES

POSITIONS = 128
PIECES = 120
NLLB = ["deu_Latn", "eng_Latn", "swh_Latn", "zho_Hans", "zho_Hant"]


def make_sentencepiece(path: Path, **ids: int) -> list[str]:
    """Write a sentencepiece model of the lines in Latin script, and return its pieces without the special ones."""
    import sentencepiece

    content = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES[:8]),
        model_writer=content,
        vocab_size=PIECES,
        hard_vocab_limit=False,
        character_coverage=1.0,
        minloglevel=2,
        **ids,
    )
    path.write_bytes(content.getvalue())
    processor: Any = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return [processor.id_to_piece(number) for number in range(3, processor.get_piece_size())]


def make_tiny_marian(folder: Path, targets: tuple[str, ...] = ()) -> Path:
    """OPUS-MT in small. targets: tokens such as `>>deu<<`."""
    from transformers import MarianConfig, MarianMTModel, MarianTokenizer

    folder.mkdir(parents=True)
    pieces = make_sentencepiece(folder / "source.spm")
    (folder / "target.spm").write_bytes((folder / "source.spm").read_bytes())
    vocabulary = ["</s>", "<unk>", *targets, *pieces, "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({piece: number for number, piece in enumerate(vocabulary)}))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Recommended: pip install sacremoses")
        tokenizer = MarianTokenizer.from_pretrained(
            folder, source_lang="en", target_lang="de", model_max_length=POSITIONS
        )
    pad = len(vocabulary) - 1
    config = MarianConfig(
        vocab_size=len(vocabulary), decoder_vocab_size=len(vocabulary), pad_token_id=pad, eos_token_id=0,
        decoder_start_token_id=pad, forced_eos_token_id=0, **_sizes("relu"),
    )  # fmt: skip
    return _save(folder, tokenizer, MarianMTModel, config, bad_words_ids=[[pad]])


def make_tiny_nllb(folder: Path) -> Path:
    """NLLB in small: an M2M-100 model with language tokens such as `deu_Latn`."""
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    folder.mkdir(parents=True)
    make_sentencepiece(folder / "sentencepiece.bpe.model")
    tokenizer = NllbTokenizer.from_pretrained(folder, additional_special_tokens=NLLB, model_max_length=POSITIONS)
    return _save(folder, tokenizer, M2M100ForConditionalGeneration, _shared_config(M2M100Config, tokenizer))


def make_tiny_m2m100(folder: Path) -> Path:
    """M2M-100 in small: language tokens such as `__de__`."""
    from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer

    folder.mkdir(parents=True)
    pieces = make_sentencepiece(folder / "sentencepiece.bpe.model")
    vocabulary = ["<s>", "<pad>", "</s>", "<unk>", *pieces]
    (folder / "vocab.json").write_text(json.dumps({piece: number for number, piece in enumerate(vocabulary)}))
    languages = [*M2M100Tokenizer.from_pretrained(folder).lang_token_to_id]
    tokenizer = M2M100Tokenizer.from_pretrained(folder, model_max_length=POSITIONS, additional_special_tokens=languages)
    # As in the real model, there are unused word pieces at the end.
    config = _shared_config(M2M100Config, tokenizer, len(vocabulary) + len(languages) + tokenizer.num_madeup_words)
    return _save(folder, tokenizer, M2M100ForConditionalGeneration, config)


def make_tiny_mbart(folder: Path) -> Path:
    """mBART-50 in small: language tokens such as `de_DE`."""
    from transformers import MBart50Tokenizer, MBartConfig, MBartForConditionalGeneration

    folder.mkdir(parents=True)
    make_sentencepiece(folder / "sentencepiece.bpe.model")
    tokenizer = MBart50Tokenizer.from_pretrained(folder, model_max_length=POSITIONS)
    return _save(
        folder,
        tokenizer,
        MBartForConditionalGeneration,
        _shared_config(
            MBartConfig, tokenizer, normalize_before=True, normalize_embedding=True, tokenizer_class="MBart50Tokenizer"
        ),
    )


def make_tiny_mt5(folder: Path, width: int = 16, initializer_factor: float = 8.0) -> Path:
    """mT5 in small: no language tokens. It knows its task by a prompt."""
    from transformers import MT5Config, MT5ForConditionalGeneration, T5TokenizerFast

    folder.mkdir(parents=True)
    make_sentencepiece(folder / "spiece.model", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    tokenizer = T5TokenizerFast.from_pretrained(folder, extra_ids=0, model_max_length=POSITIONS)
    config = MT5Config(
        vocab_size=len(tokenizer), d_model=width, d_kv=8, d_ff=2 * width, num_layers=1, num_heads=2, dropout_rate=0.0,
        decoder_start_token_id=0, initializer_factor=initializer_factor,
    )  # fmt: skip
    return _save(folder, tokenizer, MT5ForConditionalGeneration, config)


def _shared_config(kind: Any, tokenizer: Any, vocabulary: int | None = None, **options: Any) -> Any:
    return kind(
        vocab_size=vocabulary or len(tokenizer),
        **options,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.eos_token_id,
        **_sizes("relu"),
    )


def _sizes(activation: str) -> dict[str, Any]:
    return {
        "d_model": 16,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "encoder_ffn_dim": 32,
        "decoder_ffn_dim": 32,
        "max_position_embeddings": POSITIONS,
        "activation_function": activation,
        "num_beams": 1,
        # Larger than usual, so that random weights give varied outputs.
        "init_std": 0.5,
    }


def _save(folder: Path, tokenizer: Any, model_class: Any, config: Any, **generation: Any) -> Path:
    """Save tokenizer and a model with random weights, the same ones every time."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = model_class(config)
    model.generation_config.update(**generation)
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder

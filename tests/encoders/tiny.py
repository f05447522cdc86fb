"""Tiny random Hugging Face folders of three kinds of encoder, made without a network in about a second each.

They are raw folders as the Hub has them: give them to `spacy_xlt.encoders.huggingface.build`.
"""

import math
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

LINES = (
    "My order has not arrived and I want my money back.",
    "The app closes every time I open the settings page.",
    "How can I change the password of my account?",
    "Meine Bestellung ist noch nicht angekommen.",
    "Wie kann ich das Passwort meines Kontos ändern?",
    "La aplicación se cierra cada vez que la abro.",
    "Je voudrais annuler ma commande, s'il vous plaît.",
    "O meu pedido ainda não chegou.",
    "Мой заказ ещё не пришёл, верните деньги.",
    "Как изменить пароль моей учётной записи?",
    "我的订单还没有送到。",
    "如何更改我的密码？",
    "注文した商品がまだ届きません。",
    "パスワードを変更したいです。",
    "لم يصل طلبي بعد وأريد استرداد أموالي.",
    "मेरा ऑर्डर अभी तक नहीं आया है।",
    "Oda yangu bado haijafika.",
    "Siparişim hâlâ gelmedi, paramı geri istiyorum.",
)
POSITIONS = 128
PIECES = 500
WIDTH = 32


def make_tiny_bert(folder: Path) -> Path:
    """mBERT in small: BertForMaskedLM (so a head to drop and no pooler), WordPiece. 128 positions, width 32."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    normalizer, splitter = normalizers.BertNormalizer(lowercase=False), pre_tokenizers.BertPreTokenizer()
    pieces = _frequent_pieces(normalizer, splitter, PIECES - len(special), inside="##")
    numbers = {piece: number for number, piece in enumerate([*special, *pieces])}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    fast = BertTokenizerFast(tokenizer_object=tokenizer, do_lower_case=False, model_max_length=POSITIONS)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=POSITIONS, pad_token_id=0, **_sizes()
    )
    return _save(folder, fast, BertForMaskedLM, config)


def make_tiny_xlmr(folder: Path) -> Path:
    """XLM-R in small: XLMRobertaModel with a pooler, Unigram. 130 position rows, so 128 positions, width 32."""
    from tokenizers import processors
    from transformers import XLMRobertaConfig, XLMRobertaModel, XLMRobertaTokenizerFast

    tokenizer = _make_unigram(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    fast = XLMRobertaTokenizerFast(tokenizer_object=tokenizer, model_max_length=POSITIONS)
    config = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        max_position_embeddings=POSITIONS + 2,
        type_vocab_size=1,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        **_sizes(),
    )
    return _save(folder, fast, XLMRobertaModel, config)


def make_tiny_mt5(folder: Path) -> Path:
    """mT5 in small: MT5Model with its decoder, Unigram. Relative positions, no limit in the tokenizer, width 32."""
    from tokenizers import processors
    from transformers import MT5Config, MT5Model, T5TokenizerFast

    tokenizer = _make_unigram(["<pad>", "</s>", "<unk>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    fast = T5TokenizerFast(tokenizer_object=tokenizer, extra_ids=0)
    config = MT5Config(
        vocab_size=tokenizer.get_vocab_size(),
        d_model=WIDTH,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_decoder_layers=2,
        num_heads=4,
    )
    return _save(folder, fast, MT5Model, config)


def _sizes() -> dict[str, Any]:
    return {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}


def _make_unigram(special: list[str]) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    normalizer = normalizers.NFKC()
    splitter = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    counts = _frequent_pieces(normalizer, splitter, PIECES - len(special))
    total = sum(counts.values())
    scored = [(piece, math.log(count / total)) for piece, count in counts.items()]
    tokenizer = Tokenizer(models.Unigram([*((name, 0.0) for name in special), *scored], special.index("<unk>")))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.add_special_tokens(special)
    return tokenizer


def _frequent_pieces(normalizer: Any, splitter: Any, size: int, inside: str = "") -> dict[str, int]:
    """The pieces of LINES that cover most of them, with their counts, all letters among them.

    The trainers of `tokenizers` give other pieces in every process, and tests that pass or fail with them.
    inside: what stands before a piece that does not begin a word.
    """
    counts: Counter[str] = Counter()
    letters = set()
    for line in LINES:
        for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(line)):
            for start, end in combinations(range(len(word) + 1), 2):
                piece = (inside if start else "") + word[start:end]
                counts[piece] += 1
                if end == start + 1:
                    letters.add(piece)
    ranked = sorted(counts, key=lambda piece: (piece not in letters, -counts[piece] * len(piece), piece))
    return {piece: counts[piece] for piece in ranked[:size]}


def _save(folder: Path, tokenizer: Any, model_class: Any, config: Any) -> Path:
    """Save tokenizer and a model with random weights, the same ones every time; torch's own seed is left as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = model_class(config)
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return folder

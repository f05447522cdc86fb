"""Numbers in words of five languages with their digits, and a small random mT5 to learn them.

    python benchmarks/numbers_data.py training/numbers

It writes train.jsonl, dev.jsonl and test.jsonl, and the folder mt5. The numbers of dev.jsonl and test.jsonl are not in
train.jsonl, in any language. Needs the package num2words.
"""

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "de", "es", "fr", "pt")
# The numbers are below this one.
END = 10_000
PARTS = {"train": 3000, "dev": 100, "test": 500}
PIECES = 160


def make_rows(numbers: Sequence[int], languages: Sequence[str] = LANGUAGES) -> list[dict[str, str]]:
    """Each number in the words of each language, with its digits."""
    from num2words import num2words

    return [
        {"text": num2words(number, lang=language), "target": str(number), "lang": language}
        for number in numbers
        for language in languages
    ]


def split_numbers(end: int = END, parts: dict[str, int] = PARTS, seed: int = 0) -> dict[str, list[int]]:
    """Different numbers for each part. Those below 100 are in the training data, because most are irregular."""
    basic = list(range(min(100, end)))
    others = random.Random(seed).sample(range(len(basic), end), sum(parts.values()) - len(basic))
    found = {}
    for name, count in parts.items():
        count -= len(basic) if name == "train" else 0
        found[name], others = others[:count], others[count:]
    return {**found, "train": [*basic, *found["train"]]}


def make_model(
    folder: Path, texts: Sequence[str], *, width: int = 128, layers: int = 2, heads: int = 4, pieces: int = PIECES
) -> Path:
    """Write a small random mT5 whose tokenizer is made from the texts. Each digit is a word piece."""
    import torch
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import MT5Config, MT5ForConditionalGeneration, PreTrainedTokenizerFast

    tokenizer: Any = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Digits(individual_digits=True)]
    )
    tokenizer.decoder = decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    tokenizer.train_from_iterator(
        texts,
        trainers.UnigramTrainer(
            vocab_size=pieces,
            special_tokens=special,
            unk_token="<unk>",
            initial_alphabet=list("0123456789"),
            show_progress=False,
        ),
    )
    # The trainer gives the same word pieces other ids in each run, so they are sorted.
    scores: dict[str, float] = dict(json.loads(tokenizer.to_str())["model"]["vocab"])
    ordered = [*special, *sorted(scores.keys() - set(special))]
    tokenizer.model = models.Unigram([(piece, scores[piece]) for piece in ordered], special.index("<unk>"), False)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    fast: Any = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=128
    )
    config = MT5Config(
        vocab_size=tokenizer.get_vocab_size(),
        d_model=width,
        d_kv=width // heads,
        d_ff=2 * width,
        num_layers=layers,
        num_heads=heads,
        dropout_rate=0.0,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
        initializer_factor=0.3,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = MT5ForConditionalGeneration(config)
    model.save_pretrained(str(folder))
    fast.save_pretrained(str(folder))
    return folder


def main() -> None:
    """Write the data and the model."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    parts = {name: make_rows(numbers) for name, numbers in split_numbers().items()}
    for name, rows in parts.items():
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf8")
        print(f"{folder / name}.jsonl: {len(rows)} rows")
    make_model(folder / "mt5", [part for row in parts["train"] for part in (row["text"], row["target"])])


if __name__ == "__main__":
    main()

"""New word pieces for languages in a script that a tokenizer lacks.

The tokenizer of XLM-R, for example, reads every Tibetan word as the unknown piece. New pieces have only letters of such
scripts, so all other texts are tokenized as before.
"""

import json
import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.pipeline.projection import Translations
from spacy_xlt.text import replace_surrogates
from spacy_xlt.training.layers import copy_model

# (word piece, score)
Piece = tuple[str, float]

WORD_START = "▁"
# A script is one of a language if it has at least this share of the characters of its texts.
SHARE = 0.1
# Characters of a piece, at most. Words of a dictionary can be longer.
LONGEST = 12
# Candidates for each piece that is kept.
CANDIDATES = 5
# How often texts are tokenized with the pieces and the pieces are counted again.
ROUNDS = 3


def add_new_pieces(
    encoder: TorchEncoder, texts: Sequence[str], pairs: Translations, entries: Translations, size: int
) -> list[int]:
    """Add word pieces for the scripts of texts that the tokenizer of an encoder lacks, in place.

    The encoder gets a new model. The old one does not change.

    Args:
        encoder: The encoder. Only a tokenizer of the kind Unigram (XLM-R, T5) can be extended.
        texts: The texts to learn the pieces from: those of one language.
        pairs: Source sentences and their translations. New embeddings are made from them.
        entries: Source words and their translations, likewise. Each translation becomes a piece if it is one word.
        size: The number of pieces that are learned, in addition to single characters and words of the dictionary.

    Returns:
        The ids of the new pieces; none if the tokenizer has the scripts, or if it cannot be extended.
    """
    content = json.loads(encoder.tokenizer_json)
    scripts = lacking_scripts(content, texts) if can_extend(content) else set()
    if not scripts:
        return []
    pieces = learn_pieces(content, texts, [target for _, target in entries], scripts, size)
    first = len(content["model"]["vocab"])
    content["model"]["vocab"] += [list(piece) for piece in pieces]
    extended = json.dumps(content, ensure_ascii=False)
    model = copy_model(encoder.model)
    weight = model.get_input_embeddings().weight.detach()
    rows = initial_rows(weight.cpu().numpy(), extended, [*entries, *pairs], first, len(pieces))
    _set_rows(model, first, rows)
    encoder.set_model(model, extended, encoder.settings, encoder.tokenizer_config)
    return list(range(first, first + len(pieces)))


def can_extend(tokenizer: Mapping[str, Any]) -> bool:
    """Return whether pieces can be added to a tokenizer.json: it is a Unigram model that holds all ids."""
    model = tokenizer["model"]
    return model["type"] == "Unigram" and all(
        token["id"] < len(model["vocab"]) for token in tokenizer.get("added_tokens", [])
    )


def lacking_scripts(tokenizer: Mapping[str, Any], texts: Iterable[str]) -> set[str]:
    """Return the scripts of texts of which a tokenizer has no piece of two or more letters.

    Args:
        tokenizer: The content of a tokenizer.json of the kind Unigram.
        texts: The texts of one language.
    """
    characters = Counter("".join(texts))
    counts: Counter[str] = Counter()
    for char, number in characters.items():
        if is_letter(char):
            counts[script_of(char)] += number
    total = sum(number for char, number in characters.items() if not char.isspace())
    letters = {
        char: script_of(char)
        for char in characters
        if is_letter(char) and script_of(char) and counts[script_of(char)] >= SHARE * total
    }
    lacking = set(letters.values())
    for piece, _ in tokenizer["model"]["vocab"]:
        if letters and sum(char in letters for char in piece) > 1:
            scripts = Counter(letters[char] for char in piece if char in letters)
            lacking -= {name for name, number in scripts.items() if number > 1}
    return lacking


@lru_cache(maxsize=4096)
def script_of(char: str) -> str:
    """Return the script of a character: the first word of its Unicode name, such as TIBETAN; empty if it has none."""
    return unicodedata.name(char, "").partition(" ")[0]


@lru_cache(maxsize=4096)
def is_letter(char: str) -> bool:
    """Return whether a character is a letter. Marks, such as accents, are used in many scripts."""
    return unicodedata.category(char)[0] == "L"


def learn_pieces(
    tokenizer: Mapping[str, Any], texts: Sequence[str], words: Sequence[str], scripts: set[str], size: int
) -> list[Piece]:
    """Learn the pieces of a Unigram model from texts. The same texts give the same pieces.

    The most frequent substrings are the candidates. Expectation maximization with the best tokenization of each text
    counts them and drops those that are used least.

    Args:
        tokenizer: The content of a tokenizer.json. Its normalizer and its splitting into words are used.
        texts: The texts.
        words: The words of a dictionary. Each one that is a single word becomes a piece.
        scripts: The scripts of the pieces. Pieces have no characters of other scripts.
        size: The number of pieces, in addition to single characters and words.

    Returns:
        The pieces and their scores, log probabilities. No score is below the lowest score of the tokenizer, because
        the score of the unknown piece depends on that one.

    References:
        Kudo (2018), "Subword regularization", section 3.2. The expectation is over the best tokenization only.
    """
    counts = _runs(tokenizer, texts, scripts)
    of_words = _runs(tokenizer, words, scripts)
    counts.update(of_words)
    found: Counter[str] = Counter()
    for run, number in counts.items():
        for start in range(len(run)):
            for end in range(start + 1, min(start + LONGEST, len(run)) + 1):
                found[run[start:end]] += number
    del found[WORD_START]
    characters = {piece for piece in found if len(piece) == 1}
    kept = characters | set(of_words)
    ranked = sorted(
        (piece for piece in found if found[piece] > 1), key=lambda piece: (-found[piece] * len(piece), piece)
    )
    pieces = kept | set(ranked[: CANDIDATES * size])
    uses = Counter({piece: found[piece] for piece in pieces})
    for number in range(ROUNDS):
        uses = _count_uses(uses, pieces, counts)
        if number == 0:
            ranked = sorted(pieces - kept, key=lambda piece: (-uses[piece], piece))
            pieces = kept | {piece for piece in ranked[:size] if uses[piece]}
    total = sum(uses[piece] + 1 for piece in pieces)
    lowest = min(score for _, score in tokenizer["model"]["vocab"])
    return [(piece, max(lowest, math.log((uses[piece] + 1) / total))) for piece in sorted(pieces)]


def _count_uses(uses: Mapping[str, int], pieces: set[str], counts: Mapping[str, int]) -> Counter[str]:
    """Count the pieces in the best tokenization of runs of characters, given how often each was used before."""
    from tokenizers import Tokenizer, models

    total = sum(uses.get(piece, 0) + 1 for piece in pieces)
    vocabulary = [(piece, math.log((uses.get(piece, 0) + 1) / total)) for piece in sorted(pieces)]
    tokenizer = Tokenizer(models.Unigram([*vocabulary, ("<unk>", 0.0)], len(vocabulary)))
    found: Counter[str] = Counter()
    for run, encoding in zip(counts, tokenizer.encode_batch(list(counts), add_special_tokens=False)):
        for piece in encoding.tokens:
            found[piece] += counts[run]
    return found


def _runs(tokenizer: Mapping[str, Any], texts: Sequence[str], scripts: set[str]) -> Counter[str]:
    """Count the longest parts of words that are in some scripts, with the mark of the start of a word."""
    from tokenizers import Tokenizer

    split = Tokenizer.from_str(json.dumps({**tokenizer, "model": {"type": "Unigram", "unk_id": None, "vocab": []}}))
    found: Counter[str] = Counter()
    for text in texts:
        clean = replace_surrogates(text)
        normal = split.normalizer.normalize_str(clean) if split.normalizer else clean
        for word, _ in split.pre_tokenizer.pre_tokenize_str(normal) if split.pre_tokenizer else [(normal, None)]:
            start = word.startswith(WORD_START)
            parts = groupby(word.removeprefix(WORD_START), key=lambda char: script_of(char) in scripts)
            for number, (inside, part) in enumerate(parts):
                if inside:
                    found[(WORD_START if start and number == 0 else "") + "".join(part)] += 1
    return found


def initial_rows(weight: Floats2d, tokenizer_json: str, translations: Translations, first: int, count: int) -> Floats2d:
    """Return the first embeddings of new word pieces: those of the source texts that they translate.

    The embedding of a piece is the weighted mean over all translations that contain it. Each counts with the mean
    embedding of the pieces of its source, and with the weight 1 / n^2 for a translation of n pieces. So a word of the
    dictionary that is a piece of its own gets nearly the embedding of its source word.

    Args:
        weight: The embeddings of the present pieces, [pieces, width].
        tokenizer_json: The tokenizer with the new pieces.
        translations: Source texts and their translations.
        first: The id of the first new piece.
        count: The number of new pieces.

    Returns:
        The embeddings, [count, width]. A piece that is in no translation gets the mean of the others.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(tokenizer_json)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    sides = [
        [
            encoding.ids
            for encoding in tokenizer.encode_batch(list(map(replace_surrogates, side)), add_special_tokens=False)
        ]
        for side in zip(*translations)
    ] or [[], []]
    sums: NDArray[np.float64] = np.zeros((count, weight.shape[1]))
    weights: dict[int, float] = defaultdict(float)
    for source, target in zip(*sides):
        # A source can have words of the other language, such as a gloss does. New pieces have no embedding yet.
        present = [piece for piece in source if piece < first]
        if not present or not target:
            continue
        mean, share = weight[present].mean(axis=0), 1 / len(target) ** 2
        for piece in target:
            if piece >= first:
                sums[piece - first] += share * mean
                weights[piece - first] += share
    known = sorted(weights)
    rows = np.zeros_like(sums)
    rows[known] = sums[known] / np.array([weights[row] for row in known])[:, None]
    others = np.setdiff1d(np.arange(count), known)
    rows[others] = rows[known].mean(axis=0) if known else weight.mean(axis=0)
    return rows.astype(np.float32)


def _set_rows(model: Any, first: int, rows: Floats2d) -> None:
    """Give a model new word embeddings: the old ones, with other rows from `first` on."""
    import torch

    old = model.get_input_embeddings()
    weight = old.weight.new_zeros((max(old.num_embeddings, first + len(rows)), old.embedding_dim))
    weight[: old.num_embeddings] = old.weight.detach()
    weight[first : first + len(rows)] = torch.tensor(rows)
    model.set_input_embeddings(torch.nn.Embedding.from_pretrained(weight, freeze=True, padding_idx=old.padding_idx))
    model.config.vocab_size = len(weight)

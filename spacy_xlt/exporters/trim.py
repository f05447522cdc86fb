"""Reduce the vocabulary of a tokenizer to the word pieces that are used."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spacy_xlt.errors import XltError
from spacy_xlt.text import replace_surrogates

# The marks of the first piece of a word (Unigram) and of the other pieces (WordPiece).
WORD_START, WORD_INSIDE = "▁", "##"


def read_pieces(tokenizer: Mapping[str, Any]) -> list[str]:
    """Return the word pieces of a tokenizer.json by id.

    Raises:
        XltError: The tokenizer is neither Unigram nor WordPiece. Removing pieces of a BPE tokenizer would change how
            the remaining ones are found.
    """
    model = tokenizer["model"]
    if model["type"] == "Unigram":
        return [piece for piece, _ in model["vocab"]]
    if model["type"] == "WordPiece":
        return sorted(model["vocab"], key=model["vocab"].__getitem__)
    raise XltError(
        f"A {model['type']} vocabulary cannot be trimmed; only Unigram and WordPiece can. Export without languages."
    )


def used_pieces(tokenizer_json: str, texts: Iterable[str]) -> set[int]:
    """Return the ids that occur in texts."""
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_str(tokenizer_json)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    used: set[int] = set()
    for encoding in tokenizer.encode_batch([replace_surrogates(text) for text in texts], add_special_tokens=True):
        used.update(encoding.ids)
    return used


def required_pieces(tokenizer: Mapping[str, Any]) -> set[int]:
    """Return the ids that are always kept: special tokens and all single characters.

    With the single characters, every text can still be tokenized without unknown pieces.

    Raises:
        XltError: The tokenizer has a token that is not in its vocabulary.
    """
    pieces = read_pieces(tokenizer)
    required = {
        number
        for number, piece in enumerate(pieces)
        if len(piece.removeprefix(WORD_START).removeprefix(WORD_INSIDE)) < 2
    }
    ids = {piece: number for number, piece in enumerate(pieces)}
    for added in tokenizer.get("added_tokens", []):
        if ids.get(added["content"]) != added["id"]:
            raise XltError(
                f"The tokenizer has a token outside its vocabulary ({added['content']}), so it cannot be trimmed. "
                "Export without languages."
            )
        required.add(added["id"])
    unknown = tokenizer["model"].get("unk_id", ids.get(tokenizer["model"].get("unk_token")))
    return required | ({unknown} if unknown is not None else set())


def trim_tokenizer(tokenizer: Mapping[str, Any], keep: Sequence[int]) -> dict[str, Any]:
    """Return a tokenizer.json with some of the word pieces. They get the ids 0, 1, 2 and so on.

    A text whose pieces are all kept is tokenized as before. Other texts are tokenized into smaller pieces.

    Args:
        tokenizer: The content of the tokenizer.json.
        keep: The ids to keep, sorted.
    """
    new_id = {old: new for new, old in enumerate(keep)}
    trimmed: dict[str, Any] = json.loads(json.dumps(tokenizer))
    model = trimmed["model"]
    if model["type"] == "Unigram":
        model["vocab"] = [model["vocab"][old] for old in keep]
        if model.get("unk_id") is not None:
            model["unk_id"] = new_id[model["unk_id"]]
    else:
        pieces = read_pieces(tokenizer)
        model["vocab"] = {pieces[old]: new for new, old in enumerate(keep)}
    for added in trimmed.get("added_tokens", []):
        added["id"] = new_id[added["id"]]
    _renumber(trimmed.get("post_processor"), new_id)
    return trimmed


def _renumber(processor: Any, new_id: Mapping[int, int]) -> None:
    """Replace the ids in a post-processor. Templates have `ids`; those of BERT and RoBERTa have [token, id]."""
    if not processor:
        return
    for part in processor.get("processors", []):
        _renumber(part, new_id)
    for special in processor.get("special_tokens", {}).values():
        special["ids"] = [new_id[old] for old in special["ids"]]
    for key in ("sep", "cls"):
        if key in processor:
            processor[key][1] = new_id[processor[key][1]]


def compact_json(content: Any) -> str:
    """Return JSON without spaces, which halves the size of a large vocabulary."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))

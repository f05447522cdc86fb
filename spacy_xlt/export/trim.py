"""A smaller vocabulary: the word pieces that are used, with the ids, tokenizer and embeddings that go with them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spacy_xlt.errors import XltError
from spacy_xlt.text import replace_surrogates

# What marks the beginning or the inside of a word in a piece.
WORD_START, WORD_INSIDE = "▁", "##"


def read_pieces(tokenizer: Mapping[str, Any]) -> list[str]:
    """The pieces of a tokenizer.json by id.

    Raises XltError for a kind whose segmentation would change in other ways than by the pieces that are missing (BPE).
    """
    model = tokenizer["model"]
    if model["type"] == "Unigram":
        return [piece for piece, _ in model["vocab"]]
    if model["type"] == "WordPiece":
        return sorted(model["vocab"], key=model["vocab"].__getitem__)
    raise XltError(f"A vocabulary of the kind {model['type']} cannot be trimmed: only Unigram and WordPiece can.")


def used_pieces(tokenizer_json: str, texts: Iterable[str]) -> set[int]:
    """The ids that occur when the texts are tokenized."""
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_str(tokenizer_json)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    used: set[int] = set()
    for encoding in tokenizer.encode_batch([replace_surrogates(text) for text in texts], add_special_tokens=True):
        used.update(encoding.ids)
    return used


def required_pieces(tokenizer: Mapping[str, Any]) -> set[int]:
    """The ids that every vocabulary keeps: specials, and all single characters, so that every text can be written."""
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
                f"The tokenizer has a token outside its vocabulary ({added['content']}): it cannot be trimmed."
            )
        required.add(added["id"])
    unknown = tokenizer["model"].get("unk_id", ids.get(tokenizer["model"].get("unk_token")))
    return required | ({unknown} if unknown is not None else set())


def trim_tokenizer(tokenizer: Mapping[str, Any], keep: Sequence[int]) -> dict[str, Any]:
    """The tokenizer.json of the kept ids, which get the numbers 0, 1, 2 ... in their order.

    A text whose pieces are all kept is cut into the same pieces; others are cut into smaller ones.
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
    """Put the new ids into a post-processor: templates have `ids`, BERT's and RoBERTa's own have [token, id]."""
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
    """JSON without spaces: of a large vocabulary half the size."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))

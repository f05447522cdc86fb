"""New word pieces for scripts that a tokenizer lacks."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from spacy_xlt.encoders import huggingface
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.transfer.new_pieces import add_new_pieces, can_extend, initial_rows, lacking_scripts, learn_pieces
from tests.encoders import tiny
from tests.transfer.tibetan import ENTRIES, PAIRS, to_tibetan

TEXTS = [target for _, target in PAIRS]
UNKNOWN, UNKNOWN_ID = "<unk>", 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder with a Unigram tokenizer, which has no Tibetan letter."""
    raw = tiny.make_tiny_xlmr(tmp_path_factory.mktemp("raw") / "xlmr")
    huggingface.build(str(raw), raw.parent / "encoder")
    return raw.parent / "encoder"


@pytest.fixture
def encoder(folder: Path) -> TorchEncoder:
    encoder = TorchEncoder()
    encoder.load(folder)
    return encoder


def tokens(encoder: TorchEncoder, text: str) -> list[str]:
    from tokenizers import Tokenizer

    found: Any = Tokenizer.from_str(encoder.tokenizer_json)
    encoding = found.encode(text, add_special_tokens=False)
    return [UNKNOWN if number == UNKNOWN_ID else token for number, token in zip(encoding.ids, encoding.tokens)]


def test_scripts_that_the_tokenizer_lacks(encoder: TorchEncoder) -> None:
    content = json.loads(encoder.tokenizer_json)
    assert lacking_scripts(content, TEXTS) == {"TIBETAN"}
    assert lacking_scripts(content, tiny.LINES) == set()
    # A word in another script is no reason for new pieces.
    assert lacking_scripts(content, ["My order has not arrived yet.", "བ"]) == set()


def test_other_texts_are_tokenized_as_before(encoder: TorchEncoder) -> None:
    others = [*tiny.LINES, "ᚠᚢᚦ and ☃ are unknown", "123 (a) b!", ""]
    before = [encoder.tokenizer.windows([text]) for text in others]
    vectors = encoder.encode(others)
    assert UNKNOWN in tokens(encoder, TEXTS[0])
    ids = add_new_pieces(encoder, TEXTS, PAIRS, ENTRIES, 50)
    assert len(ids) > 50
    assert [encoder.tokenizer.windows([text]) for text in others] == before
    np.testing.assert_array_equal(encoder.encode(others), vectors)
    assert not any(UNKNOWN in tokens(encoder, theirs) for _, theirs in ENTRIES)


def test_a_word_of_the_dictionary_is_a_piece_with_the_embedding_of_its_source(encoder: TorchEncoder) -> None:
    word = to_tibetan("parcel")
    ids = add_new_pieces(encoder, TEXTS, PAIRS, [("parcel", word)], 50)
    assert tokens(encoder, word) == [f"▁{word}"]
    weight = encoder.model.get_input_embeddings().weight.numpy()
    (piece,) = encoder.tokenizer.windows([word])[0][0][1:-1]
    source = weight[encoder.tokenizer.windows(["parcel"])[0][0][1:-1]].mean(axis=0)
    assert piece in ids
    cosine = weight[piece] @ source / np.linalg.norm(weight[piece]) / np.linalg.norm(source)
    assert cosine > 0.95


def test_the_same_texts_give_the_same_pieces_and_their_characters_are_among_them(encoder: TorchEncoder) -> None:
    content = json.loads(encoder.tokenizer_json)
    pieces = learn_pieces(content, TEXTS, [], {"TIBETAN"}, 20)
    assert pieces == learn_pieces(content, TEXTS, [], {"TIBETAN"}, 20)
    names = [piece for piece, _ in pieces]
    assert len(set(names)) == len(names)
    letters = {char for text in TEXTS for char in text if char > "\u0f00"}
    assert letters <= set(names) and len(names) <= len(letters) + 20
    lowest = min(score for _, score in content["model"]["vocab"])
    assert all(lowest <= score < 0 for _, score in pieces)


def test_pieces_without_a_translation_get_the_mean(encoder: TorchEncoder) -> None:
    add_new_pieces(encoder, TEXTS, PAIRS, [], 50)
    weight = encoder.model.get_input_embeddings().weight.numpy()
    first = len(weight) - 5
    rows = initial_rows(weight, encoder.tokenizer_json, [], first, 5)
    np.testing.assert_allclose(rows, np.tile(weight.mean(axis=0), (5, 1)), atol=1e-6)


def test_sources_can_have_words_in_the_new_script(encoder: TorchEncoder) -> None:
    """A gloss keeps the words that a dictionary does not have."""
    glosses = [(f"{ours} {theirs}", theirs) for ours, theirs in PAIRS]
    ids = add_new_pieces(encoder, TEXTS, [*glosses, (TEXTS[0], TEXTS[0])], [], 50)
    assert ids and np.isfinite(encoder.model.get_input_embeddings().weight.numpy()).all()


def test_a_written_encoder_keeps_its_pieces_and_init_encoder_takes_it(encoder: TorchEncoder, tmp_path: Path) -> None:
    add_new_pieces(encoder, TEXTS, PAIRS, ENTRIES, 50)
    encoder.to_disk(tmp_path / "encoder")
    huggingface.build(str(tmp_path / "encoder"), tmp_path / "copy")
    for name in ("encoder", "copy"):
        other = TorchEncoder()
        other.load(tmp_path / name)
        np.testing.assert_allclose(other.encode(TEXTS[:3]), encoder.encode(TEXTS[:3]), atol=1e-6)


def test_only_a_unigram_tokenizer_is_extended(tiny_bert: Path) -> None:
    encoder = TorchEncoder()
    encoder.load(tiny_bert)
    model = encoder.model
    assert not can_extend(json.loads(encoder.tokenizer_json))
    assert add_new_pieces(encoder, TEXTS, PAIRS, ENTRIES, 50) == [] and encoder.model is model

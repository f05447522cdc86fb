"""A smaller vocabulary."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
pytest.importorskip("transformers")

from tokenizers import Tokenizer

from spacy_xlt.encoders import huggingface
from spacy_xlt.encoders.onnx_encoder import OnnxEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.exporters.onnx_graph import write_encoder
from spacy_xlt.exporters.trim import read_pieces, required_pieces, trim_tokenizer, used_pieces
from tests.encoders import tiny
from tests.encoders.tiny import LINES

KEPT_LINES = LINES[:6]


@pytest.fixture(scope="module", params=["bert", "xlmr"])
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    raw = getattr(tiny, f"make_tiny_{request.param}")(tmp_path_factory.mktemp("raw") / request.param)
    out = tmp_path_factory.mktemp("source") / request.param
    huggingface.build(str(raw), out)
    return out


@pytest.fixture(scope="module")
def tokenizer_json(source: Path) -> str:
    return (source / "tokenizer.json").read_text(encoding="utf8")


@pytest.fixture(scope="module")
def keep(tokenizer_json: str) -> list[int]:
    return sorted(used_pieces(tokenizer_json, KEPT_LINES) | required_pieces(json.loads(tokenizer_json)))


def tokens(tokenizer: Any, text: str) -> list[str]:
    return list(
        Tokenizer.from_str(tokenizer if isinstance(tokenizer, str) else json.dumps(tokenizer)).encode(text).tokens
    )


def test_texts_of_kept_pieces_are_cut_as_before(tokenizer_json: str, keep: list[int]) -> None:
    whole = json.loads(tokenizer_json)
    trimmed = trim_tokenizer(whole, keep)
    assert len(read_pieces(trimmed)) == len(keep) < len(read_pieces(whole))
    for line in KEPT_LINES:
        assert tokens(trimmed, line) == tokens(tokenizer_json, line)


def test_new_ids_lead_to_the_old_pieces(tokenizer_json: str, keep: list[int]) -> None:
    whole = json.loads(tokenizer_json)
    old = Tokenizer.from_str(tokenizer_json).encode(LINES[0]).ids
    new = Tokenizer.from_str(json.dumps(trim_tokenizer(whole, keep))).encode(LINES[0]).ids
    assert [keep[number] for number in new] == old


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_embeddings_of_texts_of_kept_pieces_are_bit_equal(
    source: Path, keep: list[int], precision: Any, tmp_path: Path
) -> None:
    vectors = []
    for name, pieces in (("whole", None), ("trimmed", keep)):
        write_encoder(source, tmp_path / name, precision, pieces)
        encoder = OnnxEncoder(threads=1)
        encoder.load(tmp_path / name)
        vectors.append(encoder.encode(KEPT_LINES))
        assert np.isfinite(encoder.encode([*LINES, "", "😡"])).all()
    np.testing.assert_array_equal(*vectors)


@settings(max_examples=50, deadline=None)
@given(st.text("abcdeéжの中 .", max_size=20))
def test_every_text_can_still_be_written(tokenizer_json: str, keep: list[int], text: str) -> None:
    """What the whole vocabulary could write, the trimmed one can, in smaller pieces: no new unknown."""
    whole = json.loads(tokenizer_json)
    unknown = {"<unk>", "[UNK]"}
    if not unknown & set(tokens(tokenizer_json, text)):
        assert not unknown & set(tokens(trim_tokenizer(whole, keep), text))


def test_byte_pairs_are_refused() -> None:
    with pytest.raises(XltError, match="BPE"):
        read_pieces({"model": {"type": "BPE", "vocab": {}, "merges": []}})


def test_a_token_outside_the_vocabulary_is_refused(tokenizer_json: str) -> None:
    tokenizer = json.loads(tokenizer_json)
    tokenizer["added_tokens"].append({**tokenizer["added_tokens"][0], "id": 9999, "content": "<mine>"})
    with pytest.raises(XltError, match="<mine>"):
        required_pieces(tokenizer)

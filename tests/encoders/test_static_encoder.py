"""The static back end and its arithmetic."""

import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save_file

from spacy_xlt.encoders import static_encoder, words
from spacy_xlt.encoders.base import TextEncoder
from spacy_xlt.encoders.int8 import quantize_rows
from spacy_xlt.encoders.static_encoder import FILES, StaticEncoder, sum_segments
from spacy_xlt.errors import XltError
from spacy_xlt.vectors import unit_rows

WORDS = ["order", "orders", "my", "account", "a", "b", "box", "荷物", "!"]
WIDTH, ROW = 6, 4
TEXTS = ["my order", "My orders.", "", " \n", "account " * 3000, "box b", "my my my", "ordér", "\ud800 order", "荷物 !"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("static")
    random = np.random.default_rng(0)
    rows, scales = quantize_rows(random.normal(size=(len(WORDS), ROW)).astype(np.float32))
    tensors = {
        "rows": rows,
        "scales": scales,
        "weights": random.random(len(WORDS), dtype=np.float32) + 0.1,
        "components": random.normal(size=(ROW, WIDTH)).astype(np.float32),
        "bias": random.normal(size=WIDTH).astype(np.float32),
    }
    save_file(tensors, out / "model.safetensors")
    (out / "words.txt").write_text("\n".join(WORDS), encoding="utf8")
    return out


def load(folder: Path) -> StaticEncoder:
    encoder = StaticEncoder()
    encoder.load(folder)
    return encoder


def by_definition(encoder: StaticEncoder, text: str) -> Any:
    """Compute the formula in the docstring of the module, word by word."""
    tokens = [token if token == "!" else token.lower().strip(".") for token in text.split()]
    ids = [WORDS.index(token) for token in tokens if token in WORDS]
    if not ids:
        return np.zeros(WIDTH)
    tensors = encoder._tensors
    total = sum((tensors["rows"][i] * tensors["scales"][i]).astype(np.float64) for i in ids)
    length = np.sqrt(sum(float(tensors["weights"][i]) ** 2 for i in ids))
    vector = total / length @ tensors["components"] + tensors["bias"]
    return vector / np.linalg.norm(vector)


def test_it_is_an_encoder(folder: Path) -> None:
    encoder = load(folder)
    assert isinstance(encoder, TextEncoder)
    assert (encoder.is_loaded, encoder.width, StaticEncoder().is_loaded) == (True, WIDTH, False)


def test_the_vectors_follow_the_formula(folder: Path) -> None:
    encoder = load(folder)
    vectors = encoder.encode(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [by_definition(encoder, text) for text in TEXTS], atol=1e-5)


def test_order_company_and_memory_change_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load(folder)
    expected = encoder.encode(TEXTS)
    np.testing.assert_allclose(encoder.encode(TEXTS[::-1])[::-1], expected, atol=1e-6)
    np.testing.assert_allclose([encoder.encode([text])[0] for text in TEXTS], expected, atol=1e-6)
    monkeypatch.setattr(words, "CACHED_WORDS", 1)
    for _ in range(3):
        np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-6)
    encoder._words.forget()  # type: ignore[union-attr]
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-6)


def test_threads_agree_while_the_memory_is_emptied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "CACHED_WORDS", 2)
    encoder = load(folder)
    expected = encoder.encode(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        for vectors in pool.map(encoder.encode, [TEXTS] * 40):
            np.testing.assert_allclose(vectors, expected, atol=1e-6)


@pytest.mark.parametrize("texts", [[], [""], ["", " "]])
def test_nothing_to_encode(folder: Path, texts: list[str]) -> None:
    vectors = load(folder).encode(texts)
    assert vectors.shape == (len(texts), WIDTH) and not vectors.any()


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(0, 100), st.sampled_from([1, 3, 8, 10_000]))
def test_segments_are_summed_whatever_the_blocks(counts: list[int], seed: int, block: int) -> None:
    random = np.random.default_rng(seed)
    table, scales = quantize_rows(random.normal(size=(7, 5)).astype(np.float32))
    rows = random.integers(0, 7, sum(counts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(static_encoder, "BLOCK_ROWS", block)
        sums = sum_segments(table, scales, rows, np.array(counts, dtype=np.int64))
    ends = np.cumsum(counts, dtype=np.int64)
    dense = table * scales[:, None]
    expected = [dense[rows[end - count : end]].sum(axis=0) for count, end in zip(counts, ends)]
    np.testing.assert_allclose(sums, np.reshape(expected, (len(counts), 5)), atol=1e-4)


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.floats(-1e3, 1e3, width=32)))
def test_quantized_rows_are_near(matrix: Any) -> None:
    rows, scales = quantize_rows(matrix)
    assert rows.dtype == np.int8 and scales.shape == (len(matrix),)
    error = np.abs(rows * scales[:, None] - matrix)
    assert (error <= scales[:, None] * 0.501 + 1e-30).all()


# Round trips and errors


def test_round_trips_give_the_same_bits(folder: Path, tmp_path: Path) -> None:
    encoder = load(folder)
    expected = encoder.encode(TEXTS)
    encoder.to_disk(tmp_path / "copy")
    encoder.to_disk(tmp_path / "copy")
    from_bytes = StaticEncoder()
    from_bytes.from_bytes(encoder.to_bytes())
    for twin in (load(tmp_path / "copy"), from_bytes, pickle.loads(pickle.dumps(encoder))):
        np.testing.assert_array_equal(twin.encode(TEXTS), expected)
    assert not pickle.loads(pickle.dumps(StaticEncoder())).is_loaded


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("left", [None, 0, 30])
def test_a_missing_or_damaged_file_is_named_on_one_line(
    folder: Path, tmp_path: Path, name: str, left: int | None
) -> None:
    damaged = Path(shutil.copytree(folder, tmp_path / "damaged"))
    if left is None:
        (damaged / name).unlink()
    else:
        (damaged / name).write_bytes((damaged / name).read_bytes()[:left])
    message = rf"missing: {name}.*xlt export" if left is None else r"damaged .*\(.*Error"
    with pytest.raises(XltError, match=message) as caught:
        StaticEncoder().load(damaged)
    assert "\n" not in str(caught.value)


def test_a_missing_tensor_is_named(folder: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(folder, tmp_path / "damaged"))
    save_file({"rows": np.zeros((2, 2), np.int8)}, damaged / "model.safetensors")
    with pytest.raises(XltError, match="no tensor scales, weights, components, bias"):
        StaticEncoder().load(damaged)


def test_unit_length(folder: Path) -> None:
    vectors = load(folder).encode(TEXTS)
    np.testing.assert_allclose(unit_rows(vectors), vectors, atol=1e-6)


def test_a_text_without_a_known_word_has_no_vector(folder: Path) -> None:
    assert not load(folder).encode(["xyz", "\ud800", "ordé"]).any()


def test_words_and_rows_that_do_not_match_are_damage(folder: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(folder, tmp_path / "damaged"))
    (damaged / "words.txt").write_text("\n".join(WORDS[1:]), encoding="utf8")
    with pytest.raises(XltError, match="8 words for 9 rows"):
        StaticEncoder().load(damaged)

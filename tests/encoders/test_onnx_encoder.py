"""The ONNX Runtime back end, and the graph that it runs."""

import json
import os
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
pytest.importorskip("transformers")

from spacy_xlt.encoders.base import TextEncoder
from spacy_xlt.encoders.folder import WEIGHTS_FILE, EncoderSettings
from spacy_xlt.encoders.onnx_encoder import BATCH_PIECES, FILES, GRAPH_FILE, OnnxEncoder, batch_budget
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.exporters.onnx_graph import write_encoder
from tests.encoders.tiny import LINES, WIDTH

LONG = " ".join(LINES * 4)
TEXTS = [*LINES, "", "x", " ", "😡", LONG, "<s> [CLS] </s> [MASK]"]


@pytest.fixture(scope="module", params=["bert", "xlmr"])
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder folder of an architecture that can be exported."""
    from spacy_xlt.encoders import huggingface
    from tests.encoders import tiny

    raw = getattr(tiny, f"make_tiny_{request.param}")(tmp_path_factory.mktemp("raw") / request.param)
    out = tmp_path_factory.mktemp("source") / request.param
    huggingface.build(str(raw), out, max_windows=0)
    return out


@pytest.fixture(scope="module", params=["float32", "int8"])
def precision(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def exported(source: Path, precision: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "encoder"
    write_encoder(source, out, precision)
    return out


def load(folder: Path, **options: Any) -> OnnxEncoder:
    encoder = OnnxEncoder(**options)
    encoder.load(folder)
    return encoder


def by_torch(folder: Path) -> Any:
    encoder = TorchEncoder()
    encoder.load(folder)
    return encoder.encode(TEXTS)


# The vectors


def test_it_is_an_encoder(exported: Path) -> None:
    encoder = load(exported)
    assert isinstance(encoder, TextEncoder)
    assert (encoder.is_loaded, encoder.width, encoder.encode(["x"]).dtype) == (True, WIDTH, np.float32)
    assert not OnnxEncoder().is_loaded


def test_the_vectors_are_those_of_torch(source: Path, exported: Path, precision: str) -> None:
    found, expected = load(exported).encode(TEXTS), by_torch(source)
    if precision == "float32":
        np.testing.assert_allclose(found, expected, atol=1e-6)
    else:
        blank = ~expected.any(axis=1)
        assert not found[blank].any()
        assert (found * expected).sum(axis=1)[~blank].min() > 0.995


def test_pooling_cls(source: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(source, tmp_path / "source"))
    EncoderSettings(pooling="cls", window=64).save(folder)
    write_encoder(folder, tmp_path / "out", "float32")
    np.testing.assert_allclose(load(tmp_path / "out").encode(TEXTS), by_torch(folder), atol=1e-6)


def test_prefix_and_window_are_taken_over(source: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(source, tmp_path / "source"))
    EncoderSettings(prefix="query: ", window=32).save(folder)
    write_encoder(folder, tmp_path / "out", "float32")
    np.testing.assert_allclose(load(tmp_path / "out").encode(TEXTS), by_torch(folder), atol=1e-6)


def test_max_windows_is_taken_over(source: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(source, tmp_path / "source"))
    EncoderSettings(window=32, max_windows=2).save(folder)
    write_encoder(folder, tmp_path / "out", "float32")
    found = load(tmp_path / "out").encode(TEXTS)
    np.testing.assert_allclose(found, by_torch(folder), atol=1e-6)
    EncoderSettings(window=32).save(folder)
    changed = np.abs(found - by_torch(folder)).max(axis=1) > 1e-4
    assert changed[TEXTS.index(LONG)] and not changed[TEXTS.index("x")]


def test_order_company_and_threads_change_nothing(exported: Path) -> None:
    """Exact to the last digits also for int8: the scales belong to rows."""
    encoder = load(exported, threads=1)
    expected = encoder.encode(TEXTS)
    np.testing.assert_allclose([encoder.encode([text])[0] for text in TEXTS], expected, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(TEXTS[::-1])[::-1], expected, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(TEXTS * 9)[-len(TEXTS) :], expected, atol=1e-6)
    np.testing.assert_allclose(load(exported, threads=3).encode(TEXTS), expected, atol=1e-6)


@pytest.mark.parametrize("texts", [[], [""], ["", " \n"]])
def test_nothing_to_encode(exported: Path, texts: list[str]) -> None:
    vectors = load(exported).encode(texts)
    assert vectors.shape == (len(texts), WIDTH) and not vectors.any()


def test_several_threads_can_share_it(exported: Path) -> None:
    encoder = load(exported, threads=2)
    expected = encoder.encode(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(encoder.encode, [TEXTS] * 8):
            np.testing.assert_allclose(vectors, expected, atol=1e-6)


def test_the_graph_is_ordinary_onnx_with_normalized_vectors(exported: Path) -> None:
    """For those who run it elsewhere: ids and lengths in, vectors of unit length out, weights beside it."""
    import onnxruntime as ort

    session = ort.InferenceSession(str(exported / GRAPH_FILE), providers=["CPUExecutionProvider"])
    ids = np.array([[5, 6, 7, 8], [5, 6, 0, 0]], dtype=np.int64)
    (vectors,) = session.run(["embedding"], {"ids": ids, "lengths": np.array([4, 2], dtype=np.int32)})
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_int8_is_smaller(source: Path, tmp_path: Path) -> None:
    sizes = {}
    for name in ("float32", "int8"):
        write_encoder(source, tmp_path / name, name)  # type: ignore[arg-type]
        sizes[name] = (tmp_path / name / WEIGHTS_FILE).stat().st_size
    assert sizes["int8"] < 0.5 * sizes["float32"]


@given(st.integers(0, 100_000), st.integers(1, 64))
def test_batches_are_of_one_size_and_not_too_large(pieces: int, threads: int) -> None:
    budget = batch_budget(pieces, threads)
    assert 1 <= budget <= BATCH_PIECES
    batches = -(-pieces // budget)
    assert budget <= 64 or batches % threads == 0 or batches * budget - pieces < threads * budget


# Round trips


def test_round_trips_give_the_same_bits(exported: Path, tmp_path: Path) -> None:
    encoder = load(exported)
    expected = encoder.encode(TEXTS)
    encoder.to_disk(tmp_path / "copy")
    encoder.to_disk(tmp_path / "copy")
    from_bytes = OnnxEncoder()
    from_bytes.from_bytes(encoder.to_bytes())
    twins = [load(tmp_path / "copy"), from_bytes, pickle.loads(pickle.dumps(encoder))]
    for twin in twins:
        np.testing.assert_array_equal(twin.encode(TEXTS), expected)
    assert sorted(os.listdir(tmp_path / "copy")) == sorted(FILES)
    assert pickle.loads(pickle.dumps(OnnxEncoder(threads=3))).threads == 3


def test_the_folder_may_go_or_change_after_loading(exported: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(exported, tmp_path / "encoder"))
    encoder = load(folder)
    expected = encoder.encode(TEXTS)
    shutil.rmtree(folder)
    np.testing.assert_array_equal(encoder.encode(TEXTS), expected)
    encoder.to_disk(tmp_path / "again")
    np.testing.assert_array_equal(load(tmp_path / "again").encode(TEXTS), expected)


@pytest.mark.parametrize("folder_is_there", [True, False])
def test_a_new_process_id_means_a_new_session(exported: Path, tmp_path: Path, folder_is_there: bool) -> None:
    folder = Path(shutil.copytree(exported, tmp_path / "encoder"))
    encoder = load(folder, threads=2)
    expected, session = encoder.encode(TEXTS), encoder._session
    if not folder_is_there:
        shutil.rmtree(folder)
    encoder._process = -1  # as it looks in a forked worker
    np.testing.assert_array_equal(encoder.encode(TEXTS), expected)
    assert encoder._session is not session
    assert encoder.threads == 1


# Errors


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("left", [None, 0, 40])
def test_a_missing_or_damaged_file_is_named_on_one_line(
    exported: Path, tmp_path: Path, name: str, left: int | None
) -> None:
    folder = Path(shutil.copytree(exported, tmp_path / "damaged"))
    if left is None:
        (folder / name).unlink()
        message = rf"damaged .*missing: {name}.*xlt export"
    else:
        if name == "config.json":
            return  # It is only copied.
        (folder / name).write_bytes((folder / name).read_bytes()[:left])
        message = r"damaged .*\("
    with pytest.raises(XltError, match=message) as caught:
        OnnxEncoder().load(folder)
    assert "\n" not in str(caught.value)


def test_another_architecture_is_refused(tmp_path: Path, source: Path) -> None:
    folder = Path(shutil.copytree(source, tmp_path / "source"))
    config = json.loads((folder / "config.json").read_text())
    for change, message in (
        ({"model_type": "mt5"}, "'mt5' cannot be exported"),
        ({"hidden_act": "relu"}, "hidden_act 'relu' cannot be exported"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type 'relative_key'"),
    ):
        (folder / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(XltError, match=message):
            write_encoder(folder, tmp_path / "out", "float32")
    assert not (tmp_path / "out").exists()


def test_a_missing_tensor_is_named(tmp_path: Path, source: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = Path(shutil.copytree(source, tmp_path / "source"))
    tensors = load_file(folder / WEIGHTS_FILE)
    name = next(name for name in tensors if "layer.1.output.dense.bias" in name)
    del tensors[name]
    save_file(tensors, folder / WEIGHTS_FILE)
    with pytest.raises(XltError, match=r"lack encoder\.layer\.1\.output\.dense\.bias"):
        write_encoder(folder, tmp_path / "out", "int8")


def test_threads_below_1_are_an_error() -> None:
    with pytest.raises(XltError, match="threads is 0"):
        OnnxEncoder(threads=0)

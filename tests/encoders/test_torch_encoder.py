"""The torch back end."""

import copy
import json
import os
import pickle
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.encoders import torch_encoder
from spacy_xlt.encoders.base import Floats2d, TextEncoder
from spacy_xlt.encoders.folder import WEIGHTS_FILE, EncoderSettings
from spacy_xlt.encoders.torch_encoder import TorchEncoder, batches_of_like_length
from spacy_xlt.errors import XltError
from spacy_xlt.vectors import unit_rows
from tests.encoders import tiny
from tests.encoders.tiny import LINES

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

LONG = " ".join(LINES * 4)
TEXTS = [*LINES, "", "x", " ", "😡", LONG, "<s> [CLS] </s> [MASK]"]


def load(folder: Path, **overrides: Any) -> TorchEncoder:
    encoder = TorchEncoder(**overrides)
    encoder.load(folder)
    return encoder


def hidden_states(folder: Path, text: str) -> Any:
    """The token vectors [pieces, width] of a text by Hugging Face's own classes."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForTextEncoding.from_pretrained(folder).eval()
    with torch.inference_mode():
        return model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].numpy()


def mean_pooled(folder: Path, texts: tuple[str, ...]) -> Floats2d:
    """The mean over the attention mask of a padded batch, by Hugging Face's own classes."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForTextEncoding.from_pretrained(folder).eval()
    batch = tokenizer(list(texts), padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    return unit_rows(((states * mask).sum(1) / mask.sum(1)).numpy())


# The vectors


def test_it_is_an_encoder(tiny_bert: Path) -> None:
    encoder = load(tiny_bert)
    assert isinstance(encoder, TextEncoder)
    assert (encoder.is_loaded, encoder.width) == (True, tiny.WIDTH)
    assert not TorchEncoder().is_loaded


def test_same_vectors_as_hugging_faces_own_classes(tiny_encoder: Path) -> None:
    np.testing.assert_allclose(load(tiny_encoder).encode(LINES), mean_pooled(tiny_encoder, LINES), atol=1e-5)


def test_prefix_is_put_before_the_text(tiny_encoder: Path) -> None:
    prefixed = mean_pooled(tiny_encoder, tuple("query: " + line for line in LINES))
    np.testing.assert_allclose(load(tiny_encoder, prefix="query: ").encode(LINES), prefixed, atol=1e-5)


def test_pooling_cls_is_the_first_piece(tiny_encoder: Path) -> None:
    first = unit_rows(np.array([hidden_states(tiny_encoder, line)[0] for line in LINES]))
    np.testing.assert_allclose(load(tiny_encoder, pooling="cls").encode(LINES), first, atol=1e-5)


def test_vectors_have_unit_length_and_blank_texts_zeros(tiny_encoder: Path) -> None:
    encoder = load(tiny_encoder)
    vectors = encoder.encode(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((len(TEXTS), encoder.width), np.float32)
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(lengths, [0.0 if text.strip() == "" else 1.0 for text in TEXTS], atol=1e-6)


@pytest.mark.parametrize("texts", [[], [""], ["", " \n"]])
def test_nothing_to_encode(tiny_encoder: Path, texts: list[str]) -> None:
    vectors = load(tiny_encoder).encode(texts)
    assert vectors.shape == (len(texts), tiny.WIDTH)
    assert not vectors.any()


def test_a_text_has_the_same_vector_alone_and_in_any_company(tiny_encoder: Path) -> None:
    encoder = load(tiny_encoder)
    together = encoder.encode(TEXTS)
    np.testing.assert_allclose([encoder.encode([text])[0] for text in TEXTS], together, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS[::-1])[::-1], together, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS * 10)[: len(TEXTS)], together, atol=1e-5)


def test_different_texts_have_different_vectors(tiny_encoder: Path) -> None:
    vectors = load(tiny_encoder).encode(LINES)
    similarity = vectors @ vectors.T - 2 * np.eye(len(LINES))
    assert similarity.max() < 0.99999


# Long texts


def test_a_long_text_is_the_average_of_its_windows_by_length(tiny_encoder: Path) -> None:
    encoder = load(tiny_encoder, window=32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_encoder)
    model = transformers.AutoModelForTextEncoding.from_pretrained(tiny_encoder).eval()
    pieces = tokenizer(LONG, add_special_tokens=False).input_ids
    specials = tokenizer("").input_ids
    room = 32 - len(specials)
    step = room - room // 4
    total = np.zeros(tiny.WIDTH)
    for start in range(0, len(pieces) - room // 4, step):
        window = pieces[start : start + room]
        ids = torch.tensor([specials[:-1] + window + specials[-1:]])
        with torch.inference_mode():
            total += len(window) * model(input_ids=ids).last_hidden_state[0].mean(0).numpy()
    np.testing.assert_allclose(encoder.encode([LONG])[0], total / np.linalg.norm(total), atol=1e-5)


def test_max_windows_of_the_folder_and_in_its_place(tiny_bert: Path, tmp_path: Path) -> None:
    whole, limited = load(tiny_bert, window=32), load(tiny_bert, window=32, max_windows=2)
    assert (whole.settings.max_windows, limited.settings.max_windows) == (None, 2)
    assert np.abs(whole.encode([LONG]) - limited.encode([LONG])).max() > 1e-4
    limited.to_disk(tmp_path / "limited")
    saved = load(tmp_path / "limited")
    assert (saved.settings.window, saved.settings.max_windows) == (32, 2)
    np.testing.assert_array_equal(saved.encode(TEXTS), limited.encode(TEXTS))
    assert pickle.loads(pickle.dumps(limited)).settings == limited.settings
    unlimited = load(tmp_path / "limited", max_windows=0)
    assert unlimited.settings.max_windows is None
    np.testing.assert_allclose(unlimited.encode([LONG]), whole.encode([LONG]), atol=1e-6)


def test_a_folder_without_the_setting_reads_the_whole_text(tiny_bert: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "old"))
    content = json.loads((folder / "xlt_encoder.json").read_text(encoding="utf8"))
    del content["max_windows"]
    (folder / "xlt_encoder.json").write_text(json.dumps(content), encoding="utf8")
    assert load(folder).settings.max_windows is None


def test_public_names_for_the_trainer(tiny_bert: Path) -> None:
    encoder = load(tiny_bert, device="cpu")
    assert encoder.resolve_device() == torch.device("cpu") == next(encoder.model.parameters()).device
    assert encoder.tokenizer_config["tokenizer_class"] == "PreTrainedTokenizerFast"
    windows, _, lengths = encoder.tokenizer.choose_windows([LONG], count=2, length=24)
    assert [len(window) for window in windows] == [24, 24] and len(lengths) == 2
    with torch.inference_mode():
        pooled = encoder.pool(windows, torch.device("cpu")).numpy()
    np.testing.assert_allclose(pooled, encoder.encode_windows(windows), atol=1e-6)


def test_the_end_and_the_middle_of_a_long_text_count(tiny_encoder: Path) -> None:
    encoder = load(tiny_encoder)
    words = LONG.split()
    middle = [*words[:90], "password", "password", "password", *words[93:]]
    end = [*words[:-3], "password", "password", "password"]
    whole, other_middle, other_end = encoder.encode([LONG, " ".join(middle), " ".join(end)])
    assert np.abs(whole - other_middle).max() > 1e-4
    assert np.abs(whole - other_end).max() > 1e-4


def test_a_window_is_never_longer_than_the_models_positions(tiny_encoder: Path, tmp_path: Path) -> None:
    """Neither one that the user asks for, nor the default of a folder without xlt_encoder.json."""
    bare = Path(shutil.copytree(tiny_encoder, tmp_path / "bare"))
    (bare / "xlt_encoder.json").unlink()
    has_positions = tiny_encoder.name != "mt5"
    for encoder in (load(tiny_encoder, window=1000), load(bare)):
        assert np.linalg.norm(encoder.encode([LONG])) == pytest.approx(1, abs=1e-5)
        assert (encoder.settings.window == tiny.POSITIONS) == has_positions


@settings(deadline=None)
@given(st.lists(st.integers(1, 60), max_size=40), st.integers(1, 100))
def test_batches_hold_every_text_once_and_not_too_many_pieces(lengths: list[int], pieces: int) -> None:
    batches = list(batches_of_like_length(lengths, pieces))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = [lengths[index] for index in batch]
        assert padded == sorted(padded, reverse=True)
        assert len(batch) == 1 or len(batch) * padded[0] <= pieces
    firsts = [lengths[batch[0]] for batch in batches]
    assert firsts == sorted(firsts, reverse=True)


# Round trips


def test_round_trips_are_bit_equal(tiny_encoder: Path, tmp_path: Path) -> None:
    encoder = load(tiny_encoder)
    expected = encoder.encode(TEXTS)
    encoder.to_disk(tmp_path / "copy")
    from_bytes = TorchEncoder()
    from_bytes.from_bytes(encoder.to_bytes())
    twins = {
        "disk": load(tmp_path / "copy"),
        "bytes": from_bytes,
        "pickle": pickle.loads(pickle.dumps(encoder)),
        "deepcopy": copy.deepcopy(encoder),
    }
    for twin in twins.values():
        assert twin.settings == encoder.settings
        np.testing.assert_array_equal(twin.encode(TEXTS), expected)


def test_overrides_travel(tiny_bert: Path, tmp_path: Path) -> None:
    encoder = load(tiny_bert, pooling="cls", prefix="query: ", window=40)
    encoder.to_disk(tmp_path / "copy")
    settings = EncoderSettings(pooling="cls", prefix="query: ", window=40)
    assert load(tmp_path / "copy").settings == settings
    assert pickle.loads(pickle.dumps(encoder)).settings == settings


def test_a_copy_is_independent(tiny_bert: Path, tmp_path: Path) -> None:
    encoder = load(tiny_bert)
    twin = copy.deepcopy(encoder)
    before = encoder.encode(LINES)
    with torch.no_grad():
        for parameter in twin._model.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(encoder.encode(LINES), before)


def test_an_encoder_without_weights_travels_too() -> None:
    twin = pickle.loads(pickle.dumps(TorchEncoder(pooling="cls", device="cpu")))
    assert not twin.is_loaded
    assert (twin.overrides, twin.device) == ({"pooling": "cls"}, "cpu")
    assert TorchEncoder().to_bytes() == b""


def test_saving_into_the_folder_it_was_loaded_from(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))
    encoder = load(folder)
    expected = encoder.encode(TEXTS)
    encoder.to_disk(folder)
    encoder.to_disk(folder)
    np.testing.assert_array_equal(encoder.encode(TEXTS), expected)
    np.testing.assert_array_equal(load(folder).encode(TEXTS), expected)
    assert os.listdir(tmp_path) == ["encoder"]


def test_a_saved_folder_is_readable_by_others_and_by_hugging_face(tiny_encoder: Path, tmp_path: Path) -> None:
    load(tiny_encoder).to_disk(tmp_path / "copy")
    modes = {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "copy").iterdir()}
    assert modes == {stat.S_IMODE((tmp_path / "copy" / "config.json").stat().st_mode)}
    np.testing.assert_allclose(mean_pooled(tmp_path / "copy", LINES), mean_pooled(tiny_encoder, LINES), atol=1e-6)


def test_a_raw_hugging_face_folder_can_be_loaded(tmp_path: Path) -> None:
    """Of a masked language model: its head is left out."""
    raw = tiny.make_tiny_bert(tmp_path / "raw")
    np.testing.assert_allclose(load(raw).encode(LINES), mean_pooled(raw, LINES), atol=1e-5)


def test_threads_agree(tiny_bert: Path) -> None:
    encoder = load(tiny_bert)
    expected = encoder.encode(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(encoder.encode, [TEXTS] * 12):
            np.testing.assert_allclose(vectors, expected, atol=1e-5)


@pytest.mark.parametrize("there", [True, False])
def test_bfloat16_is_taken_only_where_the_cpu_has_it(
    tiny_encoder: Path, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_encoder, "has_cpu_flag", lambda *_: there)
    plain = load(tiny_encoder)
    encoder = TorchEncoder(bfloat16=True)
    encoder.load(tiny_encoder)
    expected, vectors = plain.encode(LINES), pickle.loads(pickle.dumps(encoder)).encode(LINES)
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, expected) is not there
    assert (vectors * expected).sum(axis=1)[expected.any(axis=1)].min() > 0.99


def test_several_can_be_loaded_at_once(tiny_encoder: Path) -> None:
    """transformers is not made for it: what one thread finishes, another is in the middle of."""
    expected = load(tiny_encoder).encode(LINES)
    with ThreadPoolExecutor(8) as pool:
        for encoder in pool.map(load, [tiny_encoder] * 24):
            np.testing.assert_allclose(encoder.encode(LINES), expected, atol=1e-5)


# Errors


@pytest.fixture
def folder(tiny_bert: Path, tmp_path: Path) -> Path:
    """An encoder folder that a test may damage."""
    return Path(shutil.copytree(tiny_bert, tmp_path / "damaged"))


def test_a_missing_folder_is_named_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(XltError, match=r"none .*config\.json.*spacy xlt init-encoder"):
        TorchEncoder().load(tmp_path / "none")


@pytest.mark.parametrize("name", ["config.json", WEIGHTS_FILE, "tokenizer.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(XltError, match=rf"damaged .*missing: {name}"):
        TorchEncoder().load(folder)


@pytest.mark.parametrize("name", ["config.json", WEIGHTS_FILE, "tokenizer.json", "xlt_encoder.json"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.95])
def test_a_truncated_file_is_named_on_one_line(folder: Path, name: str, share: float) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(XltError, match=r"damaged .*\(") as caught:
        TorchEncoder().load(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", {"model_type": "no-such-model"}),
        ("config.json", {}),
        ("xlt_encoder.json", {"colour": "red"}),
        ("xlt_encoder.json", []),
        ("tokenizer.json", {"model": None}),
    ],
)
def test_a_file_of_another_kind_is_an_error(folder: Path, name: str, content: Any) -> None:
    (folder / name).write_text(json.dumps(content))
    with pytest.raises(XltError, match=r"damaged .*\("):
        TorchEncoder().load(folder)


def test_missing_tensors_are_not_replaced_by_random_ones(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / WEIGHTS_FILE)
    name = next(name for name in tensors if "layer.1.output.dense" in name)
    del tensors[name]
    save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    with pytest.raises(XltError, match=r"lacks 1 .* .*layer\.1\.output\.dense"):
        TorchEncoder().load(folder)


def test_a_tensor_of_another_size_is_an_error(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 96}))
    with pytest.raises(XltError, match="cannot be loaded"):
        TorchEncoder().load(folder)


def test_a_failed_load_leaves_the_weights_that_were_there(tiny_bert: Path, folder: Path) -> None:
    encoder = load(tiny_bert)
    expected = encoder.encode(LINES)
    for name in ("tokenizer.json", WEIGHTS_FILE):
        (folder / name).write_text("{")
        with pytest.raises(XltError):
            encoder.load(folder)
        np.testing.assert_array_equal(encoder.encode(LINES), expected)


def test_bad_overrides_are_errors() -> None:
    for overrides in ({"pooling": "max"}, {"window": 3}):
        with pytest.raises(XltError):
            TorchEncoder(**overrides)  # type: ignore[arg-type]


# Devices


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_the_gpu_gives_the_same_vectors(tiny_encoder: Path) -> None:
    on_gpu = load(tiny_encoder, device="cuda:0").encode(TEXTS)
    assert isinstance(on_gpu, np.ndarray)
    np.testing.assert_allclose(on_gpu, load(tiny_encoder, device="cpu").encode(TEXTS), atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_weights_on_the_gpu_travel_to_the_cpu(tiny_bert: Path) -> None:
    encoder = load(tiny_bert, device="cuda:0")
    expected = encoder.encode(LINES)
    on_cpu = TorchEncoder(device="cpu")
    on_cpu.from_bytes(encoder.to_bytes())
    np.testing.assert_allclose(on_cpu.encode(LINES), expected, atol=1e-4)

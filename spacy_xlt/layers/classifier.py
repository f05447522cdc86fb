"""The heads: one vector of a Doc in, probabilities of the labels out."""

from collections.abc import Callable
from typing import Optional

from spacy.tokens import Doc
from thinc.api import Dropout, Gelu, Linear, Logistic, Model, Softmax, chain, zero_init
from thinc.types import Floats2d

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
    # Unit vectors have entries of about d^-0.5: scaled to about 1 they are what the initialisation expects.
    hidden_layer: Model[Floats2d, Floats2d] = chain(Gelu(nO=hidden), Dropout(dropout))
    return _head(chain(embed, Scale_v1(scale), hidden_layer), exclusive_classes, nO)


def _head(below: Model[list[Doc], Floats2d], exclusive_classes: bool, nO: Optional[int]) -> HeadT:
    output: Model[Floats2d, Floats2d]
    if exclusive_classes:
        output = Softmax(nO=nO)
    else:
        output = chain(Linear(nO=nO, init_W=zero_init), Logistic())
    model: HeadT = chain(below, output)
    model.set_ref("output_layer", output)
    model.attrs["multi_label"] = not exclusive_classes
    return model

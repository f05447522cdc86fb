"""Reads the embedding that an earlier component wrote on the Doc."""

from collections.abc import Callable
from typing import Any, Optional

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from spacy_xlt.errors import XltError
from spacy_xlt.extensions import set_extensions


def DocEmbedding_v1(attribute: str = "xlt_projected") -> Model[list[Doc], Floats2d]:
    """`spacy-xlt.DocEmbedding.v1`: `doc._.<attribute>` of each Doc as rows [n, nO]. Nothing flows back.

    attribute: `xlt_projected`, or `xlt_embedding` in a pipeline without projector.
    """
    set_extensions(attribute)
    return Model("doc_embedding", forward, init=init, dims={"nO": None}, attrs={"attribute": attribute})


def forward(
    model: Model[list[Doc], Floats2d], docs: list[Doc], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    if not docs:
        return model.ops.alloc2f(0, model.get_dim("nO")), lambda d_rows: []
    attribute = model.attrs["attribute"]
    vectors = [doc._.get(attribute) for doc in docs]
    if any(vector is None for vector in vectors):
        maker = "xlt_projector" if attribute == "xlt_projected" else "xlt_encoder"
        raise XltError(
            f"The text categorizer needs doc._.{attribute}: put {maker} before it in the pipeline, and in training "
            "name the components before it in [training] annotating_components."
        )

    def backprop(d_rows: Floats2d) -> list[Doc]:
        return []

    return model.ops.asarray2f(model.ops.xp.array(vectors, dtype="float32")), backprop


def init(model: Model[list[Doc], Floats2d], X: Optional[list[Doc]] = None, Y: Optional[Any] = None) -> None:
    if X and model.has_dim("nO") is None:
        model.set_dim("nO", forward(model, X[:1], False)[0].shape[1])

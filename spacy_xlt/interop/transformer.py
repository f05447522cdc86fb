"""spacy-transformers' model with frozen word embeddings, and a pooler over its word pieces: for fine-tuning."""

from collections.abc import Callable
from functools import partial
from typing import Any, Optional

import numpy as np
from spacy.tokens import Doc, Span
from thinc.api import Model, chain
from thinc.types import Floats2d

from spacy_xlt.encoders.folder import check_folder, default_folder
from spacy_xlt.errors import XltError, first_line

SpanGetter = Callable[[list[Doc]], list[list[Span]]]


def TransformerModel_v1(
    get_spans: SpanGetter,
    name: Optional[str] = None,
    freeze_embeddings: bool = True,
    tokenizer_config: dict[str, Any] = {},  # noqa: B006  (spaCy's own signature; never written)
    transformer_config: dict[str, Any] = {},  # noqa: B006
    mixed_precision: bool = False,
) -> Model[list[Doc], Any]:
    """`spacy-xlt.TransformerModel.v1`: `spacy-transformers.TransformerModel.v3` that can freeze the word embeddings.

    Four fifths of a multilingual encoder's parameters are word embeddings. Frozen, they make training 2-4 times faster
    and keep the languages aligned that the training data do not have.

    name: an encoder folder or a Hub name; None: the default encoder.
    """
    from spacy_transformers.data_classes import HFObjects
    from spacy_transformers.layers.transformer_model import TransformerModel

    from spacy_xlt.interop.frozen_shim import FrozenEmbeddingsShim

    model: Model[list[Doc], Any] = TransformerModel(
        name=name or "",
        get_spans=partial(nonempty_spans, get_spans),
        tokenizer_config=dict(tokenizer_config),
        transformer_config=dict(transformer_config),
        mixed_precision=mixed_precision,
        grad_scaler_config={},
    )
    if freeze_embeddings:
        nothing_yet = HFObjects(None, None, None, dict(tokenizer_config), dict(transformer_config))
        model.layers[0].shims[0] = FrozenEmbeddingsShim(
            nothing_yet, mixed_precision=mixed_precision, grad_scaler_config={}
        )
    model.init = init_transformer  # type: ignore[assignment]
    return model


def nonempty_spans(get_spans: SpanGetter, docs: list[Doc]) -> list[list[Span]]:
    """Leave out the span of a Doc without tokens: spacy-transformers crashes on it in a batch with other Docs."""
    return [[span for span in spans if len(span)] for spans in get_spans(docs)]


def init_transformer(model: Any, X: Optional[list[Doc]] = None, Y: Optional[Any] = None) -> None:
    """Load the weights: of the named encoder, or of the default one."""
    if not model.attrs["has_transformer"]:
        name = model.attrs["name"] or str(check_folder(default_folder()))
        model.attrs["set_transformer"](model, _load(name, model._init_tokenizer_config, model._init_transformer_config))


def _load(name: str, tokenizer_config: dict[str, Any], transformer_config: dict[str, Any]) -> Any:
    """Load tokenizer and weights. Raises XltError if that cannot be done, or for an encoder-decoder."""
    from spacy_transformers.layers.transformer_model import huggingface_from_pretrained
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(name)
        if not config.is_encoder_decoder:
            return huggingface_from_pretrained(name, tokenizer_config, transformer_config)
    except Exception as error:  # transformers, huggingface_hub, safetensors and json each raise kinds of their own
        reason = first_line(error).rstrip(".")
        raise XltError(
            f"The encoder {name} cannot be loaded ({type(error).__name__}: {reason}). It is missing or damaged: "
            f"give another folder, or make it with: python -m spacy xlt init-encoder {name} --name NAME_OR_FOLDER"
        ) from error
    raise XltError(
        f"{name} is an encoder-decoder ({config.model_type}), which cannot be fine-tuned: "
        "train on its frozen encoder (--method frozen, configs/frozen.cfg), or give another encoder."
    )


def TransformerPooler_v1(pooling: str = "mean", upstream: str = "*") -> Model[list[Doc], Floats2d]:
    """`spacy-xlt.TransformerPooler.v1`: one unit vector a Doc from the `transformer` component before it.

    pooling: `mean` over all word pieces, specials included, as `xlt_encoder` pools; or the first piece (`cls`).
    upstream: the name of the transformer component, or `*`.
    Returns a model from Docs to rows [n, width]; a Doc without word pieces, or with specials only, gets zeros, as
    from `xlt_encoder`.
    """
    from spacy_transformers.layers import TransformerListener

    listener = TransformerListener(upstream_name=upstream)
    pooler: Model[Any, Floats2d] = Model(
        "transformer_pooler", forward_pooler, dims={"nO": None}, init=init_pooler, attrs={"pooling": pooling}
    )
    model: Model[list[Doc], Floats2d] = chain(listener, pooler)
    model.set_ref("listener", listener)
    return model


def init_pooler(model: Any, X: Optional[list[Any]] = None, Y: Optional[Any] = None) -> None:
    if X and model.has_dim("nO") is None:
        model.set_dim("nO", next((data.width for data in X if "last_hidden_state" in data.model_output), None))


def forward_pooler(model: Any, batch: list[Any], is_train: bool) -> tuple[Floats2d, Callable[[Floats2d], list[Any]]]:
    """Pool TransformerData [spans, pieces, width] of each Doc into rows [n, width] of unit length."""
    xp = model.ops.xp
    width = model.get_dim("nO")
    rows = model.ops.alloc2f(len(batch), width)
    weights: dict[int, Any] = {}
    for i, data in enumerate(batch):
        if _has_pieces(data):
            weights[i] = _piece_weights(model, data)
            rows[i] = (data.model_output.last_hidden_state * weights[i][..., None]).sum(axis=(0, 1))
    lengths = xp.linalg.norm(rows, axis=1, keepdims=True)
    safe = xp.where(lengths > 0, lengths, 1.0)
    units = rows / safe

    def backprop(d_units: Floats2d) -> list[Any]:
        from spacy_transformers.data_classes import TransformerData
        from transformers.file_utils import ModelOutput

        # d|x|^-1 x: the part of the gradient along the unit vector changes only the length, which is divided out.
        d_rows = (d_units - units * (d_units * units).sum(axis=1, keepdims=True)) / safe
        # Docs without word pieces are skipped: the transformer has not seen them, and expects no gradient for them.
        return [
            TransformerData(
                model_output=ModelOutput(last_hidden_state=(weights[i][..., None] * d_rows[i]).astype("f")),
                wordpieces=batch[i].wordpieces,
                align=batch[i].align,
            )
            for i in sorted(weights)
        ]

    return units, backprop


def _has_pieces(data: Any) -> bool:
    return "last_hidden_state" in data.model_output and data.model_output.last_hidden_state.size > 0


def _piece_weights(model: Any, data: Any) -> Any:
    """The weight of each word piece [spans, pieces] in the pooled vector; padding has none.

    Where no token is aligned with a word piece, there are only specials: the text is blank, and nothing has weight.
    """
    mask = model.ops.asarray(np.asarray(data.wordpieces.attention_mask, dtype="float32"))
    mask = mask.reshape(data.model_output.last_hidden_state.shape[:2])
    if model.attrs["pooling"] == "cls":
        first = model.ops.xp.zeros_like(mask)
        first[:, 0] = 1.0
        mask = first
    return mask / mask.sum() if data.align.lengths.sum() else model.ops.xp.zeros_like(mask)

"""Thinc architectures for `spacy train configs/finetune.cfg`: a transformer with frozen word embeddings, and a pooler.

spaCy imports this module for its registry whether spacy-transformers is installed or not, so the imports of that
package are inside the functions.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Optional

import numpy as np
from spacy.tokens import Doc, Span
from thinc.api import Model, chain
from thinc.types import Floats2d

from spacy_xlt.encoders.folder import check_folder, default_folder
from spacy_xlt.errors import XltError, first_line
from spacy_xlt.extras import require

SpanGetter = Callable[[list[Doc]], list[list[Span]]]


def TransformerModel_v1(
    get_spans: SpanGetter,
    name: Optional[str] = None,
    freeze_embeddings: bool = True,
    tokenizer_config: dict[str, Any] = {},  # noqa: B006  (spaCy's own signature; never written)
    transformer_config: dict[str, Any] = {},  # noqa: B006
    mixed_precision: bool = False,
) -> Model[list[Doc], Any]:
    """Create a transformer whose word embeddings can be frozen (`spacy-xlt.TransformerModel.v1`).

    The model is `spacy-transformers.TransformerModel.v3` otherwise. Four fifths of the parameters of a multilingual
    encoder are word embeddings. Freezing them makes training 2 to 4 times as fast, and the languages that are not in
    the training data stay aligned with those that are.

    Args:
        get_spans: The span getter, such as `spacy-transformers.doc_spans.v1`.
        name: An encoder folder or a name on the Hugging Face Hub. None: the default encoder.
        freeze_embeddings: Do not train the word embeddings.
        tokenizer_config: Options of the tokenizer of transformers.
        transformer_config: Options of the model of transformers.
        mixed_precision: Train in mixed precision (on a GPU only).

    Returns:
        A model from Docs to `FullTransformerBatch`. Its weights are loaded when it is initialized.

    Raises:
        XltError: spacy-transformers is not installed; at initialization, the encoder cannot be loaded or is an
            encoder-decoder.
    """
    require("spacy-transformers", "spacy_transformers")
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
    """Leave out empty spans. spacy-transformers crashes on a Doc without tokens in a batch with other Docs.

    Args:
        get_spans: The span getter to wrap.
        docs: The Docs of a batch.

    Returns:
        A list of spans for each Doc. It is empty for a Doc without tokens.
    """
    return [[span for span in spans if len(span)] for spans in get_spans(docs)]


def init_transformer(model: Any, X: Optional[list[Doc]] = None, Y: Optional[Any] = None) -> None:
    """Load the weights of the named encoder, or of the default encoder if there is no name.

    Raises:
        XltError: The encoder cannot be loaded or is an encoder-decoder.
    """
    if not model.attrs["has_transformer"]:
        name = model.attrs["name"] or str(check_folder(default_folder()))
        model.attrs["set_transformer"](model, _load(name, model._init_tokenizer_config, model._init_transformer_config))


def _load(name: str, tokenizer_config: dict[str, Any], transformer_config: dict[str, Any]) -> Any:
    """Load the tokenizer and the weights."""
    from spacy_transformers.layers.transformer_model import huggingface_from_pretrained
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(name)
        if not config.is_encoder_decoder:
            return huggingface_from_pretrained(name, tokenizer_config, transformer_config)
    except Exception as error:  # transformers, huggingface_hub, safetensors and json each raise kinds of their own
        reason = first_line(error).rstrip(".")
        raise XltError(
            f"The encoder {name} cannot be loaded ({type(error).__name__}: {reason}). It is missing or damaged. "
            f"Give another folder, or make it with: python -m spacy xlt init-encoder {name} --name NAME_OR_FOLDER"
        ) from error
    raise XltError(
        f"{name} is an encoder-decoder ({config.model_type}), which cannot be fine-tuned. "
        "Train on its frozen encoder with configs/frozen.cfg, or give another encoder."
    )


def TransformerPooler_v1(pooling: str = "mean", upstream: str = "*") -> Model[list[Doc], Floats2d]:
    """Create a pooler of the word pieces of a `transformer` component (`spacy-xlt.TransformerPooler.v1`).

    Args:
        pooling: `mean` averages all word pieces including special tokens, as `xlt_encoder` does. `cls` takes the first
            word piece.
        upstream: The name of the transformer component. `*`: whichever there is.

    Returns:
        A model from Docs to vectors [n, width] of unit length. A Doc without word pieces, or with special tokens only,
        gets a vector of zeros, as from `xlt_encoder`.

    Raises:
        XltError: spacy-transformers is not installed.
    """
    require("spacy-transformers", "spacy_transformers")
    from spacy_transformers.layers import TransformerListener

    listener = TransformerListener(upstream_name=upstream)
    pooler: Model[Any, Floats2d] = Model(
        "transformer_pooler", forward_pooler, dims={"nO": None}, init=init_pooler, attrs={"pooling": pooling}
    )
    model: Model[list[Doc], Floats2d] = chain(listener, pooler)
    model.set_ref("listener", listener)
    return model


def init_pooler(model: Any, X: Optional[list[Any]] = None, Y: Optional[Any] = None) -> None:
    """Set the width from a sample of `TransformerData`."""
    if X and model.has_dim("nO") is None:
        model.set_dim("nO", next((data.width for data in X if "last_hidden_state" in data.model_output), None))


def forward_pooler(model: Any, batch: list[Any], is_train: bool) -> tuple[Floats2d, Callable[[Floats2d], list[Any]]]:
    """Pool the word pieces of each Doc into one vector of unit length.

    Args:
        model: The pooler.
        batch: The `TransformerData` of n Docs, each with hidden states [spans, pieces, width].
        is_train: Not used.

    Returns:
        The vectors [n, width], and the function that takes their gradient [n, width] to one `TransformerData` of
        gradients for each Doc with word pieces.
    """
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

        # The part of the gradient along the unit vector changes only the length, which the division removes.
        d_rows = (d_units - units * (d_units * units).sum(axis=1, keepdims=True)) / safe
        # The transformer has not seen Docs without word pieces, and it expects no gradient for them.
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
    """Return the weight of each word piece [spans, pieces] in the pooled vector. Padding has weight 0.

    A text is blank if no token is aligned with a word piece. Then its special tokens have weight 0 too.
    """
    mask = model.ops.asarray(np.asarray(data.wordpieces.attention_mask, dtype="float32"))
    mask = mask.reshape(data.model_output.last_hidden_state.shape[:2])
    if model.attrs["pooling"] == "cls":
        first = model.ops.xp.zeros_like(mask)
        first[:, 0] = 1.0
        mask = first
    return mask / mask.sum() if data.align.lengths.sum() else model.ops.xp.zeros_like(mask)

"""Convert a pipeline that `spacy train configs/finetune.cfg` has trained into the four components of spacy_xlt."""

import copy
from collections.abc import Sequence
from typing import Any, Optional

from spacy import util
from spacy.language import Language

from spacy_xlt.data.dataset import Data
from spacy_xlt.encoders.folder import EncoderSettings
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.languages import find_language
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projection import fit_projection
from spacy_xlt.training.pipeline import NAMES, read_packaged_config

POOLER = "spacy-xlt.TransformerPooler.v1"


def flatten(
    nlp: Language,
    *,
    source: str = "en",
    languages: Sequence[str] = (),
    source_texts: Optional[Data] = None,
    progress: bool = True,
) -> Language:
    """Convert a fine-tuned pipeline into the four components of spacy_xlt.

    The weights of `transformer` move into an `xlt_encoder`, and its head into an `xlt_textcat` behind it. The scores of
    texts that fit into one window change by less than 1e-5. Of longer texts the new pipeline reads everything, while
    spacy-transformers cuts them off.

    Args:
        nlp: A pipeline with a `transformer` and a head that has `spacy-xlt.TransformerPooler.v1` as its `embed`. It is
            left as it is.
        source: The language of the training texts, as a code or an English name.
        languages: The languages that can occur, as a prior of the language detector. Empty: no prior.
        source_texts: Unlabeled texts of the source language, or files of them, such as the training texts. With them
            the projector knows the mean of the source language, which `project` needs.
        progress: Show a progress bar.

    Returns:
        A new pipeline of `xlt_langdetect`, `xlt_encoder`, `xlt_projector` and the head, with the name, version,
        description and performance of the old one.

    Raises:
        XltError: The pipeline has no transformer, or its head does not have our pooler.

    Example:
        >>> flat = flatten(spacy.load("training/mine/model-best"), source="en")  # doctest: +SKIP
    """
    source, languages = find_language(source), [find_language(language) for language in languages]
    name, head = _find_head(nlp)
    model_config = nlp.config["components"][name]["model"]
    # The factory of the old head says whether it is multilabel.
    multilabel = nlp.get_pipe_meta(name).factory == NAMES[True]
    config = read_packaged_config(
        multilabel, {"components.xlt_projector.source": source, "components.xlt_langdetect.languages": languages}
    )
    config["nlp"]["lang"] = nlp.lang or "xx"
    config["nlp"]["pipeline"][-1] = name
    section = config["components"].pop(NAMES[multilabel])
    section["model"] = {**model_config, "embed": section["model"]["embed"]}
    section["threshold"] = nlp.config["components"][name]["threshold"]
    config["components"][name] = section
    config["initialize"]["components"][name] = config["initialize"]["components"].pop(NAMES[multilabel])
    flat = util.load_model_from_config(config, auto_fill=True, validate=True)
    new_head: Any = flat.get_pipe(name)

    _move_encoder(nlp, find_pipe(flat, Encoder), str(model_config["embed"].get("pooling", "mean")))
    _move_head(head, new_head)
    kept = ("name", "version", "description", "license", "performance")
    flat.meta.update({key: nlp.meta[key] for key in kept if key in nlp.meta})
    if source_texts is not None:
        fit_projection(flat, {source: source_texts}, progress=progress)
    return flat


def _find_head(nlp: Language) -> tuple[str, Any]:
    """Return the name of the text categorizer on top of our pooler, and the component."""
    if "transformer" not in nlp.pipe_names:
        raise XltError(
            f"This pipeline ({', '.join(nlp.pipe_names)}) has no transformer, so there is nothing to flatten. "
            "Only pipelines that were trained with configs/finetune.cfg can be flattened."
        )
    for name, pipe in nlp.pipeline:
        model = nlp.config["components"][name].get("model", {})
        if model.get("embed", {}).get("@architectures") == POOLER:
            return name, pipe
    raise XltError(
        f"No component of this pipeline ({', '.join(nlp.pipe_names)}) has a model with {POOLER} as its `embed`. "
        "Train the pipeline with configs/finetune.cfg."
    )


def _move_encoder(nlp: Language, encoder: Encoder, pooling: str) -> None:
    """Give the encoder the fine-tuned weights. It gets no prefix, because the model was trained without one."""
    transformer: Any = nlp.get_pipe("transformer").model  # type: ignore[attr-defined]
    back_end = encoder.encoder
    assert isinstance(back_end, TorchEncoder)
    window = min(int(transformer.tokenizer.model_max_length), EncoderSettings().window)
    settings = EncoderSettings(pooling="cls" if pooling == "cls" else "mean", prefix="", window=window)
    model = transformer.transformer
    # AutoTokenizer needs the names of the special tokens in order to pad.
    tokenizer = transformer.tokenizer
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}
    # The model is copied because Thinc switches the old one back to training mode, with dropout, when it is used.
    back_end.set_model(copy.deepcopy(model), tokenizer.backend_tokenizer.to_str(), settings, special)


def _move_head(old: Any, new: Any) -> None:
    """Copy the labels, and the parameters of the layers above the embedding."""
    for label in old.labels:
        new.cfg["labels"].append(label)
        new.vocab.strings.add(label)
    new.cfg.update({key: value for key, value in old.cfg.items() if key != "labels"})
    old_layers, new_layers = list(_above_embedding(old.model)), list(_above_embedding(new.model))
    # Layers are matched by order. Their names contain the name of the embedding, which differs.
    assert [layer.param_names for layer in old_layers] == [layer.param_names for layer in new_layers]
    for before, after in zip(old_layers, new_layers):
        for dim in before.dim_names:
            if before.has_dim(dim):
                after.set_dim(dim, before.get_dim(dim))
        for param in before.param_names:
            after.set_param(param, before.get_param(param).copy())


def _above_embedding(model: Any) -> list[Any]:
    """Return the layers of a head without those of its embedding, in order."""
    embedding = model.layers[0].layers[0]
    inside = {id(layer) for layer in embedding.walk()}
    return [layer for layer in model.walk(order="dfs_pre") if id(layer) not in inside]

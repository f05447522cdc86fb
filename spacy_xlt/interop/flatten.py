"""From a fine-tuned pipeline (transformer, text categorizer) to the four components that everything else knows."""

import copy
from collections.abc import Sequence
from typing import Any, Optional

import spacy
from spacy.language import Language

from spacy_xlt.data.dataset import Data
from spacy_xlt.encoders.folder import EncoderSettings
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.languages import find_language
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projection import fit_projection

POOLER = "spacy-xlt.TransformerPooler.v1"


def flatten(
    nlp: Language,
    *,
    source: str = "en",
    languages: Sequence[str] = (),
    source_texts: Optional[Data] = None,
    quiet: bool = True,
) -> Language:
    """Move the trained weights of `transformer` into an `xlt_encoder`, and the head into an `xlt_textcat` behind it.

    The scores stay the same to 1e-5 for texts of one window; of longer ones the new pipeline reads all, where
    spacy-transformers cuts them.

    source: the language of the training texts. languages: the prior of the language detector.
    source_texts: unlabelled texts of the source, or files of them, such as the training texts; with them the projector
        is ready for `xlt transfer project`.
    Raises XltError if the pipeline has no transformer or its head is not one of ours.
    """
    source, languages = find_language(source), [find_language(language) for language in languages]
    name, head = _find_head(nlp)
    model_config = nlp.config["components"][name]["model"]
    flat = spacy.blank(nlp.lang or "xx")
    flat.add_pipe("xlt_langdetect", config={"languages": list(languages)})
    flat.add_pipe("xlt_encoder")
    flat.add_pipe("xlt_projector", config={"source": source})
    new_config = {
        **model_config,
        "embed": {"@architectures": "spacy-xlt.DocEmbedding.v1", "attribute": "xlt_projected"},
    }
    # The old entry says which of the two factories and which settings.
    settings = {"model": new_config, "threshold": nlp.config["components"][name]["threshold"]}
    new_head: Any = flat.add_pipe(nlp.get_pipe_meta(name).factory, name=name, config=settings)

    _move_encoder(nlp, find_pipe(flat, Encoder), str(model_config["embed"].get("pooling", "mean")))
    _move_head(head, new_head)
    kept = ("name", "version", "description", "performance")
    flat.meta.update({key: nlp.meta[key] for key in kept if key in nlp.meta})
    if source_texts is not None:
        fit_projection(flat, {source: source_texts}, quiet=quiet)
    return flat


def _find_head(nlp: Language) -> tuple[str, Any]:
    if "transformer" not in nlp.pipe_names:
        raise XltError(
            f"This pipeline ({', '.join(nlp.pipe_names)}) has no transformer: there is nothing to flatten. "
            "One trained with configs/frozen.cfg is flat already."
        )
    for name, pipe in nlp.pipeline:
        model = nlp.config["components"][name].get("model", {})
        if model.get("embed", {}).get("@architectures") == POOLER:
            return name, pipe
    raise XltError(f"No head of this pipeline has {POOLER} as its `embed`: train it with configs/finetune.cfg.")


def _move_encoder(nlp: Language, encoder: Encoder, pooling: str) -> None:
    """Give the encoder the fine-tuned weights. Training saw no prefix, so there is none."""
    transformer: Any = nlp.get_pipe("transformer").model  # type: ignore[attr-defined]
    back_end = encoder.encoder
    assert isinstance(back_end, TorchEncoder)
    window = min(int(transformer.tokenizer.model_max_length), EncoderSettings().window)
    settings = EncoderSettings(pooling="cls" if pooling == "cls" else "mean", prefix="", window=window)
    model = transformer.transformer
    # A copy: Thinc puts the old one back into training mode, with its dropout, whenever it is used.
    # With the names of the special tokens, so that AutoTokenizer, too, can pad what the folder's tokenizer makes.
    tokenizer = transformer.tokenizer
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}
    back_end.set_model(copy.deepcopy(model), tokenizer.backend_tokenizer.to_str(), settings, special)


def _move_head(old: Any, new: Any) -> None:
    """Copy labels and the parameters above the embedding."""
    for label in old.labels:
        new.cfg["labels"].append(label)
        new.vocab.strings.add(label)
    new.cfg.update({key: value for key, value in old.cfg.items() if key != "labels"})
    old_layers, new_layers = list(_above_embedding(old.model)), list(_above_embedding(new.model))
    # Not by name: the name of a chain is made of its layers' names, that of the embedding included.
    assert [layer.param_names for layer in old_layers] == [layer.param_names for layer in new_layers]
    for before, after in zip(old_layers, new_layers):
        for dim in before.dim_names:
            if before.has_dim(dim):
                after.set_dim(dim, before.get_dim(dim))
        for param in before.param_names:
            after.set_param(param, before.get_param(param).copy())


def _above_embedding(model: Any) -> list[Any]:
    """The layers of a head but for those of its embedding, in order."""
    embedding = model.layers[0].layers[0]
    inside = {id(layer) for layer in embedding.walk()}
    return [layer for layer in model.walk(order="dfs_pre") if id(layer) not in inside]

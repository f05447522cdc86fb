"""The text categorizer of a pipeline as features and an output layer, so that transfer methods can refit the layer."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.pipeline.textcat import TextCategorizer
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.tokens import Doc

from spacy_xlt.data.docbin import make_docs
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer
from spacy_xlt.languages import UNKNOWN
from spacy_xlt.layers.classifier import find_output, set_output
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.serving.head import Head, load_head
from spacy_xlt.pipeline.upstream import annotate_upstream
from spacy_xlt.pipeline.projection import fit_projection

# BERT's pooler, which no encoder of ours uses: some folders have it, some do not.
UNUSED = "pooler."


@dataclass(frozen=True)
class Snapshot:
    """What transfer methods change of a pipeline: put back with `restore`."""

    layer: Layer
    projector: bytes
    model: Any


def find_head(nlp: Language) -> TextCategorizer:
    """The text categorizer. Raises XltError if there is none, or its model is not one of ours."""
    head = find_pipe(nlp, TextCategorizer)
    if find_output(head.model) is None:
        raise XltError(f"The head '{head.name}' is none of spacy_xlt's: train one with: python -m spacy xlt train")
    find_pipe(nlp, Encoder)
    return head


def is_exclusive(nlp: Language) -> bool:
    return not isinstance(find_pipe(nlp, TextCategorizer), MultiLabel_TextCategorizer)


def head_labels(nlp: Language) -> list[str]:
    return list(find_head(nlp).labels)


def get_layer(nlp: Language) -> Layer:
    """The output layer, above scale and hidden layer."""
    layer: Any = find_output(find_head(nlp).model)
    # Copies, also where the parameters are on a GPU.
    weight, bias = (np.array(layer.ops.to_numpy(layer.get_param(name))) for name in ("W", "b"))
    return Layer(weight, bias)


def read_head(nlp: Language) -> Head:
    """The text categorizer of a pipeline as plain arithmetic."""
    component = find_pipe(nlp, TextCategorizer)
    with tempfile.TemporaryDirectory(prefix="spacy_xlt_") as scratch:
        component.to_disk(Path(scratch) / component.name)
        return load_head(Path(scratch) / component.name, nlp.config.interpolate()["components"][component.name])


def set_layer(nlp: Language, new: Layer) -> None:
    set_output(find_head(nlp).model, new)


def annotate(nlp: Language, records: Sequence[Record]) -> list[Doc]:
    """Docs with everything that stands before the head. The language of a record, if it has one, is not detected."""
    return annotate_upstream(nlp, find_head(nlp).name, list(make_docs(nlp, records, [])))


def make_features(nlp: Language, records: Sequence[Record]) -> Floats2d:
    """What the output layer gets for each record: [n, d]."""
    below: Any = find_head(nlp).model.layers[0]
    return np.asarray(below.ops.to_numpy(below.predict(annotate(nlp, records))), dtype=np.float32)


def predictions(nlp: Language, records: Sequence[Record]) -> NDArray[np.float64]:
    """The probabilities [n, labels] that the pipeline gives the texts."""
    head = find_head(nlp)
    docs = annotate(nlp, records)
    return np.asarray(head.model.ops.to_numpy(head.predict(docs)), dtype=np.float64)


def project_new_languages(nlp: Language, texts: Mapping[str, Sequence[str]], *, progress: bool = True) -> list[str]:
    """Fit the projector for those languages that it has not seen, where it knows its source; return them."""
    projector = find_pipe(nlp, Projector)
    new = sorted(set(texts) - set(projector.languages) - {UNKNOWN, projector.source})
    if projector.source not in projector.means:
        return []
    if new:
        fit_projection(nlp, {language: texts[language] for language in new}, progress=progress)
    return new


def take_snapshot(nlp: Language) -> Snapshot:
    """Of the head's output layer, the projector, and the encoder's model (not copied: methods put in another one)."""
    return Snapshot(get_layer(nlp), find_pipe(nlp, Projector).to_bytes(), _model(nlp))


def restore(nlp: Language, snapshot: Snapshot) -> None:
    set_layer(nlp, snapshot.layer)
    find_pipe(nlp, Projector).from_bytes(snapshot.projector)
    if _model(nlp) is not snapshot.model:
        set_model(nlp, snapshot.model)


def average_weights(nlp: Language, snapshots: Sequence[Snapshot]) -> None:
    """Put the mean of their weights into encoder and head: of trainings from one start it is mostly better than any of
    them (a uniform soup: "Model soups", Wortsman et al. 2022, section 2).

    The model is the first snapshot's, changed.
    """
    model = snapshots[0].model
    for number, snapshot in enumerate(snapshots[1:], start=2):
        interpolate_weights(model, snapshot.model, 1 / number)
    set_model(nlp, model)
    layers = [snapshot.layer for snapshot in snapshots]
    check_same_shape(layers)
    set_layer(
        nlp, Layer(np.mean([each.weight for each in layers], axis=0), np.mean([each.bias for each in layers], axis=0))
    )


def interpolate_with(nlp: Language, start: Snapshot, share: float = 0.5) -> None:
    """Move the weights of encoder and head that share of the way back to those of the start (WiSE-FT, Wortsman et al.
    2022, equation 1): between old weights and fine-tuned ones, the middle is often better than either end.

    The encoder has to have the layers that it had at the start.
    """
    old, new = start.layer, get_layer(nlp)
    check_same_shape([old, new])
    set_layer(nlp, Layer(new.weight + share * (old.weight - new.weight), new.bias + share * (old.bias - new.bias)))
    model = _model(nlp)
    if model is start.model:
        return
    interpolate_weights(model, start.model, share)
    set_model(nlp, model)


def check_same_shape(layers: Sequence[Layer]) -> None:
    """Raise XltError unless all layers have the same labels and width."""
    shapes = list(dict.fromkeys(layer.weight.shape for layer in layers))
    if len(shapes) > 1:
        raise XltError(f"Heads of different shapes cannot be averaged: [labels, width] is {shapes[0]} and {shapes[1]}.")


def interpolate_weights(model: Any, other: Any, share: float) -> None:
    """Move the weights of a Hugging Face model a share of the way to those of another of the same shape, in place.

    Raises:
        XltError: a weight is in one of them only, or has another shape there.
    """
    weights, targets = (
        {name: values for name, values in each.named_parameters() if not name.startswith(UNUSED)}
        for each in (model, other)
    )
    for name in [*weights, *targets]:
        shapes = [tuple(each[name].shape) if name in each else None for each in (weights, targets)]
        if shapes[0] != shapes[1]:
            raise XltError(
                f"Models of different shapes cannot be averaged: the shape of '{name}' is {shapes[0]} in one and "
                f"{shapes[1]} in the other."
            )
    for name, values in weights.items():
        # Word embeddings do not learn: they are the same tensors, or of another folder the same numbers.
        if values is not targets[name]:
            values.data.lerp_(targets[name].data.to(values.device), share)


def _model(nlp: Language) -> Any:
    """The Hugging Face model; None for encoders of other kinds, which no method changes."""
    encoder = find_pipe(nlp, Encoder).encoder
    return encoder.model if isinstance(encoder, TorchEncoder) else None


def set_model(nlp: Language, model: Any) -> None:
    """Put another Hugging Face model of the same kind into the encoder; vectors kept of the old one are forgotten."""
    component = find_pipe(nlp, Encoder)
    back_end: Any = component.encoder
    back_end.set_model(model, back_end.tokenizer_json, back_end.settings, back_end.tokenizer_config)
    component.forget()

"""Read and change the trained parts of a pipeline: the output layer, the projector and the encoder's model."""

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
from spacy_xlt.pipeline.projection import fit_projection
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.pipeline.upstream import annotate_upstream
from spacy_xlt.serving.head import Head, load_head

# BERT's pooler: only some model folders have it, and no encoder uses it.
POOLER = "pooler."


@dataclass(frozen=True)
class Snapshot:
    """The trained parts of a pipeline. `restore` puts them back.

    Attributes:
        layer: The output layer of the head.
        projector: The projector as bytes.
        model: The encoder's Hugging Face model; None for encoders that cannot be trained.
    """

    layer: Layer
    projector: bytes
    model: Any


def find_head(nlp: Language) -> TextCategorizer:
    """Return the text categorizer.

    Raises:
        XltError: The pipeline has none, or it has another model than those of spacy_xlt.
    """
    head = find_pipe(nlp, TextCategorizer)
    if find_output(head.model) is None:
        raise XltError(f"The model of the component '{head.name}' is not one of spacy_xlt. Train one with spacy_xlt.")
    find_pipe(nlp, Encoder)
    return head


def is_exclusive(nlp: Language) -> bool:
    """Return whether the head predicts exactly one label per text."""
    return not isinstance(find_pipe(nlp, TextCategorizer), MultiLabel_TextCategorizer)


def head_labels(nlp: Language) -> list[str]:
    """Return the labels of the head, in its order."""
    return list(find_head(nlp).labels)


def get_layer(nlp: Language) -> Layer:
    """Return a copy of the output layer. It excludes the scale and the hidden layer."""
    layer: Any = find_output(find_head(nlp).model)
    weight, bias = (np.array(layer.ops.to_numpy(layer.get_param(name))) for name in ("W", "b"))
    return Layer(weight, bias)


def read_head(nlp: Language) -> Head:
    """Return the text categorizer in NumPy."""
    component = find_pipe(nlp, TextCategorizer)
    with tempfile.TemporaryDirectory(prefix="spacy_xlt_") as scratch:
        component.to_disk(Path(scratch) / component.name)
        return load_head(Path(scratch) / component.name, nlp.config.interpolate()["components"][component.name])


def set_layer(nlp: Language, new: Layer) -> None:
    """Replace the weights of the output layer."""
    set_output(find_head(nlp).model, new)


def annotate(nlp: Language, records: Sequence[Record]) -> list[Doc]:
    """Run all components before the head. A language that a record names is not detected again."""
    return annotate_upstream(nlp, find_head(nlp).name, list(make_docs(nlp, records, [])))


def make_features(nlp: Language, records: Sequence[Record]) -> Floats2d:
    """Return the inputs of the output layer, [n, d]."""
    below: Any = find_head(nlp).model.layers[0]
    return np.asarray(below.ops.to_numpy(below.predict(annotate(nlp, records))), dtype=np.float32)


def predictions(nlp: Language, records: Sequence[Record]) -> NDArray[np.float64]:
    """Return the probabilities that the pipeline predicts, [n, labels]."""
    head = find_head(nlp)
    docs = annotate(nlp, records)
    return np.asarray(head.model.ops.to_numpy(head.predict(docs)), dtype=np.float64)


def project_new_languages(nlp: Language, texts: Mapping[str, Sequence[str]], *, progress: bool = True) -> list[str]:
    """Fit the projector for languages that it has not seen, and return them.

    Args:
        nlp: A pipeline. If its projector was not fitted on the source language, nothing is fitted.
        texts: {language: texts}.
        progress: Show a progress bar.
    """
    projector = find_pipe(nlp, Projector)
    new = sorted(set(texts) - set(projector.languages) - {UNKNOWN, projector.source})
    if projector.source not in projector.means:
        return []
    if new:
        fit_projection(nlp, {language: texts[language] for language in new}, progress=progress)
    return new


def take_snapshot(nlp: Language) -> Snapshot:
    """Return the trained parts of a pipeline. The encoder's model is not copied: training replaces it by a new one."""
    return Snapshot(get_layer(nlp), find_pipe(nlp, Projector).to_bytes(), _model(nlp))


def restore(nlp: Language, snapshot: Snapshot) -> None:
    """Put the trained parts of a snapshot into a pipeline."""
    set_layer(nlp, snapshot.layer)
    find_pipe(nlp, Projector).from_bytes(snapshot.projector)
    if _model(nlp) is not snapshot.model:
        set_model(nlp, snapshot.model)


def average_weights(nlp: Language, snapshots: Sequence[Snapshot]) -> None:
    """Give encoder and head the mean weights of several training runs (a uniform model soup).

    Args:
        nlp: The pipeline.
        snapshots: Snapshots after training runs from the same initial weights. The model of the first one is changed.

    Raises:
        XltError: The snapshots have different shapes.

    References:
        Wortsman et al. (2022), "Model soups", section 2.
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


def interpolate_with(nlp: Language, start: Snapshot, weight: float = 0.5) -> None:
    """Interpolate the weights of encoder and head with those of a snapshot (WiSE-FT).

    Args:
        nlp: The pipeline. Its encoder has the same shape as that of the snapshot.
        start: The snapshot, taken before training.
        weight: The weight of the snapshot. 0 changes nothing, and 1 restores the snapshot.

    Raises:
        XltError: Pipeline and snapshot have different shapes.

    References:
        Wortsman et al. (2022), "Robust fine-tuning of zero-shot models", equation 1.
    """
    old, new = start.layer, get_layer(nlp)
    check_same_shape([old, new])
    set_layer(nlp, Layer(new.weight + weight * (old.weight - new.weight), new.bias + weight * (old.bias - new.bias)))
    model = _model(nlp)
    if model is start.model:
        return
    interpolate_weights(model, start.model, weight)
    set_model(nlp, model)


def check_same_shape(layers: Sequence[Layer]) -> None:
    """Check that all layers have the same number of labels and the same width.

    Raises:
        XltError: They do not.
    """
    shapes = list(dict.fromkeys(layer.weight.shape for layer in layers))
    if len(shapes) > 1:
        raise XltError(
            f"Heads of different shapes cannot be averaged: [labels, width] is {shapes[0]} and {shapes[1]}. "
            "Use models that were trained from the same start."
        )


def interpolate_weights(model: Any, other: Any, weight: float) -> None:
    """Interpolate the weights of a Hugging Face model with those of another one, in place.

    Args:
        model: The model to change.
        other: A model of the same shape.
        weight: The weight of the other model.

    Raises:
        XltError: A parameter is in one model only, or its shapes differ.
    """
    parameters, others = (
        {name: values for name, values in each.named_parameters() if not name.startswith(POOLER)}
        for each in (model, other)
    )
    for name in [*parameters, *others]:
        shapes = [tuple(each[name].shape) if name in each else None for each in (parameters, others)]
        if shapes[0] != shapes[1]:
            raise XltError(
                f"Models of different shapes cannot be averaged: the shape of '{name}' is {shapes[0]} in one and "
                f"{shapes[1]} in the other. Use models that were trained from the same start."
            )
    for name, values in parameters.items():
        # Word embeddings are not trained. Models that share them have the same tensor here.
        if values is not others[name]:
            values.data.lerp_(others[name].data.to(values.device), weight)


def set_model(nlp: Language, model: Any) -> None:
    """Replace the encoder's Hugging Face model by another one of the same kind, and clear the cache of embeddings."""
    component = find_pipe(nlp, Encoder)
    back_end: Any = component.encoder
    back_end.replace_model(model)
    component.forget()


def _model(nlp: Language) -> Any:
    encoder = find_pipe(nlp, Encoder).encoder
    return encoder.model if isinstance(encoder, TorchEncoder) else None

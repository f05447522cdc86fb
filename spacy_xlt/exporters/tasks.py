"""Export components with an encoder of their own, such as `xlt_ner`, to ONNX Runtime."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from spacy.language import Language
from spacy.util import load_model_from_config

from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.exporters.onnx_graph import write_encoder
from spacy_xlt.pipeline.task import TaskPipe

TaskPrecision = Literal["float32", "int8"]


def has_tasks(nlp: Language) -> bool:
    """Return whether a pipeline has a component with an encoder of its own."""
    return any(isinstance(pipe, TaskPipe) for _, pipe in nlp.pipeline)


def export_tasks(nlp: Language, precision: TaskPrecision, texts: Sequence[str]) -> tuple[Language, dict[str, float]]:
    """Return a pipeline whose components with an encoder of their own run on ONNX Runtime.

    Args:
        nlp: The trained pipeline. It does not change.
        precision: `float32` or `int8`.
        texts: Texts on which the scores of both models are compared.

    Returns:
        The pipeline, and for each exported component the share of word pieces, or of pairs of texts, with the same
        highest output.

    Raises:
        XltError: A component is not trained, was exported before, or has an encoder that cannot be exported.
    """
    config = nlp.config.copy()
    tasks = {key: pipe for key, pipe in nlp.pipeline if isinstance(pipe, TaskPipe)}
    for key, pipe in tasks.items():
        encoder = pipe.trained_model.encoder
        if not isinstance(encoder, TorchEncoder):
            raise XltError(
                f"{key} has a {type(encoder).__name__}, so it was exported already. Export the trained model."
            )
        config["components"][key]["encoder"] = {"@xlt_encoders": "spacy-xlt.OnnxEncoder.v1", "threads": None}
    result = load_model_from_config(config, validate=False)
    facts: dict[str, float] = {}
    for key, other in nlp.pipeline:
        if key not in tasks:
            if hasattr(other, "to_bytes"):
                result.get_pipe(key).from_bytes(other.to_bytes())  # type: ignore[attr-defined]
            continue
        exported: Any = result.get_pipe(key)
        with tempfile.TemporaryDirectory(prefix="spacy_xlt_") as scratch:
            tasks[key].model.encoder.to_disk(Path(scratch) / "trained")
            write_encoder(Path(scratch) / "trained", Path(scratch) / "out", precision)
            exported.model.load_encoder(Path(scratch) / "out")
        old = tasks[key].model
        assert old.layer is not None
        exported.model.set(old.layer, old.labels, old.settings)
        facts[key] = _agreement(tasks[key], exported, texts)
    result.meta.update({entry: value for entry, value in nlp.meta.items() if entry.startswith("xlt_")})
    return result, facts


def _agreement(one: TaskPipe, other: TaskPipe, texts: Sequence[str]) -> float:
    """Return the share of the scores of texts for which two models have the same highest output."""
    same = one.sample_scores(texts).argmax(axis=1) == other.sample_scores(texts).argmax(axis=1)
    return round(float(np.mean(same)), 4)

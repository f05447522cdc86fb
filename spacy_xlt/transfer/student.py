"""Preset `fast`: a static student of a trained pipeline, learned from unlabelled texts of its languages."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from spacy.language import Language
from spacy.pipeline.textcat import TextCategorizer
from tqdm import tqdm

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.encoders.building import require
from spacy_xlt.encoders.distill import compress, distill, sif_weights
from spacy_xlt.encoders.folder import WEIGHTS_FILE
from spacy_xlt.encoders.int8 import quantize_rows
from spacy_xlt.encoders.onnx_encoder import OnnxEncoder
from spacy_xlt.encoders.static_encoder import TENSORS, TOKENIZER_FILE, StaticEncoder, WordRows
from spacy_xlt.encoders.trim import (
    compact_json,
    piece_scores,
    required_pieces,
    trim_tokenizer,
    used_pieces,
)
from spacy_xlt.errors import XltError
from spacy_xlt.languages import UNKNOWN
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.serving.head import Head, load_head

# Word pieces of the student, and the width of a row: 60,000 x 256 bytes are 15 MB.
PIECES, WIDTH = 60_000, 256
CHUNK = 1024
FEWEST_TEXTS = 50


def export_student(
    nlp: Language, texts: Mapping[str, Sequence[str]], held: Sequence[str], *, quiet: bool = True
) -> tuple[Language, list[str]]:
    """Return the pipeline with a static student as its encoder and a projector fitted for it; notes: see `export`.

    texts: {language: unlabelled texts}, the source's among them. The student learns what the pipeline makes of them.
    Raises XltError for an encoder that cannot be exported to ONNX (which the student's teacher runs on), and for too
    few texts.
    """
    from spacy_xlt.transfer.export import replace_encoder, trained_encoder

    require("export", "onnx", "onnxruntime")
    require("train", "scipy")
    projector = find_pipe(nlp, Projector)
    _check(texts, projector.source)
    with tempfile.TemporaryDirectory(prefix="spacy_xlt_") as scratch:
        teacher = _teacher(trained_encoder(nlp), Path(scratch))
    head = read_head(nlp)
    flat = [text for of_language in texts.values() for text in of_language]
    languages = [language for language, of_language in texts.items() for _ in of_language]
    bar = partial(tqdm, disable=quiet)
    vectors = _encode(teacher, flat, bar)
    if head.attribute == "xlt_projected":
        vectors = projector.project(vectors, [{language: 1.0} for language in languages])
    student = make_student(teacher, trained_encoder(nlp).tokenizer_json, flat, vectors, head, bar)
    result = replace_encoder(nlp, student, "spacy-xlt.StaticEncoder.v1")
    fitted = find_pipe(result, Projector)
    fitted.maps, fitted.means, fitted.counts = {}, {}, {}
    fitted.fit({language: student.encode(of_language) for language, of_language in texts.items()})
    agreement = (head(student.encode(flat)).argmax(axis=1) == head(vectors).argmax(axis=1)).mean()
    return result, [
        f"The student learned from {len(flat)} texts of {len(texts)} languages; on these it agrees with its teacher "
        f"in {agreement:.3f}."
    ]


def _check(texts: Mapping[str, Sequence[str]], source: str) -> None:
    if UNKNOWN in texts:
        raise XltError("There are texts without a language: name it in the records, in the field 'lang'.")
    if len(texts.get(source, ())) < FEWEST_TEXTS:
        raise XltError(
            f"The preset fast learns from unlabelled texts, at least {FEWEST_TEXTS} of the source language '{source}' "
            f"and some of every other; of the source there are {len(texts.get(source, ()))}. Give them with --texts."
        )


def _teacher(trained: Any, scratch: Path) -> OnnxEncoder:
    """The trained encoder at three times its speed."""
    from spacy_xlt.encoders.onnx_graph import write_encoder

    trained.to_disk(scratch / "trained")
    write_encoder(scratch / "trained", scratch / "teacher", "int8")
    teacher = OnnxEncoder()
    teacher.load(scratch / "teacher")
    return teacher


def read_head(nlp: Language) -> Head:
    """The text categorizer of a pipeline as plain arithmetic."""
    component = find_pipe(nlp, TextCategorizer)
    with tempfile.TemporaryDirectory(prefix="spacy_xlt_") as scratch:
        component.to_disk(Path(scratch) / component.name)
        return load_head(Path(scratch) / component.name, nlp.config.interpolate()["components"][component.name])


def _encode(teacher: OnnxEncoder, texts: Sequence[str], bar: Callable[..., Any]) -> Floats2d:
    starts = bar(range(0, len(texts), CHUNK), desc="Teacher", unit="k texts")
    return np.concatenate([teacher.encode(texts[start : start + CHUNK]) for start in starts])


def make_student(
    teacher: OnnxEncoder,
    tokenizer_json: str,
    texts: Sequence[str],
    vectors: Floats2d,
    head: Head,
    bar: Callable[..., Any],
) -> StaticEncoder:
    """Learn a student from texts and the teacher's vectors of them."""
    tokenizer = json.loads(tokenizer_json)
    keep = choose_pieces(tokenizer, used_pieces(tokenizer_json, texts), PIECES)
    trimmed = compact_json(trim_tokenizer(tokenizer, keep))
    frame = teacher.frame
    windows = [[*frame[0], number, *frame[1]] for number in keep]
    starts = bar(range(0, len(windows), CHUNK), desc="Word pieces", unit="k pieces")
    piece_vectors = np.concatenate([teacher.encode_windows(windows[start : start + CHUNK]) for start in starts])
    rows, counts = WordRows(trimmed).find(texts)
    pieces = np.split(rows, np.cumsum(counts)[:-1])
    linear = None
    if head.hidden is None:
        linear = (head.output.weight * np.float32(head.scale), head.output.bias, head.exclusive)
    table = distill(
        pieces,
        vectors,
        piece_vectors,
        sif_weights(piece_scores(tokenizer)[keep]),
        head=linear,
        progress=partial(bar, desc="Learning", unit="step"),
    )
    width = min(WIDTH, vectors.shape[1])
    compressed, components = compress(table, width, np.unique(rows))
    quantized, scales = quantize_rows(compressed)
    parts = (quantized, scales, table.weights, components, table.bias)
    tensors: dict[str, NDArray[Any]] = dict(zip(TENSORS, parts))
    student = StaticEncoder()
    with tempfile.TemporaryDirectory(prefix="spacy_xlt_") as scratch:
        save_file(tensors, Path(scratch) / WEIGHTS_FILE)
        (Path(scratch) / TOKENIZER_FILE).write_text(trimmed, encoding="utf8")
        student.load(Path(scratch))
    return student


def choose_pieces(tokenizer: Mapping[str, Any], used: set[int], number: int) -> list[int]:
    """The ids of the student's pieces, sorted: those that are used and required, then the most probable others."""
    chosen = required_pieces(tokenizer) | used
    for candidate in np.argsort(-piece_scores(tokenizer), kind="stable"):
        if len(chosen) >= number:
            break
        chosen.add(int(candidate))
    return sorted(chosen)

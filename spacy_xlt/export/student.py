"""Preset `fast`: a static student of a trained pipeline, learned from unlabelled texts of its languages."""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from spacy.language import Language

from spacy_xlt.encoders.base import Floats1d, Floats2d
from spacy_xlt.encoders.folder import WEIGHTS_FILE
from spacy_xlt.encoders.int8 import quantize_rows
from spacy_xlt.encoders.onnx_encoder import OnnxEncoder
from spacy_xlt.encoders.static_encoder import TENSORS, WORDS_FILE, StaticEncoder
from spacy_xlt.encoders.words import LONGEST_WORD, WordRows, normalize_word
from spacy_xlt.errors import XltError
from spacy_xlt.export.static_table import compress, distill, sif_weights
from spacy_xlt.extras import require
from spacy_xlt.languages import UNKNOWN
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.progress import progress_bar
from spacy_xlt.serving.head import Head
from spacy_xlt.training.model_state import read_head

# Words that the student knows of each language beside those of the texts, and the width of a row. More of either is
# hardly better: 14 languages have 200,000 words, 29 MB.
LISTED_WORDS, WIDTH = 15_000, 128
CHUNK = 1024
FEWEST_TEXTS = 50


@dataclass(frozen=True)
class TransferSet:
    """What a teacher makes of texts and words: all that a static student learns from (the term: Hinton et al. 2015).

    texts: {language: texts}; vectors [n, d] of all of them, in that order, as the head sees them; words and their
    vectors [words, d] and weights [words]; head: the teacher's.
    """

    texts: Mapping[str, Sequence[str]]
    vectors: Floats2d
    words: list[str]
    word_vectors: Floats2d
    weights: Floats1d
    head: Head


def export_student(
    nlp: Language, texts: Mapping[str, Sequence[str]], *, progress: bool = True
) -> tuple[Language, list[str]]:
    """Return the pipeline with a static student as its encoder and a projector fitted for it; notes: see `export`.

    texts: {language: unlabelled texts}, the source's among them. The student learns what the pipeline makes of them.
    Raises XltError for an encoder that cannot be exported to ONNX (which the student's teacher runs on), and for too
    few texts.
    """
    return with_student(nlp, teach(nlp, texts, progress=progress), progress=progress)


def teach(nlp: Language, texts: Mapping[str, Sequence[str]], *, progress: bool = True) -> TransferSet:
    """Let the pipeline read the texts, and the words that its student is to know. Raises as `export_student` says."""
    from spacy_xlt.export.export import trained_encoder

    require("export", "onnx", "onnxruntime", "scipy", "wordfreq")
    projector = find_pipe(nlp, Projector)
    _check(texts, projector.source)
    with tempfile.TemporaryDirectory(prefix="spacy_xlt_") as scratch:
        teacher = _teacher(trained_encoder(nlp), Path(scratch))
    head = read_head(nlp)
    vectors = _encode(teacher, _flat(texts), "Teacher", progress)
    if head.attribute == "xlt_projected":
        languages = [language for language, of_language in texts.items() for _ in of_language]
        vectors = projector.project(vectors, [{language: 1.0} for language in languages])
    probabilities = word_probabilities(texts)
    words = sorted(probabilities)
    weights = sif_weights(np.array([probabilities[word] for word in words]))
    return TransferSet(texts, vectors, words, _encode(teacher, words, "Words", progress), weights, head)


def with_student(
    nlp: Language, taught: TransferSet, *, soft_labels: bool = True, progress: bool = True
) -> tuple[Language, list[str]]:
    """As `export_student`, from a transfer set.

    soft_labels: the student learns the teacher's labels beside its vectors.
    """
    from spacy_xlt.export.export import replace_encoder

    student = _make_student(taught, soft_labels, progress)
    result = replace_encoder(nlp, student, "spacy-xlt.StaticEncoder.v1")
    fitted = find_pipe(result, Projector)
    fitted.maps, fitted.means, fitted.counts = {}, {}, {}
    flat, head = _flat(taught.texts), taught.head
    vectors = student.encode(flat)
    ends = np.cumsum([len(of_language) for of_language in taught.texts.values()])
    fitted.fit(dict(zip(taught.texts, np.split(vectors, ends[:-1]))))
    agreement = (head(vectors).argmax(axis=1) == head(taught.vectors).argmax(axis=1)).mean()
    return result, [
        f"The student learned from {len(flat)} texts of {len(taught.texts)} languages and knows {student.words} "
        f"words; on these texts it agrees with its teacher in {agreement:.3f}."
    ]


def _flat(texts: Mapping[str, Sequence[str]]) -> list[str]:
    return [text for of_language in texts.values() for text in of_language]


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
    from spacy_xlt.export.onnx_graph import write_encoder

    trained.to_disk(scratch / "trained")
    write_encoder(scratch / "trained", scratch / "teacher", "int8")
    teacher = OnnxEncoder()
    teacher.load(scratch / "teacher")
    return teacher


def _encode(teacher: OnnxEncoder, texts: Sequence[str], title: str, progress: bool) -> Floats2d:
    starts = progress_bar(range(0, len(texts), CHUNK), title=title, unit="k texts", show=progress)
    return np.concatenate([teacher.encode(texts[start : start + CHUNK]) for start in starts])


def _make_student(taught: TransferSet, soft_labels: bool, progress: bool) -> StaticEncoder:
    rows, counts = WordRows(taught.words).find(_flat(taught.texts))
    head, linear = taught.head, None
    if soft_labels and head.hidden is None:
        linear = (head.output.weight * np.float32(head.scale), head.output.bias, head.exclusive)
    table = distill(
        np.split(rows, np.cumsum(counts)[:-1]),
        taught.vectors,
        taught.word_vectors,
        taught.weights,
        head=linear,
        progress=partial(progress_bar, title="Learning", unit="step", show=progress),
    )
    compressed, components = compress(table, min(WIDTH, taught.vectors.shape[1]), np.unique(rows))
    quantized, scales = quantize_rows(compressed)
    parts = (quantized, scales, table.weights, components, table.bias)
    tensors: dict[str, NDArray[Any]] = dict(zip(TENSORS, parts))
    student = StaticEncoder()
    with tempfile.TemporaryDirectory(prefix="spacy_xlt_") as scratch:
        save_file(tensors, Path(scratch) / WEIGHTS_FILE)
        (Path(scratch) / WORDS_FILE).write_text("\n".join(taught.words), encoding="utf8", newline="")
        student.load(Path(scratch))
    return student


def word_probabilities(texts: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """{word: probability} of the words of the texts and of the frequent words of their languages (wordfreq's lists).

    The probability is that in the language where the word is most frequent; words that the texts have but once or
    twice count as rare.
    """
    from wordfreq import available_languages, get_frequency_dict

    listed = available_languages("best")
    probabilities: dict[str, float] = {}
    for language, of_language in texts.items():
        counts = Counter(normalize_word(token) for text in of_language for token in text.split())
        total = counts.total()
        own = {word: count / total if count > 2 else 0.0 for word, count in counts.items()}
        if language in listed:
            # The list is sorted by frequency.
            for word, probability in islice(get_frequency_dict(language, "best").items(), LISTED_WORDS):
                own[word] = max(own.get(word, 0.0), probability)
        for word, probability in own.items():
            if len(word) <= LONGEST_WORD and not word[0].isspace():
                probabilities[word] = max(probabilities.get(word, 0.0), probability)
    return probabilities

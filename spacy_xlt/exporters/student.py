"""The preset `fast`: train a static student of a pipeline on unlabeled texts of its languages."""

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
from spacy_xlt.exporters.onnx_graph import write_encoder
from spacy_xlt.exporters.pipeline import replace_encoder, trained_encoder
from spacy_xlt.exporters.static_table import compress, fit_table, sif_weights
from spacy_xlt.extras import require
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projection import check_texts
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.progress import progress_bar
from spacy_xlt.serving.head import Head
from spacy_xlt.training.model_state import read_head

# The number of listed words per language, which are added to those of the texts, and the width of a row. Larger numbers
# are hardly better.
LISTED_WORDS, WIDTH = 15_000, 128
CHUNK = 1024
MIN_TEXTS = 50


@dataclass(frozen=True)
class TransferSet:
    """What a static student learns from. The term is Hinton, Vinyals & Dean's (2015).

    Attributes:
        texts: {language: texts}.
        vectors: The teacher's vectors of all texts in this order, as its head gets them, [n, d].
        words: The student's words.
        word_vectors: The teacher's vectors of the words, [words, d].
        weights: The weights of the words, [words].
        head: The teacher's head.
    """

    texts: Mapping[str, Sequence[str]]
    vectors: Floats2d
    words: list[str]
    word_vectors: Floats2d
    weights: Floats1d
    head: Head


def make_transfer_set(nlp: Language, texts: Mapping[str, Sequence[str]], *, progress: bool = True) -> TransferSet:
    """Embed texts and words with a trained pipeline.

    Args:
        nlp: The teacher.
        texts: {language: unlabeled texts}. The source language must be one of them.
        progress: Show progress bars.

    Raises:
        XltError: There are too few texts, or the encoder cannot be exported to ONNX, which is used to embed them.
    """
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
    nlp: Language, transfer_set: TransferSet, *, soft_labels: bool = True, progress: bool = True
) -> tuple[Language, dict[str, Any]]:
    """Return a pipeline with a static student as its encoder, and with a projector that is fitted for it.

    Args:
        nlp: The trained pipeline. It does not change.
        transfer_set: What the student learns from.
        soft_labels: Learn the teacher's probabilities as well as its vectors.
        progress: Show progress bars.

    Returns:
        The pipeline, and {texts, languages, words, agreement}: the agreement with the teacher on the texts.
    """
    student = _make_student(transfer_set, soft_labels, progress)
    result = replace_encoder(nlp, student, "spacy-xlt.StaticEncoder.v1")
    projector = find_pipe(result, Projector)
    projector.maps, projector.means, projector.counts = {}, {}, {}
    flat, head = _flat(transfer_set.texts), transfer_set.head
    vectors = student.encode(flat)
    ends = np.cumsum([len(of_language) for of_language in transfer_set.texts.values()])
    projector.fit(dict(zip(transfer_set.texts, np.split(vectors, ends[:-1]))))
    agreement = (head(vectors).argmax(axis=1) == head(transfer_set.vectors).argmax(axis=1)).mean()
    return result, {
        "texts": len(flat),
        "languages": len(transfer_set.texts),
        "words": student.words,
        "agreement": round(float(agreement), 4),
    }


def _flat(texts: Mapping[str, Sequence[str]]) -> list[str]:
    return [text for of_language in texts.values() for text in of_language]


def _check(texts: Mapping[str, Sequence[str]], source: str) -> None:
    check_texts(texts)
    if len(texts.get(source, ())) < MIN_TEXTS:
        raise XltError(
            f"The preset fast needs at least {MIN_TEXTS} unlabeled texts of the source language '{source}' and some "
            f"texts of the other languages. Of '{source}' there are {len(texts.get(source, ()))}. Give more texts."
        )


def _teacher(trained: Any, scratch: Path) -> OnnxEncoder:
    """Return the trained encoder in 8-bit integers, which is three times as fast."""
    trained.to_disk(scratch / "trained")
    write_encoder(scratch / "trained", scratch / "teacher", "int8")
    teacher = OnnxEncoder()
    teacher.load(scratch / "teacher")
    return teacher


def _encode(teacher: OnnxEncoder, texts: Sequence[str], title: str, progress: bool) -> Floats2d:
    starts = progress_bar(range(0, len(texts), CHUNK), title=title, unit="k texts", show=progress)
    return np.concatenate([teacher.encode(texts[start : start + CHUNK]) for start in starts])


def _make_student(transfer_set: TransferSet, soft_labels: bool, progress: bool) -> StaticEncoder:
    rows, counts = WordRows(transfer_set.words).find(_flat(transfer_set.texts))
    head, linear = transfer_set.head, None
    if soft_labels and head.hidden is None:
        linear = (head.output.weight * np.float32(head.scale), head.output.bias, head.exclusive)
    table = fit_table(
        np.split(rows, np.cumsum(counts)[:-1]),
        transfer_set.vectors,
        transfer_set.word_vectors,
        transfer_set.weights,
        head=linear,
        progress=partial(progress_bar, title="Student", unit="step", show=progress),
    )
    compressed, components = compress(table, min(WIDTH, transfer_set.vectors.shape[1]), np.unique(rows))
    quantized, scales = quantize_rows(compressed)
    parts = (quantized, scales, table.weights, components, table.bias)
    tensors: dict[str, NDArray[Any]] = dict(zip(TENSORS, parts))
    student = StaticEncoder()
    with tempfile.TemporaryDirectory(prefix="spacy_xlt_") as scratch:
        save_file(tensors, Path(scratch) / WEIGHTS_FILE)
        (Path(scratch) / WORDS_FILE).write_text("\n".join(transfer_set.words), encoding="utf8", newline="")
        student.load(Path(scratch))
    return student


def word_probabilities(texts: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Return the probabilities of the words of the texts and of the frequent words of their languages.

    The frequent words are those of wordfreq's lists. The probability of a word is that in the language where it is most
    frequent. Words that occur at most twice in the texts have the probability 0 unless they are listed.

    Args:
        texts: {language: texts}.

    Returns:
        {word: probability}.
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

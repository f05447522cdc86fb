"""Convert the model of `xlt_seq2seq` for CTranslate2, which runs it fast on a CPU."""

import json
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.util import load_model_from_config

from spacy_xlt.encoders.quiet import quiet_transformers
from spacy_xlt.errors import XltError, first_line
from spacy_xlt.extras import require
from spacy_xlt.files import write_json
from spacy_xlt.generation.facts import FolderFacts
from spacy_xlt.model_facts import TRAINING
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.seq2seq import Seq2Seq
from spacy_xlt.translators.ctranslate2 import CTranslate2
from spacy_xlt.translators.seq2seq import HuggingFaceSeq2Seq

QUANTIZATION = {"quality": "float32", "balanced": "int8"}
META = ("name", "version", "description", "license", "performance", TRAINING)


def export_seq2seq(nlp: Language, preset: str, holdout: Sequence[str] = ()) -> tuple[Language, dict[str, Any]]:
    """Return a pipeline whose `xlt_seq2seq` runs on CTranslate2.

    Args:
        nlp: A pipeline with `xlt_seq2seq` and a model of Hugging Face. It does not change.
        preset: `quality` (float32) or `balanced` (8-bit integers).
        holdout: Texts on which both models are compared.

    Returns:
        The pipeline; and the number of these texts, and the share of them that have the same output.

    Raises:
        XltError: The model was converted already, or CTranslate2 cannot convert it.
    """
    require("translate", "ctranslate2")
    if preset not in QUANTIZATION:
        raise XltError(f"xlt_seq2seq cannot be exported with the preset '{preset}'. Use quality or balanced.")
    component = find_pipe(nlp, Seq2Seq)
    trained = component.back_end
    if not isinstance(trained, HuggingFaceSeq2Seq):
        raise XltError(f"xlt_seq2seq has a {type(trained).__name__}, so it was exported already. Export another model.")
    back_end = CTranslate2()
    template = trained.template(component.settings)
    back_end.load(convert(trained, back_end.make_scratch(), QUANTIZATION[preset], template))
    config = nlp.config.copy()
    config["components"][component.name]["back_end"] = back_end.config()
    config["initialize"]["components"].pop(component.name, None)
    result = load_model_from_config(config, validate=False)
    for key, pipe in nlp.pipeline:
        if key != component.name and hasattr(pipe, "to_bytes"):
            result.get_pipe(key).from_bytes(pipe.to_bytes())  # type: ignore[attr-defined]
    find_pipe(result, Seq2Seq).back_end = back_end
    result.meta.update({entry: nlp.meta[entry] for entry in META if entry in nlp.meta})
    before, after = ([doc._.xlt_output for doc in each.pipe(holdout)] for each in (nlp, result))
    same = sum(one == other for one, other in zip(before, after))
    return result, {"texts": len(before), "agreement": round(same / len(before), 4) if before else None}


def convert(back_end: HuggingFaceSeq2Seq, output: Path, quantization: str, template: str) -> Path:
    """Convert a model, and put its tokenizer beside it.

    Args:
        back_end: The model.
        output: A folder; it is emptied.
        quantization: `float32` or `int8`.
        template: The prompt of the model.

    Returns:
        The folder.

    Raises:
        XltError: CTranslate2 cannot convert the model.
    """
    from ctranslate2.converters import TransformersConverter

    with tempfile.TemporaryDirectory(prefix="spacy_xlt_") as scratch:
        back_end.to_disk(Path(scratch))
        files = [file.name for pattern in ("*.spm", "*.model") for file in Path(scratch).glob(pattern)]
        if not files and (Path(scratch) / "tokenizer.json").is_file():
            files = ["tokenizer.json"]
        try:
            with quiet_transformers(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                converter = TransformersConverter(scratch, copy_files=files)
                converter.convert(str(output), quantization=quantization, force=True)
        except (ValueError, NotImplementedError, KeyError, AttributeError, RuntimeError) as error:
            raise XltError(
                f"CTranslate2 cannot convert a {back_end.model.model.config.model_type} model ({first_line(error)}). "
                "Use it with PyTorch."
            ) from error
    _fill_start(output / "config.json")
    FolderFacts(template=template, max_pieces=back_end.max_pieces()).save(output)
    return output


def _fill_start(file: Path) -> None:
    """Name a start token in a config without one. CTranslate2 cannot read such a config, and does not use the token."""
    config = json.loads(file.read_text(encoding="utf8"))
    if config["bos_token"] is None:
        write_json({**config, "bos_token": config["eos_token"]}, file)

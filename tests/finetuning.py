"""Fine-tuning pipelines (transformer, text categorizer) on the tiny encoders, as `spacy train` makes them."""

import io
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import load_config_from_str

from spacy_xlt.data.docbin import make_docs, write_docbin
from spacy_xlt.data.records import Record
from tests.records import LABELS, make_records

CONFIG = Path(__file__).parent.parent / "configs" / "finetune.cfg"


def init_finetuning(
    encoder: Path, folder: Path, multilabel: bool = False, changes: dict[str, Any] | None = None
) -> Language:
    """An initialized pipeline. folder: for the corpus. changes: of the config."""
    records = make_records(16)
    text = CONFIG.read_text(encoding="utf8")
    if multilabel:
        records.append(Record("Charged twice, and the parcel is late.", tuple(LABELS), "en", "x"))
        text = text.replace("xlt_textcat", "xlt_textcat_multilabel")
        text = text.replace("exclusive_classes = true", "exclusive_classes = false")
    write_docbin(make_docs(spacy.blank("xx"), records, LABELS), folder / "train.spacy")
    paths = {"train": folder / "train.spacy", "dev": folder / "train.spacy", "encoder": encoder}
    overrides = {f"paths.{name}": str(path) for name, path in paths.items()}
    return init_nlp(load_config_from_str(text, overrides={**overrides, **(changes or {})}, interpolate=False))


def finetune(encoder: Path, folder: Path, multilabel: bool = False, changes: dict[str, Any] | None = None) -> Language:
    """A trained pipeline, loaded from where the training saved it. Its rate makes it learn in few steps."""
    few_steps = {
        "training.optimizer.learn_rate.total_steps": 12,
        "training.eval_frequency": 12,
        "training.optimizer.learn_rate.warmup_steps": 2,
        "training.optimizer.learn_rate.initial_rate": 0.002,
    }
    nlp = init_finetuning(encoder, folder, multilabel, {**few_steps, **(changes or {})})
    train(nlp, folder, stdout=io.StringIO(), stderr=io.StringIO())
    return spacy.load(folder / "model-last")

"""Training on the source language: from labelled records to a pipeline of the four components."""

import io
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Optional

import numpy as np
import spacy
from spacy import util
from spacy.language import Language
from spacy.training import Corpus
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_nlp
from thinc.api import Config

from spacy_xlt.data.dataset import Data, load_dataset, split_records
from spacy_xlt.data.docbin import make_docs, write_docbin
from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.folder import check_folder, default_folder
from spacy_xlt.encoders.torch_encoder import load_model
from spacy_xlt.errors import XltError
from spacy_xlt.heads.fitting import Labeled, check_learned
from spacy_xlt.heads.losses import log_probabilities
from spacy_xlt.heads.temperature import tempered_losses
from spacy_xlt.languages import find_language
from spacy_xlt.pipeline.encoder import DEFAULT_CONFIG as ENCODER_CONFIG
from spacy_xlt.training.selection import settle
from spacy_xlt.interop.flatten import flatten
from spacy_xlt.training.model_state import find_head, get_layer, gold_matrix, head_labels, is_exclusive, make_features
from spacy_xlt.pipeline.projection import fit_projection

Method = Literal["frozen", "finetune"]

FINETUNE_EPOCHS = 4
FINETUNE_BATCH = 16


def train(
    records: Data,
    *,
    dev: Optional[Data] = None,
    method: Method = "frozen",
    source: str = "en",
    languages: Sequence[str] = (),
    encoder: Optional[PathLike] = None,
    gpu_id: int = -1,
    stdout: Any = None,
    warn: Callable[[str], None] = warnings.warn,
) -> Language:
    """Train a text categorizer and return the best pipeline by dev score: always the four components.

    records: labelled records, or the files that hold them: a path, a folder, a pattern, or a list of them.
    dev: the same; None: every fifth record of each label is set aside.
    method: `frozen` (seconds) or `finetune` (minutes, better; 4 epochs). The weights of a fine-tuned encoder may be
        averaged with the pretrained ones, and its head is fitted anew: see `cautious.settle`.
    source: the language of the records. languages: the prior of the language detector; empty: no prior. Both take codes
        or English names.
    encoder: an encoder folder; None: the default encoder.
    stdout: where spaCy's training log goes; None: nowhere.
    warn: takes a sentence about labels that cannot be learned or measured well.
    Records with more or fewer labels than one make it multilabel: then dev also chooses the threshold of each label.
    Raises XltError for fewer than two labels, labels in dev that training lacks, a folder without an encoder, and a
    model that learned nothing.
    """
    if encoder is not None:
        encoder = check_folder(Path(encoder).expanduser())
    source, languages = find_language(source), [find_language(language) for language in languages]
    records = load_dataset(records).records
    train_records, dev_records = (records, load_dataset(dev).records) if dev is not None else split_records(records)
    labels = _check(records, dev_records)
    for sentence in weak_labels(labels, train_records, dev_records):
        warn(sentence)
    multilabel = any(len(record.labels) != 1 for record in [*train_records, *dev_records])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        blank = spacy.blank("xx")
        for name, part in (("train", train_records), ("dev", dev_records)):
            write_docbin(make_docs(blank, part, labels), folder / f"{name}.spacy")
        config = make_config(
            method,
            multilabel,
            _overrides(
                folder, method, source, languages, encoder, len(train_records), len(train_records) + len(dev_records)
            ),
        )
        nlp = init_nlp(config, use_gpu=gpu_id)
        log = stdout or io.StringIO()
        train_nlp(nlp, folder, use_gpu=gpu_id, stdout=log, stderr=log)
        best = spacy.load(folder / "model-best")
        if method == "frozen":
            # Places on this machine, of which one is gone in a moment.
            best.config["paths"].update(train=None, dev=None, encoder=None)
            return best
        flat = flatten(best, source=source, languages=languages)
        log.write("Averaging with the pretrained weights (WiSE-FT): the texts are embedded twice.\n")
        chosen = settle(flat, train_records, dev_records, pretrained=load_model(encoder or default_folder()))
        log.write(f"Went {chosen['back']:.0%} of the way back; penalty of the head: {chosen['strength']:g}\n")
        _measure(flat, train_records, dev_records)
        scores = flat.evaluate(list(Corpus(folder / "dev.spacy")(flat)))
        performance = flat.meta["performance"]
        performance.update({name: scores[name] for name in performance if name in scores})
        fit_projection(flat, {source: [record.text for record in train_records]})
        return flat


def _measure(nlp: Language, records: Sequence[Record], dev_records: Sequence[Record]) -> None:
    """Choose the thresholds of a fine-tuned head. Raises XltError if it learned nothing."""
    labels, exclusive = head_labels(nlp), is_exclusive(nlp)
    features, gold = make_features(nlp, dev_records), gold_matrix(dev_records, labels)
    scores = get_layer(nlp)(features).astype(np.float64)
    check_learned(
        tempered_losses(scores, gold, exclusive=exclusive),
        Labeled(features[:0], gold_matrix(records, labels)),
        Labeled(features, gold),
        exclusive=exclusive,
    )
    head: Any = find_head(nlp)
    if not exclusive:
        head.set_thresholds(log_probabilities(scores, exclusive)[1], gold)


def weak_labels(labels: Sequence[str], records: Sequence[Record], dev_records: Sequence[Record]) -> list[str]:
    """Sentences about labels with one text, and about labels that no development text has."""
    counts = Counter(label for record in [*records, *dev_records] for label in record.labels)
    in_dev = {label for record in dev_records for label in record.labels}
    single = [label for label in labels if counts[label] == 1]
    missing = [label for label in labels if label not in in_dev]
    found = []
    if single:
        found.append(f"One text is too few to learn a label from: {', '.join(single)}. Give more texts of it.")
    if missing:
        found.append(
            f"No development text has the label: {', '.join(missing)}. The figures say nothing about it: "
            "give at least five texts of each label, or development texts with it."
        )
    return found


def _check(records: Sequence[Record], dev_records: Sequence[Record]) -> list[str]:
    """Return the labels of the records to train on."""
    labels = sorted({label for record in records for label in record.labels})
    if len(labels) < 2:
        raise XltError(
            f"Training needs texts of at least two labels; there are {len(records)} texts "
            f"of {', '.join(labels) or 'no label'}."
        )
    if not dev_records:
        raise XltError(
            "There is nothing to choose the best model on: give development texts, or five texts of each label."
        )
    for record in dev_records:
        for label in record.labels:
            if label not in labels:
                raise XltError(f"{record.location}: the label '{label}' is in no training text ({', '.join(labels)} are).")
    return labels


def _overrides(
    folder: Path,
    method: Method,
    source: str,
    languages: Sequence[str],
    encoder: Optional[Path],
    n_train: int,
    n_texts: int,
) -> dict[str, Any]:
    overrides: dict[str, Any] = {
        "paths.train": str(folder / "train.spacy"),
        "paths.dev": str(folder / "dev.spacy"),
        "paths.encoder": str(encoder) if encoder else None,
    }
    if method == "frozen":
        overrides["components.xlt_projector.source"] = source
        overrides["components.xlt_langdetect.languages"] = list(languages)
        # So that no text is embedded twice.
        overrides["components.xlt_encoder.cache_size"] = max(ENCODER_CONFIG["cache_size"], n_texts)
    else:
        # Two evaluations, the second at the last step; at least one epoch between them, or warm-up is all there is.
        half = max(1, -(-FINETUNE_EPOCHS * n_train // (2 * FINETUNE_BATCH)))
        overrides["training.eval_frequency"] = half
        overrides["training.optimizer.learn_rate.total_steps"] = 2 * half
    return overrides


def make_config(method: Method, multilabel: bool, overrides: dict[str, Any]) -> Config:
    """The packaged config of a method, for one label a text or for any number."""
    text = (files("spacy_xlt") / "configs" / f"{method}.cfg").read_text(encoding="utf8")
    if multilabel:
        text = text.replace("xlt_textcat", "xlt_textcat_multilabel")
        text = text.replace("exclusive_classes = true", "exclusive_classes = false")
    return util.load_config_from_str(text, overrides=overrides, interpolate=False)

"""Train a pipeline on labeled texts of the source language."""

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, Optional, get_args

import numpy as np
from spacy.language import Language
from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, Dataset, Reading, load_dataset, split_records
from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.folder import base_model, check_folder, default_folder
from spacy_xlt.errors import XltError, XltWarning
from spacy_xlt.heads.confidence import META_KEY, source_figures
from spacy_xlt.heads.fitting import Labeled, check_learned, cross_validate, fit_head
from spacy_xlt.heads.losses import Floats, log_probabilities
from spacy_xlt.heads.temperature import tempered_losses
from spacy_xlt.languages import find_language
from spacy_xlt.model_facts import TRAINING
from spacy_xlt.pipeline.encoder import DEFAULT_CONFIG as ENCODER_CONFIG
from spacy_xlt.pipeline.projection import fit_projection
from spacy_xlt.result import fingerprint
from spacy_xlt.training.examples import gold_matrix, make_examples
from spacy_xlt.training.folds import make_folds
from spacy_xlt.training.model_state import find_head, get_layer, head_labels, is_exclusive, make_features, set_layer
from spacy_xlt.training.ner import train_ner
from spacy_xlt.training.network import can_freeze
from spacy_xlt.training.pairs import train_pairs
from spacy_xlt.training.pipeline import fit_source, make_pipeline, measure
from spacy_xlt.training.qa import train_qa
from spacy_xlt.training.selection import fast_encoding, regularize
from spacy_xlt.training.seq2seq import DEFAULT_SEQ2SEQ, Seq2SeqSettings, train_seq2seq
from spacy_xlt.training.settings import DEFAULT_SETTINGS, TrainingSettings
from spacy_xlt.training.trainer import finetune, trainable_encoder

Method = Literal["frozen", "finetune"]
METHODS: tuple[Method, ...] = ("frozen", "finetune")
Task = Literal["textcat", "pairs", "ner", "qa", "seq2seq"]
TASKS: tuple[Task, ...] = get_args(Task)
# The tasks whose data are texts with labels.
OF_LABELS: tuple[Task, ...] = ("textcat", "pairs")
# With fewer texts, no development texts are set aside, and settings are chosen by cross-validation.
FEW = 500
# The number of steps of fine-tuning, unless that takes too few or too many epochs: see docs/measured-settings.md.
STEPS = 180
# The weight of a pre-labeled text: see docs/zero-shot.md.
PRE_LABEL_WEIGHT = 0.1
FEWEST_EPOCHS, MOST_EPOCHS = 4, 20


def train(
    data: Data,
    *,
    task: Task = "textcat",
    dev: Optional[Data] = None,
    method: Optional[Method] = None,
    source: str = "en",
    languages: Sequence[str] = (),
    adapt: Optional[Data] = None,
    pre_labeled: Optional[Data] = None,
    encoder: Optional[PathLike] = None,
    epochs: Optional[float] = None,
    batch_size: Optional[int] = None,
    learning_rate: Optional[float] = None,
    max_length: Optional[int] = None,
    freeze_layers: Optional[int] = None,
    seed: int = 0,
    checkpoint: Optional[PathLike] = None,
    seq2seq: Seq2SeqSettings = DEFAULT_SEQ2SEQ,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> Language:
    """Train a text classifier or another model on texts of one language.

    With development data, the L2 penalty of the head and the thresholds of a multilabel head are chosen on them. If
    you give none, a fifth of the texts is set aside. If there are fewer than 500 texts, none is set aside: the penalty
    and the thresholds are chosen by stratified cross-validation, and the model learns from all texts.

    Args:
        data: Labeled texts: whatever `load_dataset` takes. Texts with more or fewer labels than one make the model
            multilabel. For `ner`, texts with entities: see `load_entities`. For `qa`, questions: see `load_questions`.
            For `seq2seq`, texts with targets: see `Seq2SeqSettings`.
        task: `textcat` classifies texts, `pairs` classifies pairs of texts, `ner` finds named entities, `qa` answers
            questions about a text, and `seq2seq` trains an encoder-decoder, whose folder is `encoder`. `adapt` and
            `pre_labeled` belong to `textcat`; `method` and the options of `load_dataset` to `textcat` and `pairs`.
        dev: Labeled development data.
        method: `frozen` trains the head alone and takes seconds; `finetune` trains the encoder as well and takes about
            a minute on 700 texts. None is `frozen` for `textcat`, and `finetune` for other tasks.
        source: The language of the texts, as a code or an English name.
        languages: The languages that can occur when the model is used, which helps language detection. If empty,
            all languages can occur.
        adapt: Unlabeled texts of other languages, to which the model is projected after training: see `project`.
        pre_labeled: Texts with predicted labels, such as those of `bootstrap`. A predicted label counts a tenth of a
            checked one.
        encoder: An encoder folder. None uses the default encoder.
        epochs: How often fine-tuning reads each text. None reads it 4 times, and more often if there are fewer than 700
            texts.
        batch_size: The number of texts in a step of fine-tuning. None is 16.
        learning_rate: The highest learning rate of the encoder in fine-tuning. None is 5e-5, or that of the task.
        max_length: The number of word pieces of a text that fine-tuning reads, in evenly spread windows. None is 128,
            or that of the task.
        freeze_layers: The number of lower layers that fine-tuning does not change. None is half of the layers, or none
            of them for other tasks.
        seed: The seed of the order of the texts and of the folds.
        checkpoint: A folder in which fine-tuning saves its state, so that a killed run resumes.
        seq2seq: Settings of the task `seq2seq`.
        progress: Show progress bars on a terminal or in a notebook.
        reading: Options of `load_dataset`, such as `text` and `label`, the names of the fields.

    Returns:
        A pipeline of `xlt_langdetect`, `xlt_encoder`, `xlt_projector` and `xlt_textcat`, or of `xlt_langdetect` and the
        component of another task.

    Raises:
        XltError: There are fewer than two labels, a development text has a label that no training text has, the
            encoder folder is missing, or the model learned nothing.
    """
    given: dict[str, Any] = {"batch_size": batch_size, "learning_rate": learning_rate, "max_length": max_length}
    if task == "seq2seq":
        _check_options(task, method=method, adapt=adapt, pre_labeled=pre_labeled, freeze_layers=freeze_layers)
        known = {name: value for name, value in given.items() if value is not None}
        more: Any = {"epochs": epochs, "seed": seed, "checkpoint": checkpoint, "progress": progress, **reading}
        return train_seq2seq(data, model=encoder, dev=dev, seq2seq=seq2seq, **known, **more)
    if task != "textcat":
        given = {**given, "epochs": epochs, "freeze_layers": freeze_layers, "method": method}
        _check_options(task, adapt=adapt, pre_labeled=pre_labeled)
        if task not in OF_LABELS:
            _check_options(task, method=method, **reading)
        return _TRAINERS[task](
            data,
            dev=dev,
            source=source,
            languages=languages,
            encoder=encoder,
            seed=seed,
            checkpoint=checkpoint,
            progress=progress,
            **{name: value for name, value in given.items() if value is not None},
            **reading,
        )
    method = method or "frozen"
    check_method(method)
    folder = None if encoder is None else check_folder(Path(encoder).expanduser())
    source = find_language(source)
    records = load_dataset(data, **reading).records
    train_records, dev_records = _split(records, None if dev is None else load_dataset(dev, **reading).records)
    pre_records = [] if pre_labeled is None else load_dataset(pre_labeled, **reading).records
    labels = _check([*train_records, *pre_records], dev_records)
    for sentence in weak_labels(labels, train_records, dev_records):
        warnings.warn(sentence, XltWarning, stacklevel=2)
    multilabel = any(len(record.labels) != 1 for record in [*train_records, *dev_records])
    nlp = make_pipeline(
        train_records,
        labels,
        multilabel=multilabel,
        source=source,
        languages=[find_language(language) for language in languages],
        encoder=folder,
        cache_size=max(ENCODER_CONFIG["cache_size"], len(train_records) + len(pre_records) + len(dev_records)),
    )
    if method == "finetune":
        chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        texts = len(train_records) + len(pre_records)
        settings = TrainingSettings(
            epochs=default_epochs(texts, batch_size or DEFAULT_SETTINGS.batch_size) if epochs is None else epochs,
            freeze_layers=half_of_the_layers(nlp) if freeze_layers is None else freeze_layers,
            seed=seed,
            **chosen,
        )
        _finetune(nlp, train_records, pre_records, dev_records, settings, checkpoint=checkpoint, progress=progress)
        used = asdict(settings)
    else:
        used = {"seed": seed}
        fit_source(nlp, [*train_records, *pre_records])
        _fit_frozen(nlp, train_records, pre_records, dev_records, seed)
    unlabeled = Dataset() if adapt is None else load_dataset(adapt, labeled=False)
    if adapt is not None:
        fit_projection(nlp, unlabeled, progress=progress)
    if dev_records:
        measure(nlp, dev_records, labels)
    nlp.meta[TRAINING] = {
        "method": method,
        "source": source,
        "encoder": base_model(folder or default_folder()),
        "settings": used,
        "data": {
            "labeled texts": fingerprint(train_records),
            **({"pre-labeled texts": fingerprint(pre_records)} if pre_records else {}),
            "development texts": fingerprint(dev_records),
            "unlabeled texts": fingerprint(unlabeled.records),
        },
    }
    return nlp


# The function that trains a model of each task other than text classification.
_TRAINERS: dict[str, Callable[..., Language]] = {"pairs": train_pairs, "ner": train_ner, "qa": train_qa}


def _check_options(task: str, **options: Any) -> None:
    """Check that a task is known, and that no option of text classification is given for it."""
    if task not in TASKS:
        raise XltError(f"There is no task '{task}'. Use {', '.join(TASKS[:-1])} or {TASKS[-1]}.", parameter="task")
    for name, value in options.items():
        if value:
            raise XltError(f"The task '{task}' does not have the option {name}. Leave it out.", parameter=name)


def _weights(records: Sequence[Record], pre_records: Sequence[Record]) -> Floats:
    """Return the weights of checked texts and of pre-labeled ones."""
    return np.r_[np.ones(len(records)), np.full(len(pre_records), PRE_LABEL_WEIGHT)]


def check_method(method: str) -> None:
    """Check the name of a method.

    Raises:
        XltError: It is not one of `METHODS`.
    """
    if method not in METHODS:
        raise XltError(f"There is no method '{method}'. Use {' or '.join(METHODS)}.")


def _split(records: Sequence[Record], dev: Optional[Sequence[Record]]) -> tuple[list[Record], list[Record]]:
    """Return training records and development records. If there are few records, none are set aside."""
    if dev is not None:
        if not dev:
            raise XltError("The development data hold no text. Give some, or none: then some texts are set aside.")
        return list(records), list(dev)
    return split_records(records) if len(records) >= FEW else (list(records), [])


def _fit_frozen(
    nlp: Language,
    records: Sequence[Record],
    pre_records: Sequence[Record],
    dev_records: Sequence[Record],
    seed: int,
) -> None:
    """Fit the head to convergence, and choose the thresholds of a multilabel head."""
    labels, exclusive = head_labels(nlp), is_exclusive(nlp)
    weights, checked = _weights(records, pre_records), len(records)
    records = [*records, *pre_records]
    gold = gold_matrix(records, labels)
    known = np.tile(weights[:, None], len(labels)) if pre_records else None
    data = Labeled(make_features(nlp, records), gold, known)
    if dev_records:
        dev = Labeled(make_features(nlp, dev_records), gold_matrix(dev_records, labels))
        fit = fit_head(data, dev, exclusive=exclusive)
        scores, gold = fit.layer(dev.features).astype(np.float64), dev.gold
    else:
        fit, scores = cross_validate(data, make_folds(records, seed), exclusive=exclusive)
        gold = data.gold
    set_layer(nlp, fit.layer)
    _set_thresholds(nlp, scores, gold)
    if exclusive and not dev_records:
        probabilities = log_probabilities(scores, exclusive)[1]
        figures = source_figures(probabilities[:checked], gold[:checked], get_layer(nlp))
        nlp.meta[META_KEY] = figures.to_dict()


def _finetune(
    nlp: Language,
    records: Sequence[Record],
    pre_records: Sequence[Record],
    dev_records: Sequence[Record],
    settings: TrainingSettings,
    *,
    checkpoint: Optional[PathLike],
    progress: bool,
) -> None:
    """Train encoder and head; with development texts, regularize them and choose thresholds."""
    labels, exclusive = head_labels(nlp), is_exclusive(nlp)
    pretrained = trainable_encoder(nlp).model
    finetune(
        nlp,
        make_examples([*records, *pre_records], labels, _weights(records, pre_records)),
        settings,
        checkpoint=None if checkpoint is None else Path(checkpoint),
        progress=progress,
    )
    with fast_encoding(nlp, settings.max_length):
        if dev_records:
            regularize(nlp, records, dev_records, pretrained=pretrained)
        fit_source(nlp, records)
    if not dev_records:
        return
    dev = Labeled(make_features(nlp, dev_records), gold_matrix(dev_records, labels))
    scores = get_layer(nlp)(dev.features).astype(np.float64)
    losses = tempered_losses(scores, dev.gold, exclusive=exclusive)
    check_learned(losses, Labeled(dev.features[:0], gold_matrix(records, labels)), dev, exclusive=exclusive)
    _set_thresholds(nlp, scores, dev.gold)


def _set_thresholds(nlp: Language, scores: Floats, gold: Floats) -> None:
    if not is_exclusive(nlp):
        head: Any = find_head(nlp)
        head.set_thresholds(log_probabilities(scores, exclusive=False)[1], gold)


def default_epochs(n: int, batch_size: int) -> int:
    """Return the number of epochs for n texts, which gives about `STEPS` steps."""
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(STEPS * batch_size / n)))


def half_of_the_layers(nlp: Language) -> int:
    """Return half of the number of layers, or 0 if layers cannot be frozen."""
    model = trainable_encoder(nlp).model
    return len(model.encoder.layer) // 2 if can_freeze(model) else 0


def weak_labels(labels: Sequence[str], records: Sequence[Record], dev_records: Sequence[Record]) -> list[str]:
    """Return sentences about labels with one text, and about labels that no development text has."""
    counts = Counter(label for record in [*records, *dev_records] for label in record.labels)
    single = [label for label in labels if counts[label] == 1]
    sentences = []
    if single:
        sentences.append(f"One text is too few to learn a label from: {', '.join(single)}. Give more texts of it.")
    in_dev = {label for record in dev_records for label in record.labels}
    missing = [label for label in labels if label not in in_dev] if dev_records else []
    if missing:
        sentences.append(
            f"No development text has the label: {', '.join(missing)}. The figures say nothing about it: "
            "give at least five texts of each label, or development texts with it."
        )
    return sentences


def _check(records: Sequence[Record], dev_records: Sequence[Record]) -> list[str]:
    """Return the labels of the records to train on."""
    labels = sorted({label for record in records for label in record.labels})
    if len(labels) < 2:
        raise XltError(
            f"Training needs texts of at least two labels; there are {len(records)} texts "
            f"of {', '.join(labels) or 'no label'}."
        )
    for record in dev_records:
        for label in record.labels:
            if label not in labels:
                raise XltError(
                    f"{record.location}: the label '{label}' is in no training text ({', '.join(labels)} are)."
                )
    return labels

"""Train a recognizer of named entities on texts of one language."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np
from spacy.language import Language
from spacy.training import Example

from spacy_xlt.data.entities import EntityData, EntityRecord, entity_labels, load_entities
from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.folder import base_model
from spacy_xlt.errors import XltError, XltWarning
from spacy_xlt.languages import find_language
from spacy_xlt.model_facts import TRAINING
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.ner import EntityRecognizer, set_entities
from spacy_xlt.result import fingerprint
from spacy_xlt.tasks.entities import IGNORED, OVERLAP, bio_labels, label_pieces
from spacy_xlt.training.settings import TrainingSettings
from spacy_xlt.training.tasks import encoder_folder, finetune_layer, make_task_pipeline, torch_encoder, window_length

# The learning rate of the layer divided by that of the encoder: see docs/measured-settings.md.
HEAD_RATE = 20.0


def train_ner(
    data: EntityData,
    *,
    dev: Optional[EntityData] = None,
    source: str = "en",
    languages: Sequence[str] = (),
    encoder: Optional[PathLike] = None,
    epochs: float = 4,
    batch_size: int = 16,
    learning_rate: float = 1e-4,
    max_length: int = 128,
    freeze_layers: int = 0,
    seed: int = 0,
    checkpoint: Optional[PathLike] = None,
    progress: bool = True,
) -> Language:
    """Train a recognizer of named entities, and use it in other languages.

    The encoder is fine-tuned with a layer that labels the first word piece of each unit: a word, a punctuation mark,
    or a word piece of a script without spaces.

    Args:
        data: Texts with entities: whatever `load_entities` takes.
        dev: Development data. If given, the figures on them go into the model card.
        source: The language of the texts, as a code or an English name.
        languages: The languages that can occur when the model is used. If empty, all languages can occur.
        encoder: An encoder folder. None uses the default encoder.
        epochs: How often each text is read.
        batch_size: The number of windows in a step.
        learning_rate: The highest learning rate of the encoder.
        max_length: The word pieces of a window. Longer texts are read in several windows.
        freeze_layers: The number of lower layers that are not trained.
        seed: The seed of the order of the texts.
        checkpoint: A folder in which the state is saved, so that a killed run resumes.
        progress: Show progress bars on a terminal or in a notebook.

    Returns:
        A pipeline of `xlt_langdetect` and `xlt_ner`.

    Raises:
        XltError: There is no entity, a development text has an entity type that no training text has, or the encoder
            folder is missing or cannot be trained.
    """
    source = find_language(source)
    records = load_entities(data)
    dev_records = [] if dev is None else load_entities(dev)
    types = entity_labels(records)
    if not types:
        raise XltError(f"There is no entity in the {len(records)} texts.")
    for record in dev_records:
        unknown = next((entity.label for entity in record.entities if entity.label not in types), None)
        if unknown is not None:
            raise XltError(f"{record.location}: the type '{unknown}' is in no training text ({', '.join(types)} are).")
    folder = encoder_folder(encoder)
    nlp = make_task_pipeline("xlt_ner", languages, folder)
    recognizer = find_pipe(nlp, EntityRecognizer)
    settings = TrainingSettings(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_length=window_length(torch_encoder(recognizer.model), max_length),
        freeze_layers=freeze_layers,
        seed=seed,
    )
    fit_entities(
        recognizer, records, types, settings, None if checkpoint is None else Path(checkpoint), progress=progress
    )
    nlp.meta[TRAINING] = {
        "task": "ner",
        "method": "finetune",
        "source": source,
        "encoder": base_model(folder),
        "settings": settings.to_dict(),
        "data": {"labeled texts": _fingerprint(records), "development texts": _fingerprint(dev_records)},
    }
    if dev_records:
        scores = nlp.evaluate(gold_examples(nlp, dev_records))
        nlp.meta["performance"] = {key: scores[key] for key in ("ents_p", "ents_r", "ents_f", "ents_per_type")}
        if not scores["ents_f"]:
            warnings.warn("The model finds no entity in the development texts. Train longer.", XltWarning, stacklevel=2)
    return nlp


def _fingerprint(records: Sequence[EntityRecord]) -> dict[str, Any]:
    """Return the number of records, and a hash of their texts and entities."""
    return fingerprint(
        [
            Record(each.text, tuple(f"{e.start}-{e.end}-{e.label}" for e in each.entities), each.language, "")
            for each in records
        ]
    )


def gold_examples(nlp: Language, records: Sequence[EntityRecord]) -> list[Example]:
    """Return examples with gold entities, for `nlp.evaluate`."""
    examples = []
    for record in records:
        gold = nlp.make_doc(record.text)
        set_entities(gold, list(record.entities))
        examples.append(Example(nlp.make_doc(record.text), gold))
    return examples


def fit_entities(
    recognizer: EntityRecognizer,
    records: Sequence[EntityRecord],
    types: Sequence[str],
    settings: TrainingSettings,
    checkpoint: Optional[Path] = None,
    *,
    progress: bool = False,
) -> None:
    """Train the encoder and the layer of a recognizer.

    Args:
        recognizer: The component, with the weights of an encoder. It is changed in place.
        records: The training texts.
        types: The entity types.
        settings: See `TrainingSettings`.
        checkpoint: A folder from which a killed run resumes. None saves nothing.
        progress: Show a progress bar.
    """
    encoder = torch_encoder(recognizer.model)
    import torch

    labels = bio_labels(types)
    tokenizer = recognizer.model.tokenizer
    ids: list[list[int]] = []
    targets: list[list[int]] = []
    overlap = min(OVERLAP, settings.max_length // 4)
    for record, pieces in zip(records, tokenizer.pieces([record.text for record in records])):
        numbers = label_pieces(record.text, pieces.spans, record.entities, labels)
        for window in tokenizer.windows(pieces, length=settings.max_length, overlap=overlap):
            of_window = [IGNORED] * len(window.ids)
            of_window[window.text_places] = numbers[window.offset : window.offset + len(window.spans)]
            ids.append(window.ids)
            targets.append(of_window)

    def loss(scores: Any, mask: Any, rows: Sequence[int]) -> Any:
        gold = np.full(tuple(scores.shape[:2]), IGNORED)
        for place, row in enumerate(rows):
            gold[place, : len(targets[row])] = targets[row]
        total = torch.nn.functional.cross_entropy(
            scores.flatten(0, 1), torch.tensor(gold.ravel(), device=scores.device), ignore_index=IGNORED
        )
        return total * len(rows)

    layer = finetune_layer(
        encoder,
        ids,
        len(labels),
        loss,
        settings,
        head_rate=HEAD_RATE,
        checkpoint=checkpoint,
        progress=progress,
    )
    recognizer.model.set(layer, labels, {"window": settings.max_length})

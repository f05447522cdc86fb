"""Distillation: a pipeline learns the predictions of a teacher, to be smaller or to work in more languages."""

from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np
from spacy.language import Language
from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, Reading, load_dataset, without_language
from spacy_xlt.data.docbin import make_docs
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.base import Floats1d, Floats2d
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.output_layer import fit_output_layer
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projection import Translations, check_texts, check_translations
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.progress import progress_bar
from spacy_xlt.result import Result
from spacy_xlt.training.examples import TrainingExample
from spacy_xlt.training.layers import spread_layers
from spacy_xlt.training.model_state import (
    get_layer,
    head_labels,
    interpolate_with,
    is_exclusive,
    make_features,
    project_new_languages,
    set_layer,
    take_snapshot,
)
from spacy_xlt.training.settings import TrainingSettings
from spacy_xlt.training.train import Method, check_method
from spacy_xlt.training.trainer import count_layers, finetune, soften
from spacy_xlt.transfer.acceptance import accept_if_not_worse
from spacy_xlt.transfer.in_place import in_place
from spacy_xlt.transfer.label_shift import most_confident
from spacy_xlt.vectors import unit_rows

TEMPERATURE = 2.0
# Epochs and learning rate: of a student with fewer layers, and of one with all layers, whose weights are good already.
SMALLER_EPOCHS, SMALLER_RATE = 3, 1e-4
WHOLE_EPOCHS, WHOLE_RATE = 2, 5e-5
# Of translations, the number of source sentences per label that are used. Measured in docs/measured-settings.md.
SENTENCES = 35
# The L2 penalty of the method `frozen`.
L2 = 1.0
# With fewer layers, the mean accuracy may drop by this fraction.
MAX_DROP = 0.03


@in_place
def distill(
    nlp: Language,
    data: Data,
    *,
    teacher: Optional[Language] = None,
    translations: Optional[Mapping[str, Translations]] = None,
    layers: Optional[int] = None,
    method: Method = "finetune",
    temperature: float = TEMPERATURE,
    dev: Data = (),
    epochs: Optional[float] = None,
    batch_size: int = 16,
    learning_rate: Optional[float] = None,
    max_length: int = 128,
    freeze_layers: int = 0,
    seed: int = 0,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> Result:
    """Train a pipeline on a teacher's predictions for unlabeled texts, in place.

    Use it to drop layers of the encoder (`layers`), to learn from another pipeline (`teacher`), or to learn from
    translations. The teacher reads the source side of translations, and the student learns the same for the
    translation. If the pipeline is its own teacher, the student also learns the teacher's vectors; that of a
    translation is the vector that the projector maps onto the source's.

    Most parallel text has little to do with the labels. Therefore only the sentences that the teacher is most confident
    of are used, `SENTENCES` per label. If the pipeline is its own teacher and keeps all layers, the new weights are
    interpolated with the old ones (WiSE-FT).

    Args:
        nlp: The student: a pipeline, or a model folder, which is written again.
        data: Unlabeled texts of the source and of target languages: whatever `load_dataset` takes.
        teacher: Any pipeline with the same labels in `doc.cats`; None: the student as it is before training.
        translations: {language: [(source text, its translation)]}.
        layers: The number of encoder layers to keep, evenly spread; None: all.
        method: `finetune` (minutes) or `frozen` (seconds), which trains the output layer only.
        temperature: The teacher's probabilities are softened by it.
        dev: Labeled development data. If the new model is worse on it, the old model is kept: see
            `accept_if_not_worse`. With `layers`, the mean accuracy may drop by `MAX_DROP` of itself.
        epochs: How often fine-tuning reads each text; None: 3 with `layers`, else 2.
        batch_size: Texts per step of fine-tuning.
        learning_rate: The highest learning rate of the encoder; None: 1e-4 with `layers`, else 5e-5.
        max_length: The number of word pieces of a text that fine-tuning reads.
        freeze_layers: The number of lower layers that fine-tuning does not change.
        seed: Of the order of the texts.
        progress: Show a progress bar on a terminal or in a notebook.
        reading: Options of `load_dataset`, such as `text` and `label`, the names of the fields.

    Returns:
        The result. It is also in `nlp.meta["xlt_transfer"]`.

    Raises:
        XltError: The teacher has other labels, the number of layers is wrong, or texts have no language.

    References:
        Hinton, Vinyals & Dean (2015), "Distilling the knowledge in a neural network", section 2. Reimers & Gurevych
        (2020), "Making monolingual sentence embeddings multilingual using knowledge distillation", equation 1. Wortsman
        et al. (2022), "Robust fine-tuning of zero-shot models", equation 1.
    """
    check_method(method)
    labels, exclusive = head_labels(nlp), is_exclusive(nlp)
    projector = find_pipe(nlp, Projector)
    texts, dev = (
        load_dataset(data, labeled=False, **reading).by_language(),
        load_dataset(dev, **without_language(reading)).records,
    )
    check_texts(texts)
    translations = check_translations(translations or {}, projector.source)
    if temperature <= 0:
        raise XltError(f"The temperature must be above 0, not {temperature}.")
    if method == "frozen" and layers is not None:
        raise XltError("The method frozen cannot drop layers. Use the method finetune.")
    kept_layers = None if layers is None else spread_layers(count_layers(nlp), layers)
    whole = layers is None
    default_epochs, default_rate = (WHOLE_EPOCHS, WHOLE_RATE) if whole else (SMALLER_EPOCHS, SMALLER_RATE)
    tuning = TrainingSettings(
        epochs=epochs if epochs is not None else default_epochs,
        batch_size=batch_size,
        learning_rate=learning_rate if learning_rate is not None else default_rate,
        max_length=max_length,
        freeze_layers=freeze_layers,
        average_epochs=1,
        bfloat16=False,
        seed=seed,
    )
    records = [
        Record(text, (), language, "texts")
        for language in sorted(texts)
        for text in dict.fromkeys(filter(str.strip, texts[language]))
    ]
    pairs = [(language, pair) for language in sorted(translations) for pair in translations[language]]
    sources = [
        Record(source, (), projector.source, "pairs") for source in dict.fromkeys(source for _, (source, _) in pairs)
    ]
    translated = [Record(text, (), language, "pairs") for language, (_, text) in pairs]
    if not records and not pairs:
        raise XltError("There is no text. Give unlabeled texts or translations.")
    settings = {
        **(tuning.to_dict() if method == "finetune" else {"seed": seed}),
        "method": method,
        "layers": kept_layers,
        "temperature": temperature,
        "self": teacher is None,
        "languages": sorted({*texts, *translations}),
    }

    def change() -> dict[str, Any]:
        new = {language: list(of_language) for language, of_language in texts.items()}
        for record in translated:
            new.setdefault(record.language, []).append(record.text)
        project_new_languages(nlp, new, progress=progress)
        taught = teacher_probabilities(teacher or nlp, [*records, *sources], labels, progress=progress)
        confident = most_confident(taught[len(records) :], SENTENCES)
        own = [*records, *(sources[row] for row in confident)]
        own_targets = np.concatenate([taught[: len(records)], taught[len(records) :][confident]])
        row_of = {sources[row].text: len(records) + number for number, row in enumerate(confident)}
        learned = [(record, source) for record, (_, (source, _)) in zip(translated, pairs) if source in row_of]
        students = [*own, *(record for record, _ in learned)]
        # For each student text, the row of `own` whose target it learns.
        rows = [*range(len(own)), *(row_of[source] for _, source in learned)]
        targets = soften(own_targets[rows], temperature, exclusive)
        if method == "frozen":
            set_layer(nlp, _fit_softened(nlp, students, targets, temperature, exclusive))
            return settings
        vectors = _target_vectors(nlp, own, students, rows) if teacher is None else [None] * len(students)
        start = take_snapshot(nlp)
        examples = [
            TrainingExample(student.text, student.language, target, vector)
            for student, target, vector in zip(students, targets, vectors)
        ]
        finetune(nlp, examples, tuning, layers=kept_layers, temperature=temperature, progress=progress)
        if whole and teacher is None:
            interpolate_with(nlp, start)
        return settings

    used = {"texts": [*records, *sources], "translations": translated, "dev": dev}
    max_drop = None if whole else MAX_DROP
    halve = whole and method == "finetune"
    return accept_if_not_worse(nlp, "distill", change, dev=dev, data=used, max_drop=max_drop, halve=halve)


def teacher_probabilities(
    teacher: Language, records: Sequence[Record], labels: Sequence[str], *, progress: bool = True
) -> Floats2d:
    """Return the teacher's `doc.cats` of texts, [n, labels].

    Raises:
        XltError: The teacher has other labels.
    """
    docs = teacher.pipe(make_docs(teacher, records, []))
    rows = []
    for doc in progress_bar(docs, title="Teacher", unit="text", total=len(records), show=progress):
        if set(doc.cats) != set(labels):
            raise XltError(
                f"The teacher predicts the labels {', '.join(sorted(doc.cats)) or 'none'}, and the student predicts "
                f"{', '.join(sorted(labels))}. Use a teacher with the same labels."
            )
        rows.append([doc.cats[label] for label in labels])
    return np.array(rows, dtype=np.float32).reshape(len(records), len(labels))


def _fit_softened(
    nlp: Language, records: Sequence[Record], targets: Floats2d, temperature: float, exclusive: bool
) -> Layer:
    """Fit the output layer so that its scores, divided by the temperature, fit the softened targets."""
    old = get_layer(nlp)
    size = np.float32(temperature)
    fitted = fit_output_layer(
        make_features(nlp, records),
        targets,
        prior=Layer(old.weight / size, old.bias / size),
        l2=L2,
        exclusive=exclusive,
    )
    return Layer(fitted.weight * size, fitted.bias * size)


def _target_vectors(
    nlp: Language, own: Sequence[Record], students: Sequence[Record], rows: Sequence[int]
) -> list[Floats1d]:
    """Return the vector that each student text learns.

    Args:
        nlp: The pipeline, which is its own teacher.
        own: The first of the students. They learn their own vectors. The others are translations.
        students: All texts that are learned.
        rows: For each student, the row of `own` whose vector it learns.
    """
    projector = find_pipe(nlp, Projector)
    vectors = find_pipe(nlp, Encoder).encode([record.text for record in own])[list(rows)]
    translated = range(len(own), len(students)) if projector.maps else []
    for language in sorted({students[row].language for row in translated}):
        of_language = [row for row in translated if students[row].language == language]
        vectors[of_language] = unit_rows(projector.map_of(language).inverse()(vectors[of_language]))
    return list(vectors)

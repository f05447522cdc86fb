"""Distillation: a teacher labels texts softly, and a pipeline learns from it: smaller, faster, or in more languages."""

from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np
from spacy.language import Language

from spacy_xlt.data.dataset import Data, load_dataset
from spacy_xlt.data.docbin import make_docs
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.base import Floats1d, Floats2d
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.output_layer import fit_output_layer
from spacy_xlt.languages import UNKNOWN, as_base_code, by_base_code
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projection import Translations
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.progress import progress_bar
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
from spacy_xlt.training.trainer import count_layers, finetune, soften
from spacy_xlt.transfer.acceptance import Result, accept_if_not_worse
from spacy_xlt.transfer.few_shot import Method
from spacy_xlt.transfer.label_shift import most_confident
from spacy_xlt.vectors import unit_rows

TEMPERATURE = 2.0
EPOCHS, RATE = 3, 1e-4
# From a whole encoder that is trained already, where only some languages have to move.
GENTLE_EPOCHS, GENTLE_RATE = 2, 5e-5
# Of translations: so many sentences of the source for each label, those that the teacher is surest of. On dev (SIB-200,
# NTREX, 6 languages: .822 before) .829; twice as many, read twice as often, .832.
SENTENCES = 35
STRENGTH = 1.0
# Of the teacher's mean accuracy: what a student with fewer layers may lose.
MAY_LOSE = 0.03


def distill(
    nlp: Language,
    texts: Data,
    *,
    teacher: Optional[Language] = None,
    translations: Optional[Mapping[str, Translations]] = None,
    layers: Optional[int] = None,
    method: Method = "finetune",
    temperature: float = TEMPERATURE,
    dev: Data = (),
    seed: int = 0,
    progress: bool = True,
) -> Result:
    """Teach the pipeline, in place, the probabilities that the teacher gives to texts (Hinton et al. 2015).

    texts: {language: unlabelled texts, or files of them}, or files that say their languages; best of the source and of
        targets.
    teacher: any pipeline with the same labels in doc.cats; None: the pipeline as it is now, which makes sense with
        `layers` or `translations`. Then the student's vectors are to stay near the teacher's, too.
    translations: {language: [(text of the source, its translation)]}: the teacher reads the source's side, and the
        student learns for the translation what it says, labels and (where the teacher is the pipeline itself) the
        vector, as the projector would have to see it (Reimers & Gurevych 2020, equation 1).
    Of translations, the `SENTENCES` of each label that the teacher is surest of are learned, and the source's side,
        too: parallel text is mostly about something else than the labels. With all layers and the pipeline itself as
        the teacher, the mean of the old and the new weights stands.
    layers: keep so many layers of the encoder, spread evenly, the first and the last among them; None: all.
    method: `finetune`, or `frozen`: the head alone learns.
    dev: see `accept_if_not_worse`; with fewer layers, the mean accuracy may fall by `MAY_LOSE` of itself.
    Raises XltError for a teacher with other labels, a wrong number of layers, and texts without a language.
    """
    labels, exclusive = head_labels(nlp), is_exclusive(nlp)
    texts, dev = load_dataset(texts, labeled=False).by_language(), load_dataset(dev).records
    translations = by_base_code(translations or {}, as_base_code)
    if UNKNOWN in texts or UNKNOWN in translations:
        raise XltError("There are texts without a language: name it with --language, or in the field 'lang'.")
    projector = find_pipe(nlp, Projector)
    if projector.source in translations:
        raise XltError(f"'{projector.source}' is the source language: translations are from it into another one.")
    if temperature <= 0:
        raise XltError(f"A temperature is above 0, not {temperature}.")
    chosen_layers = None if layers is None else spread_layers(count_layers(nlp), layers)
    if method == "frozen" and layers is not None:
        raise XltError("Only with the method finetune an encoder can learn to do with fewer layers.")
    records = _records(texts)
    pairs = [(language, pair) for language in sorted(translations) for pair in translations[language]]
    sources = [
        Record(source, (), projector.source, "pairs") for source in dict.fromkeys(source for _, (source, _) in pairs)
    ]
    translated = [Record(text, (), language, "pairs") for language, (_, text) in pairs]
    if not records and not pairs:
        raise XltError("There is no text to learn from: give some with --texts, or --pairs.")
    settings = {
        "method": method, "layers": chosen_layers, "temperature": temperature, "seed": seed, "self": teacher is None,
        "languages": sorted({*texts, *translations}),
    }  # fmt: skip

    def change() -> dict[str, Any]:
        new = {language: list(of_language) for language, of_language in texts.items()}
        for record in translated:
            new.setdefault(record.language, []).append(record.text)
        project_new_languages(nlp, new, progress=progress)
        said = teacher_probabilities(teacher or nlp, [*records, *sources], labels, progress=progress)
        surest = most_confident(said[len(records) :], SENTENCES)
        own = [*records, *(sources[row] for row in surest)]
        row_of = {sources[row].text: len(records) + number for number, row in enumerate(surest)}
        learned = [(record, source) for record, (_, (source, _)) in zip(translated, pairs) if source in row_of]
        students = [*own, *(record for record, _ in learned)]
        # For each student the row of `own` whose answer it learns.
        taught = [*range(len(own)), *(row_of[source] for _, source in learned)]
        said = np.concatenate([said[: len(records)], said[len(records) :][surest]])
        answers = soften(said[taught], temperature, exclusive)
        if method == "frozen":
            set_layer(nlp, _fit_softly(nlp, students, answers, temperature, exclusive))
            return settings
        vectors = _goals(nlp, own, students, taught) if teacher is None else [None] * len(students)
        gentle, start = chosen_layers is None, take_snapshot(nlp)
        finetune(
            nlp,
            [
                TrainingExample(student.text, student.language, answer, vector)
                for student, answer, vector in zip(students, answers, vectors)
            ],
            TrainingSettings(
                epochs=GENTLE_EPOCHS if gentle else EPOCHS,
                learning_rate=GENTLE_RATE if gentle else RATE,
                bfloat16=False,
                seed=seed,
            ),
            layers=chosen_layers,
            temperature=temperature,
            progress=progress,
        )
        if gentle and teacher is None:
            interpolate_with(nlp, start)
        return settings

    data = {"texts": [*records, *sources], "translations": translated, "dev": dev}
    max_drop = None if layers is None else MAY_LOSE
    halve = layers is None and method == "finetune"
    return accept_if_not_worse(nlp, "distill", change, dev=dev, data=data, max_drop=max_drop, halve=halve)


def teacher_probabilities(
    teacher: Language, records: Sequence[Record], labels: Sequence[str], *, progress: bool = True
) -> Floats2d:
    """doc.cats of the texts as [n, labels]. Raises XltError if the teacher has other labels."""
    docs = teacher.pipe(make_docs(teacher, records, []))
    rows = []
    for doc in progress_bar(docs, title="Teacher", unit="text", total=len(records), show=progress):
        if set(doc.cats) != set(labels):
            raise XltError(
                f"The teacher gives the labels {', '.join(sorted(doc.cats)) or 'none'}, the student knows "
                f"{', '.join(sorted(labels))}: they have to be the same."
            )
        rows.append([doc.cats[label] for label in labels])
    return np.array(rows, dtype=np.float32).reshape(len(records), len(labels))


def _records(texts: Mapping[str, Sequence[str]]) -> list[Record]:
    return [
        Record(text, (), language, "texts")
        for language in sorted(texts)
        for text in dict.fromkeys(filter(str.strip, texts[language]))
    ]


def _fit_softly(
    nlp: Language, records: Sequence[Record], answers: Floats2d, temperature: float, exclusive: bool
) -> Layer:
    """The output layer whose scores, divided by the temperature, fit the softened answers."""
    old = get_layer(nlp)
    size = np.float32(temperature)
    fitted = fit_output_layer(
        make_features(nlp, records),
        answers,
        towards=Layer(old.weight / size, old.bias / size),
        strength=STRENGTH,
        exclusive=exclusive,
    )
    return Layer(fitted.weight * size, fitted.bias * size)


def _goals(nlp: Language, own: Sequence[Record], students: Sequence[Record], taught: Sequence[int]) -> list[Floats1d]:
    """The vectors to learn: a text's own, and for a translation the one that is projected onto its source's.

    own: the first of the students, which learn their own; the others are translations. taught: the row of `own` whose
        vector each student learns.
    """
    projector = find_pipe(nlp, Projector)
    goals = find_pipe(nlp, Encoder).encode([record.text for record in own])[list(taught)]
    translated = range(len(own), len(students)) if projector.maps else []
    for language in sorted({students[row].language for row in translated}):
        rows = [row for row in translated if students[row].language == language]
        goals[rows] = unit_rows(projector.map_of(language).inverse()(goals[rows]))
    return list(goals)

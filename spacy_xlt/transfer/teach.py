"""Teach an encoder languages that it knows badly, with parallel sentences and dictionaries."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
from spacy.language import Language
from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, Reading, load_dataset, without_language
from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.encoders.building import encoder_folder
from spacy_xlt.encoders.folder import check_folder
from spacy_xlt.encoders.torch_encoder import TorchEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.extras import require
from spacy_xlt.languages import find_language
from spacy_xlt.model_folder import MARKER
from spacy_xlt.models import load_model, save
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projection import check_texts
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.result import Result, fingerprint, fingerprint_texts
from spacy_xlt.training.examples import TrainingExample
from spacy_xlt.training.model_state import interpolate_weights
from spacy_xlt.training.settings import TrainingSettings
from spacy_xlt.training.trainer import trainable_encoder
from spacy_xlt.training.vectors import fit_vectors
from spacy_xlt.transfer.acceptance import MAX_HALVINGS, Correct, accuracies, add_to_meta, correct_rows, decide
from spacy_xlt.transfer.new_pieces import add_new_pieces
from spacy_xlt.transfer.parallel_texts import (
    PairsData,
    ParallelTexts,
    check_sides,
    check_translations_match,
    read_parallel_texts,
)
from spacy_xlt.transfer.word_by_word import translate_words

SOURCE = "en"
# Of the similarities in the contrastive loss.
TEMPERATURE = 0.05


def teach(
    nlp: Union[Language, PathLike],
    *,
    pairs: Optional[Mapping[str, PairsData]] = None,
    dictionaries: Optional[Mapping[str, PairsData]] = None,
    rehearsal: Data = (),
    dev: Data = (),
    output: Optional[PathLike] = None,
    source: Optional[str] = None,
    new_pieces: int = 1000,
    epochs: float = 1,
    batch_size: int = 32,
    learning_rate: float = 1e-4,
    max_length: int = 128,
    freeze_layers: int = 0,
    seed: int = 0,
    checkpoint: Optional[PathLike] = None,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> Result:
    """Teach the encoder other languages with parallel sentences and dictionaries.

    The encoder learns to give a translation the vector that it gives to the source text before teaching. So the head
    of a trained pipeline stays as it is, and fits the translations better. The source texts keep their vectors, too.
    Teach several languages at once, and name texts of other languages that must not change in `rehearsal`.

    A language with a dictionary and without parallel sentences learns from the entries of the dictionary, and from all
    source sentences, those of `rehearsal` included, translated word by word.

    If the tokenizer lacks the script of a language, new word pieces are learned from its texts. All other texts are
    tokenized as before.

    About a twentieth of the source texts is held out. For each held-out translation, its source is looked up among all
    held-out sources. If a language finds significantly fewer of them than before, or if the accuracy on labeled
    development data drops significantly, the weights are interpolated with the old ones (WiSE-FT), and rejected if that
    does not help.

    Args:
        nlp: A pipeline, a model folder, or an encoder folder.
        pairs: {language: parallel sentences}: a file with a source sentence, a tab and its translation per line, or a
            list of pairs.
        dictionaries: {language: a dictionary}: a file with a source word or phrase, a tab and its translation per line,
            or a list of pairs.
        rehearsal: Unlabeled texts whose vectors must not change: whatever `load_dataset` takes.
        dev: Labeled development data, for pipelines only. Texts without a language are in that of the pipeline.
        output: The folder to write. None: `nlp`, if it is a folder, is written again.
        source: The language of the source texts. None: that of the pipeline, or English.
        new_pieces: The number of word pieces to learn for each language whose script the tokenizer lacks, in addition
            to characters and words of the dictionary; 0 adds no pieces.
        epochs: How often each text is read.
        batch_size: Texts per step.
        learning_rate: The highest learning rate of the encoder.
        max_length: The number of word pieces of a text that are read.
        freeze_layers: The number of lower layers that do not change.
        seed: Of the order of the texts.
        checkpoint: A folder in which the state is saved while the encoder learns, so that a killed run resumes.
        progress: Show progress bars on a terminal or in a notebook.
        reading: Options of `load_dataset`, such as `text` and `label`, the names of the fields.

    Returns:
        The result. Its `metrics` have the share of sources that were found for each language, and the accuracy on
        development data. For a pipeline, it is also in `nlp.meta["xlt_transfer"]`.

    Raises:
        XltError: There are no translations, the sides of translations are swapped, or the encoder cannot be trained.

    Example:
        >>> teach("model", pairs={"yo": "news.en-yo.tsv"}).accepted  # doctest: +SKIP
        True

    References:
        Reimers & Gurevych (2020), "Making monolingual sentence embeddings multilingual using knowledge distillation",
        equation 1. Wortsman et al. (2022), "Robust fine-tuning of zero-shot models", equation 1.
    """
    require("train", "torch", "transformers")
    settings = TrainingSettings(
        epochs, batch_size, learning_rate, max_length, freeze_layers, average_epochs=1, seed=seed
    )
    pipeline, encoder = _open(nlp)
    of_pipeline = SOURCE if pipeline is None else find_pipe(pipeline, Projector).source
    source = of_pipeline if source is None else find_language(source)
    texts = read_parallel_texts(pairs or {}, dictionaries or {}, source, reading.get("encoding"))
    rehearsed = load_dataset(rehearsal, labeled=False, **reading).by_language()
    check_texts(rehearsed)
    dev_records = load_dataset(dev, **without_language(reading)).with_language(of_pipeline, unknown_only=True).records
    if pipeline is None and dev_records:
        raise XltError("An encoder has no labels. Give development data with a pipeline only.")
    result = _teach(
        _Student(encoder, pipeline, dev_records),
        texts,
        rehearsed,
        source,
        settings,
        new_pieces=new_pieces,
        checkpoint=None if checkpoint is None else Path(checkpoint),
        progress=progress,
    )
    if pipeline is not None:
        add_to_meta(pipeline, result)
    _write(nlp, pipeline, encoder, output)
    return result


def _open(nlp: Union[Language, PathLike]) -> tuple[Optional[Language], TorchEncoder]:
    """Return the pipeline, or None for an encoder folder, and the encoder."""
    if not isinstance(nlp, Language):
        folder = Path(nlp).expanduser()
        if not (folder / MARKER).is_file():
            encoder = TorchEncoder()
            encoder.load(check_folder(folder))
            return None, encoder
        nlp = load_model(folder)
    return nlp, trainable_encoder(nlp)


def _write(
    nlp: Union[Language, PathLike], pipeline: Optional[Language], encoder: TorchEncoder, output: Optional[PathLike]
) -> None:
    if output is None:
        if isinstance(nlp, Language):
            return
        output = nlp
    folder = Path(output).expanduser()
    if pipeline is not None:
        save(pipeline, folder)
        return
    with encoder_folder(folder) as part:
        encoder.to_disk(part)


@dataclass
class _Student:
    """The encoder that is taught, alone or in a pipeline, and labeled development data of the pipeline."""

    encoder: TorchEncoder
    nlp: Optional[Language]
    dev: Sequence[Record]

    def put(self, model: Any) -> None:
        """Replace the model of the encoder."""
        self.encoder.replace_model(model)
        self.forget()

    def forget(self) -> None:
        """Forget the vectors of the model before."""
        if self.nlp is not None:
            find_pipe(self.nlp, Encoder).forget()

    def snapshot(self) -> Callable[[], None]:
        """Return a function that restores the encoder and the projector as they are now."""
        encoder, projector = self.encoder, self.projector
        model, maps = encoder.model, None if projector is None else projector.to_bytes()
        tokenizer, settings, config = encoder.tokenizer_json, encoder.settings, encoder.tokenizer_config

        def restore() -> None:
            if encoder.model is not model:
                encoder.set_model(model, tokenizer, settings, config)
                self.forget()
            if projector is not None and maps is not None:
                projector.from_bytes(maps)

        return restore

    @property
    def projector(self) -> Optional[Projector]:
        return None if self.nlp is None else find_pipe(self.nlp, Projector)

    def correct(self) -> Correct:
        """Return which development texts get exactly their labels, [n]."""
        return np.zeros(0, dtype=bool) if self.nlp is None else correct_rows(self.nlp, self.dev)


def _teach(
    student: _Student,
    texts: ParallelTexts,
    rehearsal: Mapping[str, Sequence[str]],
    source: str,
    settings: TrainingSettings,
    *,
    new_pieces: int,
    checkpoint: Optional[Path],
    progress: bool,
) -> Result:
    """Teach the encoder in place, and restore it if the result is worse than before."""
    encoder, restore = student.encoder, student.snapshot()
    notes = check_sides(texts, source)
    learned, held_out = texts.split()
    learned = add_translated_words(learned, rehearsal.get(source, ()), settings.seed)
    before, correct_before = HeldOut.encode(encoder, held_out), student.correct()
    matches = (check_translations_match(code, *before.vectors[code]) for code in before.vectors)
    notes += [note for note in matches if note is not None]
    examples = make_examples(encoder, learned, rehearsal, source)
    try:
        pieces = {
            code: add_new_pieces(
                encoder,
                [target for _, target in learned.of(code)],
                learned.pairs.get(code, []),
                learned.entries.get(code, []),
                new_pieces,
            )
            for code in learned.languages
            if new_pieces
        }
        start = encoder.model
        model = fit_vectors(
            encoder,
            examples,
            settings,
            temperature=TEMPERATURE,
            rows=[piece for of_language in pieces.values() for piece in of_language],
            checkpoint=checkpoint,
            progress=progress,
            title="Teaching",
        )
        for halvings in range(1 + MAX_HALVINGS):
            if halvings:
                interpolate_weights(model, start, 0.5)
            student.put(model)
            after = HeldOut.encode(encoder, held_out)
            _move_maps(student.projector, before, after)
            correct_after = student.correct()
            accepted, reason = _decide(student, before, after, correct_before, correct_after, source)
            if accepted or halvings == MAX_HALVINGS:
                break
            _move_maps(student.projector, after, before)
    except BaseException:
        restore()
        raise
    if not accepted:
        restore()
    dev_languages = [record.language for record in student.dev]
    found = accuracies(before.found, after.found, before.languages)
    return Result(
        "teach",
        accepted,
        reason,
        {
            **settings.to_dict(),
            "source": source,
            "languages": {code: len(learned.of(code)) for code in learned.languages},
            "rehearsal": {code: len(rehearsal[code]) for code in sorted(rehearsal)},
            "new_pieces": {code: len(ids) for code, ids in pieces.items() if ids},
            "temperature": TEMPERATURE,
            "halvings": halvings,
        },
        {
            "translations": fingerprint(texts.records(source)),
            "rehearsal": fingerprint_texts(rehearsal),
            "dev": fingerprint(student.dev),
        },
        {
            **{f"{code} (retrieval)": figures for code, figures in found.items()},
            **accuracies(correct_before, correct_after, dev_languages),
        },
        notes,
    )


def add_translated_words(texts: ParallelTexts, sentences: Sequence[str], seed: int) -> ParallelTexts:
    """Give languages that have only a dictionary source sentences that are translated word by word.

    Args:
        texts: The translations.
        sentences: More sentences of the source language, in addition to those of the translations.
        seed: Of the choice between several translations of a word.
    """
    all_sentences = dict.fromkeys([*(ours for pairs in texts.pairs.values() for ours, _ in pairs), *sentences])
    translated = {
        code: translate_words(all_sentences, entries, seed=seed)
        for code, entries in texts.entries.items()
        if not texts.pairs.get(code)
    }
    return ParallelTexts({**texts.pairs, **{code: pairs for code, pairs in translated.items() if pairs}}, texts.entries)


def make_examples(
    encoder: TorchEncoder, texts: ParallelTexts, rehearsal: Mapping[str, Sequence[str]], source: str
) -> list[TrainingExample]:
    """Return what is learned: translations with the vectors of their sources, and texts with their own vectors.

    Args:
        encoder: The encoder before teaching. It computes the vectors.
        texts: The translations.
        rehearsal: {language: texts} that keep their vectors. The source sentences keep theirs, too.
        source: The source language.
    """
    translations = [(code, *pair) for code in texts.languages for pair in texts.of(code)]
    sentences = dict.fromkeys(ours for of_language in texts.pairs.values() for ours, _ in of_language)
    own = [
        *((source, text) for text in sentences),
        *((code, text) for code in sorted(rehearsal) for text in dict.fromkeys(rehearsal[code]) if text.strip()),
    ]
    targets = list(dict.fromkeys([*(ours for _, ours, _ in translations), *(text for _, text in own)]))
    vectors = dict(zip(targets, encoder.encode(targets)))
    return [
        *(TrainingExample(theirs, code, vector=vectors[ours]) for code, ours, theirs in translations),
        *(TrainingExample(text, code, vector=vectors[text]) for code, text in own),
    ]


@dataclass(frozen=True)
class HeldOut:
    """Held-out translations as an encoder sees them.

    Attributes:
        vectors: {language: (vectors of the sources, vectors of the translations)}, each [n, width].
        found: Whether the nearest source of a translation is its own, for all languages one after the other, [n].
        languages: The language of each translation, [n].
    """

    vectors: dict[str, tuple[Floats2d, Floats2d]]
    found: Correct
    languages: list[str]

    @classmethod
    def encode(cls, encoder: TorchEncoder, held_out: Mapping[str, Sequence[tuple[str, str]]]) -> "HeldOut":
        """Encode held-out translations, and look up the source of each one."""
        sources = list(dict.fromkeys(ours for pairs in held_out.values() for ours, _ in pairs))
        of_source = dict(zip(sources, encoder.encode(sources))) if sources else {}
        vectors, found = {}, [np.zeros(0, dtype=bool)]
        for code, pairs in held_out.items():
            theirs = encoder.encode([text for _, text in pairs])
            ours = np.array([of_source[text] for text, _ in pairs])
            cosines = theirs @ ours.T
            # A source that occurs twice, such as an entry with two translations, is right in both places.
            found.append(cosines.max(axis=1) <= np.diagonal(cosines) + 1e-6)
            vectors[code] = (ours, theirs)
        return cls(vectors, np.concatenate(found), [code for code in vectors for _ in held_out[code]])


def _decide(
    student: _Student, before: HeldOut, after: HeldOut, correct_before: Correct, correct_after: Correct, source: str
) -> tuple[bool, str]:
    """Return whether neither retrieval nor the accuracy drops significantly, and the reason in sentences."""
    accepted, reason = decide(before.found, after.found, before.languages, source)
    if before.languages:
        reason = f"Sources of held-out translations: {reason}"
    if accepted and student.dev:
        accepted, of_dev = decide(correct_before, correct_after, [record.language for record in student.dev], source)
        reason = f"{reason} {of_dev}"
    return accepted, reason


def _move_maps(projector: Optional[Projector], before: HeldOut, after: HeldOut) -> None:
    """Move the maps of taught languages with the mean of their vectors, so that they fit the taught encoder."""
    for code in after.vectors if projector is not None else ():
        if projector is None or code not in projector.maps:
            continue
        step = (after.vectors[code][1] - before.vectors[code][1]).mean(axis=0)
        projector.maps[code] = replace(projector.maps[code], origin=projector.maps[code].origin + step)
        projector.means[code] = projector.means[code] + step

"""Classify texts without Docs. The results are those of `nlp.pipe`; spaCy, Thinc and torch are not imported."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from spacy_xlt.alignment.projection import MAPS_FILE, Projection, mixture
from spacy_xlt.detectors.base import decide, detect_languages, read_prior
from spacy_xlt.encoders.base import Floats1d, Floats2d
from spacy_xlt.encoders.cpu import usable_threads
from spacy_xlt.encoders.static_encoder import StaticEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.serving.head import load_head
from spacy_xlt.serving.model_folder import KINDS, PAIRS, TRANSLATOR, Component, make_registered, read_components
from spacy_xlt.serving.pairs import PairScorer
from spacy_xlt.text import replace_surrogates
from spacy_xlt.translators.base import TextTranslator

Label = Union[str, tuple[str, ...]]
# A text, or a pair of texts for a model of pairs.
Text = Union[str, tuple[str, str]]
# The number of texts that are sorted by length together. More give batches of more even length; fewer answer sooner.
WINDOW = 256
# The number of chunks of texts in work. While one is encoded, the next is tokenized and its languages are detected.
IN_FLIGHT = 2


class Classification(NamedTuple):
    """The results of several texts.

    Args:
        labels: The most probable label of each text. A multilabel model gives a tuple of all chosen labels.
        probabilities: The probability of each label, [texts, classifier.labels].
        languages: The base code of each text's language, `xx` if unknown.
    """

    labels: list[Label]
    probabilities: Floats2d
    languages: list[str]


class Scored(NamedTuple):
    """A `Classification` with the probability of each text's language (0 for `xx`)."""

    labels: list[Label]
    probabilities: Floats2d
    languages: list[str]
    language_scores: list[float]


class Classified(NamedTuple):
    """The result of one text: see `Classification`."""

    label: Label
    probabilities: Floats1d
    language: str


class Classifier:
    """Classify texts, or pairs of texts, with a trained model, without spaCy.

    The attribute `labels` holds the names of the columns of `probabilities`.

    Args:
        components: The components of a model folder, see `read_components`. Usually you call `load` instead.

    Example:
        classifier = spacy_xlt.Classifier.load("model")
        labels, probabilities, languages = classifier.predict(["Where is my parcel?", "Wo ist mein Paket?"])
        for label, probabilities, language in classifier.pipe(stream): ...
    """

    def __init__(self, components: dict[str, Component]) -> None:
        detector = components[KINDS[0]]
        self._detector = make_registered(detector.config["detector"], "xlt_detectors", str(detector.folder))
        self._prior = read_prior(detector.config.get("languages"), self._detector)
        self._threshold = float(detector.config["threshold"])
        self._min_chars = int(detector.config["min_chars"])
        self._translator = _load_translator(components[TRANSLATOR]) if TRANSLATOR in components else None
        self._pairs: Optional[PairScorer] = None
        if PAIRS in components:
            self._pairs = PairScorer(components[PAIRS])
            self.labels = self._pairs.labels
            return
        encoder, projector, head = (components[kind] for kind in KINDS[1:])
        self._encoder = make_registered(encoder.config["encoder"], "xlt_encoders", str(encoder.folder))
        self._encoder.load(encoder.folder)
        self._projection = Projection(projector.folder.name, projector.config["source"])
        maps = projector.folder / MAPS_FILE
        if not maps.is_file():
            raise XltError(f"{maps} is missing, so the model folder is incomplete. Copy the model again.")
        self._projection.read_maps(maps.read_bytes())
        self._head = load_head(head.folder, head.config)
        self.labels = self._head.labels

    @classmethod
    def load(cls, folder: Union[str, Path]) -> "Classifier":
        """Load a model folder.

        Args:
            folder: The model folder.

        Returns:
            The classifier.

        Raises:
            XltError: The folder is damaged, or its components are neither the four of this package nor those of a
                model of pairs. It may have `xlt_translator` as well.
        """
        return cls(read_components(Path(folder)))

    def predict(self, texts: Sequence[Text]) -> Classification:
        """Classify texts.

        Args:
            texts: The texts; for a model of pairs, tuples of two texts. Equal texts are encoded only once if they are
                near each other.

        Returns:
            The results in the order of the texts.

        Raises:
            XltError: `texts` is a single string, or an item is no text, or no pair for a model of pairs.
        """
        return Classification(*self.scored(texts)[:3])

    def scored(self, texts: Sequence[Text]) -> Scored:
        """Classify texts, and return the probability of each text's language too. See `predict`."""
        if isinstance(texts, str):
            raise XltError("Classifier takes a list of texts, not a single text. Put the text into a list.")
        windows = list(self._windows(iter(texts)))
        if not windows:
            return Scored([], np.zeros((0, len(self.labels)), dtype=np.float32), [], [])
        return Scored(
            [label for window in windows for label in window.labels],
            np.concatenate([window.probabilities for window in windows]),
            [language for window in windows for language in window.languages],
            [score for window in windows for score in window.language_scores],
        )

    def pipe(self, texts: Iterable[Text]) -> Iterator[Classified]:
        """Classify a stream of texts. The results have its order, and only a few hundred texts are held at a time."""
        for window in self._windows(iter(texts)):
            yield from map(Classified, window.labels, window.probabilities, window.languages)

    def _windows(self, stream: Iterator[Text]) -> Iterator[Scored]:
        windows = iter(lambda: list(islice(stream, WINDOW)), [])
        first = next(windows, None)
        if first is None:
            return
        second = next(windows, None)
        # The static encoder is mostly Python code, which two threads run more slowly than one.
        if second is None or usable_threads() == 1 or self._pairs or isinstance(self._encoder, StaticEncoder):
            yield self._classify(first)
            if second is not None:
                yield self._classify(second)
                yield from map(self._classify, windows)
            return
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            at_work: deque[Future[Scored]] = deque()
            at_work.extend(pool.submit(self._classify, window) for window in (first, second))
            for window in windows:
                yield at_work.popleft().result()
                at_work.append(pool.submit(self._classify, window))
            while at_work:
                yield at_work.popleft().result()

    def _classify(self, window: list[Text]) -> Scored:
        place = {text: number for number, text in enumerate(dict.fromkeys(window))}
        texts = [replace_surrogates(self._text_of(text)) for text in place]
        candidates = detect_languages(self._detector, texts, self._prior, self._min_chars)
        decided = [decide(each, self._threshold) for each in candidates]
        languages = [decision.language for decision in decided]
        if self._pairs is not None:
            probabilities = self._pairs([(text[0], text[1]) for text in place])
            labels: list[Label] = [self.labels[best] for best in probabilities.argmax(axis=1)]
        else:
            probabilities = self._head(self._vectors(texts, languages, candidates))
            labels = self._choose(probabilities)
        order = [place[text] for text in window]
        return Scored(
            [labels[number] for number in order],
            probabilities[order],
            [languages[number] for number in order],
            [decided[number].score for number in order],
        )

    def _text_of(self, item: Text) -> str:
        """Return a text, or the first text of a pair, whose language counts as that of the pair."""
        if self._pairs is None:
            if not isinstance(item, str):
                raise XltError(f"{item!r} is not a text. A model of texts takes a list of texts.")
            return item
        if isinstance(item, tuple) and len(item) == 2 and all(isinstance(text, str) for text in item):
            return item[0]
        raise XltError(f"{item!r} is not a pair. A model of pairs takes a list of tuples of two texts.")

    def _vectors(self, texts: Sequence[str], languages: Sequence[str], candidates: Sequence[Any]) -> Floats2d:
        """The embeddings that the head reads."""
        if self._head.attribute == "xlt_projected":
            mixtures = [mixture(language, dict(each)) for language, each in zip(languages, candidates)]
            return self._embed(texts, languages, mixtures)
        vectors: Floats2d = self._encoder.encode(texts)
        return vectors

    def _embed(
        self, texts: Sequence[str], languages: Sequence[str], mixtures: Sequence[Mapping[str, float]]
    ) -> Floats2d:
        """The projected embeddings of texts, averaged with those of their translations."""
        translations = [None] * len(texts) if self._translator is None else self._translator.translate(texts, languages)
        translated = [row for row, translation in enumerate(translations) if translation is not None]
        vectors = self._encoder.encode([*texts, *(str(translations[row]) for row in translated)])
        of_translations: list[Optional[Floats1d]] = [None] * len(texts)
        for row, vector in zip(translated, vectors[len(texts) :]):
            of_translations[row] = vector
        projected = self._projection.project(vectors[: len(texts)], mixtures)
        return self._projection.mix_translations(projected, of_translations, languages)

    def _choose(self, probabilities: Floats2d) -> list[Label]:
        if self._head.exclusive:
            return [self.labels[best] for best in probabilities.argmax(axis=1)]
        chosen = probabilities >= self._head.thresholds
        return [tuple(label for label, is_chosen in zip(self.labels, row) if is_chosen) for row in chosen]


def _load_translator(component: Component) -> TextTranslator:
    translator = make_registered(component.config["translator"], "xlt_translators", str(component.folder))
    if component.folder.exists():
        translator.load(component.folder)
    settings = component.config
    return TextTranslator(
        component.folder.name, translator, settings["languages"], settings["to"], int(settings["cache_size"])
    )

"""Classifying without Docs: the figures of `nlp.pipe`, and neither spaCy nor Thinc nor torch imported."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Union

import numpy as np

from spacy_xlt.alignment.projection import MAPS_FILE, Projection, mixture
from spacy_xlt.detectors.base import Candidates, decide, read_prior
from spacy_xlt.encoders.base import Floats1d, Floats2d
from spacy_xlt.encoders.cpu import usable_threads
from spacy_xlt.encoders.static_encoder import StaticEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.serving.head import load_head
from spacy_xlt.serving.model_folder import Component, make_registered, read_components
from spacy_xlt.text import has_letters, replace_surrogates

Label = Union[str, tuple[str, ...]]
# Texts that are sorted by length together: enough for batches of like length, few enough to wait for.
WINDOW = 256
# Windows at work: while one is in the encoder, the languages and the word pieces of the next are found.
IN_FLIGHT = 2


class Classification(NamedTuple):
    """labels: the most probable label of each text; of a multilabel model a tuple of those above its threshold.
    probabilities: [texts, classifier.labels]. languages: base codes, `xx` if unknown."""

    labels: list[Label]
    probabilities: Floats2d
    languages: list[str]


class Scored(NamedTuple):
    """A Classification, and of each language its probability; 0 for `xx`."""

    labels: list[Label]
    probabilities: Floats2d
    languages: list[str]
    language_scores: list[float]


class Classified(NamedTuple):
    """The same of one text."""

    label: Label
    probabilities: Floats1d
    language: str


class Classifier:
    """A trained pipeline as a function of texts.

        classifier = spacy_xlt.Classifier.load("model")
        labels, probabilities, languages = classifier(["Where is my parcel?", "Wo ist mein Paket?"])
        for label, probabilities, language in classifier.pipe(endless_stream): ...

    labels: the names of the columns of `probabilities`.
    """

    def __init__(self, components: dict[str, Component]) -> None:
        detector, encoder, projector, head = components.values()
        self._detector = make_registered(detector.config["detector"], "xlt_detectors", str(detector.folder))
        self._prior = read_prior(detector.config.get("languages"), self._detector)
        self._threshold = float(detector.config["threshold"])
        self._min_chars = int(detector.config["min_chars"])
        self._encoder = make_registered(encoder.config["encoder"], "xlt_encoders", str(encoder.folder))
        self._encoder.load(encoder.folder)
        self._projection = Projection(projector.folder.name, projector.config["source"])
        maps = projector.folder / MAPS_FILE
        if not maps.is_file():
            raise XltError(f"{maps} is missing: the model folder is not complete.")
        self._projection.read_maps(maps.read_bytes())
        self._head = load_head(head.folder, head.config)
        self.labels = self._head.labels

    @classmethod
    def load(cls, folder: Union[str, Path]) -> "Classifier":
        """Read a model folder. Raises XltError if it is damaged or has other components than exactly our four."""
        return cls(read_components(Path(folder)))

    def __call__(self, texts: Sequence[str]) -> Classification:
        """Classify texts; the order is kept. A text that comes several times is encoded once in a window."""
        return Classification(*self.scored(texts)[:3])

    def scored(self, texts: Sequence[str]) -> Scored:
        """The same with the probability of each language."""
        if isinstance(texts, str):
            raise XltError("Classifier takes a list of texts, not one text: put it into a list.")
        windows = list(self._windows(iter(texts)))
        if not windows:
            return Scored([], np.zeros((0, len(self.labels)), dtype=np.float32), [], [])
        return Scored(
            [label for window in windows for label in window.labels],
            np.concatenate([window.probabilities for window in windows]),
            [language for window in windows for language in window.languages],
            [score for window in windows for score in window.language_scores],
        )

    def pipe(self, texts: Iterable[str]) -> Iterator[Classified]:
        """Classify a stream, in its order; no more than a few hundred texts are held at a time."""
        for window in self._windows(iter(texts)):
            yield from map(Classified, window.labels, window.probabilities, window.languages)

    def _windows(self, stream: Iterator[str]) -> Iterator[Scored]:
        windows = iter(lambda: list(islice(stream, WINDOW)), [])
        first = next(windows, None)
        if first is None:
            return
        second = next(windows, None)
        # Of the static encoder most is Python, in which two threads are slower than one.
        if second is None or usable_threads() == 1 or isinstance(self._encoder, StaticEncoder):
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

    def _classify(self, window: list[str]) -> Scored:
        place = {text: number for number, text in enumerate(dict.fromkeys(window))}
        texts = [replace_surrogates(text) for text in place]
        candidates = self._detect(texts)
        decided = [decide(each, self._threshold) for each in candidates]
        languages = [decision.language for decision in decided]
        vectors = self._encoder.encode(texts)
        if self._head.attribute == "xlt_projected":
            mixtures = [mixture(language, dict(each)) for language, each in zip(languages, candidates)]
            vectors = self._projection.project(vectors, mixtures)
        probabilities = self._head(vectors)
        labels = self._choose(probabilities)
        order = [place[text] for text in window]
        return Scored(
            [labels[number] for number in order],
            probabilities[order],
            [languages[number] for number in order],
            [decided[number].score for number in order],
        )

    def _detect(self, texts: list[str]) -> list[Candidates]:
        enough = [text if has_letters(text, self._min_chars) else "" for text in texts]
        found: list[Candidates] = self._detector.detect(enough, self._prior)
        return found

    def _choose(self, probabilities: Floats2d) -> list[Label]:
        if self._head.exclusive:
            return [self.labels[best] for best in probabilities.argmax(axis=1)]
        chosen = probabilities >= self._head.thresholds
        return [tuple(label for label, is_chosen in zip(self.labels, row) if is_chosen) for row in chosen]

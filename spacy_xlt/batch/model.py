"""A model folder as a function of texts. It runs `Classifier` if possible, and `nlp.pipe` otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from spacy_xlt.cache import TextCache
from spacy_xlt.errors import first_line
from spacy_xlt.heads.thresholds import labels_above
from spacy_xlt.serving.classifier import Classifier, Text
from spacy_xlt.serving.model_folder import OnlySpacyError

# Decimals of the probabilities that are written. float32 has no more.
DECIMALS = 6


class Prediction(NamedTuple):
    """The prediction for a text.

    `label` of a multilabel model is a list. `score` is the highest probability. `entities` of a model that finds named
    entities are dicts with `start`, `end`, `label`, `score` and `text`.
    """

    language: str
    language_score: float
    label: Any
    score: float
    probabilities: dict[str, float]
    entities: Optional[list[dict[str, Any]]] = None


@dataclass(frozen=True)
class Predictions:
    """For each text a Prediction, or the reason why there is none. `docs` is a DocBin of the texts, or None."""

    of_texts: list[Union[Prediction, str]]
    docs: Optional[bytes] = None


class TextModel:
    """`model(texts)` returns Predictions, which do not depend on earlier calls.

    Args:
        folder: The model folder.
        docs: Also return the Docs, as the bytes of a DocBin.
        gpu_id: The GPU; -1: the CPU.

    Raises:
        XltError: The folder cannot be loaded.
    """

    def __init__(self, folder: Path, *, docs: bool = False, gpu_id: int = -1) -> None:
        self._docs = docs
        self._classifier: Any = None
        self._nlp: Any = None
        if not docs and gpu_id < 0:
            self._classifier = _load_classifier(folder)
        if self._classifier is None:
            from spacy_xlt.models import load_model, use_gpu
            from spacy_xlt.pipeline.classifiers import find_classifier
            from spacy_xlt.pipeline.find import has_pipe
            from spacy_xlt.pipeline.ner import EntityRecognizer

            use_gpu(gpu_id)
            self._nlp = load_model(folder)
            if not has_pipe(self._nlp, EntityRecognizer):
                find_classifier(self._nlp)

    @property
    def kind(self) -> str:
        return "Classifier" if self._classifier is not None else "nlp.pipe"

    def __call__(self, texts: Sequence[Text]) -> Predictions:
        try:
            return self._run(texts)
        except MemoryError:
            raise
        except Exception:
            if len(texts) == 1:
                raise
        return self._one_by_one(texts)

    def _run(self, texts: Sequence[Text]) -> Predictions:
        if not texts:
            return Predictions([], b"" if self._docs else None)
        return self._classify(texts) if self._classifier is not None else self._pipe(texts)

    def _one_by_one(self, texts: Sequence[Text]) -> Predictions:
        """Find the texts that the model fails on. If it fails on all of them, the texts are not the cause."""
        of_texts: list[Union[Prediction, str]] = []
        parts: list[bytes] = []
        last: Optional[Exception] = None
        for text in texts:
            try:
                single = self._run([text])
            except MemoryError:
                raise
            except Exception as error:
                reason = first_line(error)
                of_texts.append(f"the model failed ({type(error).__name__}: {reason})")
                last = error
            else:
                of_texts.extend(single.of_texts)
                parts.append(single.docs or b"")
        if last is not None and not any(isinstance(each, Prediction) for each in of_texts):
            raise last
        return Predictions(of_texts, merge_docbins(parts) if self._docs else None)

    def _classify(self, texts: Sequence[Text]) -> Predictions:
        labels = self._classifier.labels
        found = self._classifier.scored(texts)
        return Predictions(
            [
                Prediction(
                    language,
                    round(language_score, DECIMALS),
                    list(label) if isinstance(label, tuple) else label,
                    max(row, default=0.0),
                    dict(zip(labels, row)),
                )
                for label, row, language, language_score in zip(
                    found.labels, _rounded(found.probabilities), found.languages, found.language_scores
                )
            ]
        )

    def _pipe(self, texts: Sequence[Text]) -> Predictions:
        from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
        from spacy.tokens import DocBin

        from spacy_xlt.data.docbin import make_pair
        from spacy_xlt.pipeline.classifiers import find_classifier, has_classifier
        from spacy_xlt.pipeline.find import has_pipe
        from spacy_xlt.pipeline.ner import EntityRecognizer

        several = has_pipe(self._nlp, MultiLabel_TextCategorizer)
        head: Any = find_classifier(self._nlp) if has_classifier(self._nlp) else None
        finds_entities = has_pipe(self._nlp, EntityRecognizer)
        self._forget()
        docbin = DocBin(store_user_data=True)
        results: list[Union[Prediction, str]] = []
        with self._nlp.memory_zone():
            inputs = (text if isinstance(text, str) else make_pair(self._nlp, *text) for text in texts)
            for doc in self._nlp.pipe(inputs):
                probabilities = {label: round(float(value), DECIMALS) for label, value in doc.cats.items()}
                best = max(probabilities, key=probabilities.__getitem__, default=None)
                label: Any = best
                if several:
                    label = labels_above(doc.cats, head.cfg, head.labels)
                language = doc._.language if doc.has_extension("language") else "xx"
                score = float(doc._.language_score or 0.0) if doc.has_extension("language_score") else 0.0
                highest = probabilities[best] if best is not None else 0.0
                entities = entities_of(doc) if finds_entities else None
                results.append(Prediction(language, round(score, DECIMALS), label, highest, probabilities, entities))
                if self._docs:
                    docbin.add(doc)
            content = docbin.to_bytes() if self._docs else None
        return Predictions(results, content)

    def _forget(self) -> None:
        """Empty the components' caches: a vector from another chunk could differ in its last bit."""
        for _, pipe in self._nlp.pipeline:
            cache = getattr(pipe, "_cache", None)
            if isinstance(cache, TextCache):
                cache.clear()


def entities_of(doc: Any) -> list[dict[str, Any]]:
    """Return the entities of a Doc as JSON types, with their text."""
    return [
        {**each, "score": round(each["score"], DECIMALS), "text": doc.text[each["start"] : each["end"]]}
        for each in doc._.xlt_entities
    ]


def _load_classifier(folder: Path) -> Any:
    """The Classifier; None for a pipeline that only spaCy can run."""
    try:
        return Classifier.load(folder)
    except OnlySpacyError:
        return None


def _rounded(probabilities: Any) -> list[list[float]]:
    rows: list[list[float]] = np.round(np.asarray(probabilities, dtype=np.float64), DECIMALS).tolist()
    return rows


def merge_docbins(parts: Sequence[bytes]) -> bytes:
    """Return one DocBin with the Docs of several, in order."""
    from spacy.tokens import DocBin

    merged = DocBin(store_user_data=True)
    for part in parts:
        if part:
            merged.merge(DocBin(store_user_data=True).from_bytes(part))
    return bytes(merged.to_bytes())

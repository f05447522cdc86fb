"""Few-shot transfer: some labelled texts of target languages refit the head, or tune the encoder with it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Literal, Optional

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from spacy_xlt.data.records import Record
from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.errors import XltError
from spacy_xlt.serving.head import Layer
from spacy_xlt.transfer.guard import Outcome, check_labels, check_languages, guarded
from spacy_xlt.transfer.heads import (
    get_layer,
    gold_matrix,
    head_labels,
    is_exclusive,
    make_features,
    project_new_languages,
    set_layer,
)
from spacy_xlt.transfer.languages import wrong_languages
from spacy_xlt.transfer.output_layer import cross_entropy, fit_output_layer, log_probabilities, zero_layer
from spacy_xlt.transfer.tuning import Lesson, tune

# How much the weights are pulled back: towards those of the source, or with source texts towards zero.
ADAPTING, JOINT = (1.0, 3.0, 10.0, 30.0, 100.0), (0.1, 0.3, 1.0, 3.0)
# How much a target text counts beside a source text.
SHARES = (0.3, 1.0)
FOLDS = 5
# Of fine-tuning from a trained model.
EPOCHS, RATE = 2, 3e-5

Method = Literal["frozen", "finetune"]


def few_shot(
    nlp: Language,
    target: Sequence[Record],
    *,
    source: Sequence[Record] = (),
    dev: Sequence[Record] = (),
    weights: Optional[Mapping[str, float]] = None,
    strength: Optional[float] = None,
    method: Method = "frozen",
    seed: int = 0,
    quiet: bool = True,
) -> Outcome:
    """Refit the output layer of the head on labelled texts of one or more target languages, in place.

    With `source`, the labelled texts that the model was trained on, on both together; without, on the target texts
    alone, pulled towards the source's weights (theta_s -> theta_t). How strongly, and how much a target text counts,
    is chosen by cross-validation on the target texts. A language new to the projector is fitted on the texts first.

    The target texts are taken as chosen by label, so many a label: in each language a label counts as much as its share
    among the texts of `source` says, or of `dev` if there are none. With the method `finetune` the encoder learns, too,
    from where it is (minutes): on source and target texts mixed.

    dev: see `guarded`. weights: {language: how much each of its texts counts}, besides what is chosen; 1 else.
    strength: given instead of chosen; only for `frozen`. seed: of the folds, and of a training's order and dropout.
    Raises XltError for labels that the model does not know, a language with no text of a label, one text with
    different labels, and texts without a language.
    """
    labels, exclusive = head_labels(nlp), is_exclusive(nlp)
    target = check_target(target, labels, exclusive)
    check_labels(source, labels, exclusive)
    notes = wrong_languages(nlp, target)

    def change() -> dict[str, Any]:
        texts: dict[str, list[str]] = {}
        for record in target:
            texts.setdefault(record.language, []).append(record.text)
        project_new_languages(nlp, texts, quiet=quiet)
        settings = {"method": method, "joint": bool(source), "seed": seed, "languages": sorted(texts)}
        importance = label_weights(target, source or dev, labels)
        importance *= [(weights or {}).get(record.language, 1.0) for record in target]
        if method == "finetune":
            lessons = make_lessons(source, labels) + make_lessons(target, labels, importance)
            tune(nlp, lessons, epochs=EPOCHS, rate=RATE, seed=seed, quiet=quiet)
            return {**settings, "epochs": EPOCHS, "rate": RATE}
        problem = _Problem(
            make_features(nlp, target),
            gold_matrix(target, labels),
            importance,
            make_features(nlp, source) if source else np.zeros((0, get_layer(nlp).weight.shape[1]), dtype=np.float32),
            gold_matrix(source, labels).reshape(len(source), len(labels)),
            zero_layer(*get_layer(nlp).weight.shape) if source else get_layer(nlp),
            exclusive,
        )
        strengths = [strength] if strength is not None else list(JOINT if source else ADAPTING)
        candidates = list(product(strengths, SHARES if source else [1.0]))
        best = candidates[0]
        if len(candidates) > 1:
            losses = cross_validate(problem, candidates, make_folds(target, seed))
            best = min(zip(losses, candidates))[1]
        set_layer(nlp, problem.fit(*best))
        return {**settings, "strength": best[0], "target_weight": best[1]}

    return guarded(nlp, "few-shot", change, dev=dev, data={"target": target, "source": source, "dev": dev}, notes=notes)


def make_lessons(
    records: Sequence[Record], labels: Sequence[str], importance: Optional[NDArray[np.float64]] = None
) -> list[Lesson]:
    """Labelled texts to tune an encoder on. importance: [n]; None: all 1."""
    gold = gold_matrix(records, labels).astype(np.float32)
    weights = np.ones(len(records)) if importance is None else importance
    return [
        Lesson(record.text, record.language, target, importance=float(weight))
        for record, target, weight in zip(records, gold, weights)
    ]


def label_weights(target: Sequence[Record], reference: Sequence[Record], labels: Sequence[str]) -> NDArray[np.float64]:
    """Weights [n] with mean 1 in each language, that give each label its share among the reference's texts.

    Sixteen texts a label say nothing about how frequent it is: learned as they are, they favour rare labels. Where
    texts have several labels, or there is no reference, all weights are 1.
    """
    weights = np.ones(len(target))
    if not reference or any(len(record.labels) != 1 for record in [*target, *reference]):
        return weights
    prior = gold_matrix(reference, labels).sum(axis=0) + 1.0
    for language in sorted({record.language for record in target}):
        rows = [row for row, record in enumerate(target) if record.language == language]
        found = gold_matrix([target[row] for row in rows], labels)
        weights[rows] = found @ (prior / np.maximum(found.sum(axis=0), 1.0))
        weights[rows] /= weights[rows].mean()
    return weights


class _Problem:
    """The texts as arrays: features [n, d], gold [n, labels], weights [n] of the target; the same of the source."""

    def __init__(
        self,
        features: Floats2d,
        gold: NDArray[np.float64],
        weights: NDArray[np.float64],
        source_features: Floats2d,
        source_gold: NDArray[np.float64],
        towards: Layer,
        exclusive: bool,
    ) -> None:
        self.features, self.gold, self.weights = features, gold, weights
        self.source_features, self.source_gold = source_features, source_gold
        self.towards, self.exclusive = towards, exclusive

    def fit(self, strength: float, share: float, rows: Optional[NDArray[np.int64]] = None) -> Layer:
        """The layer from the source texts and those rows of the target; None: all."""
        rows = np.arange(len(self.features)) if rows is None else rows
        return fit_output_layer(
            np.concatenate([self.source_features, self.features[rows]]),
            np.concatenate([self.source_gold, self.gold[rows]]),
            towards=self.towards,
            strength=strength,
            importance=np.concatenate([np.ones(len(self.source_features)), share * self.weights[rows]]),
            exclusive=self.exclusive,
        )

    def loss(self, layer: Layer, rows: NDArray[np.int64]) -> float:
        scores = layer(self.features[rows]).astype(np.float64)
        losses = cross_entropy(self.gold[rows], log_probabilities(scores, self.exclusive)[0])
        return float((self.weights[rows] * losses).sum())


def cross_validate(
    problem: _Problem, candidates: Sequence[tuple[float, float]], folds: NDArray[np.int64]
) -> list[float]:
    """The loss of each candidate (strength, share) on the target texts, each left out when its fold's turn comes."""
    return [
        sum(
            problem.loss(problem.fit(*candidate, np.flatnonzero(folds != fold)), np.flatnonzero(folds == fold))
            for fold in sorted(set(folds.tolist()))
        )
        for candidate in candidates
    ]


def make_folds(records: Sequence[Record], seed: int) -> NDArray[np.int64]:
    """The fold of each text [n]; those of one language and label are spread over all folds."""
    order = np.random.default_rng(seed).permutation(len(records))
    seen: Counter[tuple[str, tuple[str, ...]]] = Counter()
    folds = np.zeros(len(records), dtype=np.int64)
    for row in order:
        key = (records[row].language, records[row].labels)
        # Where each label has one text, the labels, too, have to be spread.
        folds[row] = (seen[key] + sum(map(ord, "".join(key[1])))) % FOLDS
        seen[key] += 1
    return folds


def check_target(records: Sequence[Record], labels: Sequence[str], exclusive: bool) -> list[Record]:
    """The labelled texts without copies. Raises XltError as `few_shot` says."""
    if not records:
        raise XltError("There is no labelled text of a target language: give some with --texts.")
    check_languages(records)
    check_labels(records, labels, exclusive)
    first: dict[tuple[str, str], Record] = {}
    for record in records:
        known = first.setdefault((record.language, record.text.strip()), record)
        if set(known.labels) != set(record.labels):
            raise XltError(
                f"{record.place}: the same text as in {known.place} with another label "
                f"('{', '.join(record.labels)}', there '{', '.join(known.labels)}'): correct one of them."
            )
    kept = list(first.values())
    for language in sorted({record.language for record in kept}):
        there = {label for record in kept if record.language == language for label in record.labels}
        for label in labels:
            if label not in there:
                raise XltError(
                    f"There is no text of '{label}' among those of language '{language}': give at least one a label."
                )
    return kept

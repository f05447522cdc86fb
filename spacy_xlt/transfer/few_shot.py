"""Few-shot transfer: some labelled texts of target languages refit the head, or tune the encoder with it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal, Optional

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from spacy_xlt.data.dataset import Data, load_dataset
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.errors import XltError
from spacy_xlt.heads.fitting import one_standard_error_rule
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.output_layer import fit_output_layer, zero_layer
from spacy_xlt.heads.temperature import tempered_losses
from spacy_xlt.languages import as_base_code, by_base_code
from spacy_xlt.training.examples import gold_matrix, make_examples
from spacy_xlt.training.model_state import (
    average_weights,
    get_layer,
    head_labels,
    interpolate_with,
    is_exclusive,
    make_features,
    project_new_languages,
    restore,
    set_layer,
    take_snapshot,
)
from spacy_xlt.training.settings import TrainingSettings
from spacy_xlt.training.trainer import finetune
from spacy_xlt.transfer.acceptance import Result, accept_if_not_worse, check_labels, check_languages
from spacy_xlt.transfer.language_check import wrong_languages

# How much the weights are pulled back, the most cautious first: towards those of the source ...
ADAPTING = (100.0, 30.0, 10.0, 3.0, 1.0)
# ... or, learned anew with the source's texts, towards zero.
JOINT = (3.0, 1.0, 0.3, 0.1)
# How much a target text counts beside a source text.
SHARES = (0.3, 1.0)
FOLDS = 5
# Of fine-tuning, and the share of the old weights that is kept. Chosen on SIB-200's dev and 200 sentences set aside of
# train, 16 labels a class of 6 languages: from a fine-tuned model .822, tuned .827, with half of the old weights .832.
# A quarter of the old ones is not surely better: .8564 for .8545 on dev and sentences set aside, 13 languages, two
# models (.8465 before); twice the rate gives .8564, training the upper six layers alone .851.
SETTINGS, KEEP = TrainingSettings(epochs=4, learning_rate=5e-5), 0.5
# Trainings that differ in order and dropout, whose mean counts. On SIB-200, 16 labels a class of 13 languages, the
# spread of the mean over seeds falls from .005 to .001; dev rises from .824 to .838 on one machine, by .001 on another.
RUNS = 3
# So many texts of the source, or as many as of the targets, are learned again with them. On dev, 64 German tweets a
# class beside film reviews: .745 before, .804 with 128 of these, .814 with 1,000; elsewhere .750, .782 with all 6,920.
SOURCE_TEXTS = 1000

Method = Literal["frozen", "finetune"]


def few_shot(
    nlp: Language,
    target: Data,
    *,
    source: Data = (),
    dev: Data = (),
    weights: Optional[Mapping[str, float]] = None,
    strength: Optional[float] = None,
    method: Method = "frozen",
    seed: int = 0,
    progress: bool = True,
) -> Result:
    """Refit the output layer of the head on labelled texts of one or more target languages, in place.

    Either from the target texts, pulled towards the source's weights (theta_s -> theta_t), or, with `source`, the
    labelled texts that the model was trained on, anew from both together. Which, how strongly, and how much a target
    text counts is chosen on the texts of `dev`, or, where none of them is of a target language, by cross-validation on
    the target texts: the most cautious candidate that is no worse than the best by more than a standard error, which
    may be to leave the weights as they are. Give dev texts where the target texts are translations of each other or of
    the source's: cross-validation takes it for skill that a translation is known by heart. A language new to the
    projector is fitted on the texts first.

    The target texts are taken as chosen by label, so many a label: in each language a label counts as much as its share
    among the texts of `source` says, or of `dev` if there are none. With the method `finetune` the encoder learns, too,
    from where it is (minutes): on source and target texts mixed, `RUNS` times; the mean of the old weights and of the
    mean of the new ones stands. Of a larger source, `SOURCE_TEXTS` are drawn.

    target, source, dev: labelled records, or the files that hold them: a path, a folder, a pattern, or a list of them.
    dev: see `accept_if_not_worse`.
    weights: {language: how much each of its texts counts}, besides what is chosen; 1 else.
    strength: given instead of chosen (with `source`: of learning anew); only for `frozen`.
    seed: of the folds, and of a training's order and dropout.
    Raises XltError for labels that the model does not know, a language with no text of a label, one text with
    different labels, and texts without a language.
    """
    target, source, dev = load_dataset(target).records, load_dataset(source).records, load_dataset(dev).records
    weights = by_base_code(weights or {}, as_base_code)
    labels, exclusive = head_labels(nlp), is_exclusive(nlp)
    target = check_target(target, labels, exclusive)
    check_labels(source, labels, exclusive)
    notes = wrong_languages(nlp, target)

    def change() -> dict[str, Any]:
        texts: dict[str, list[str]] = {}
        for record in target:
            texts.setdefault(record.language, []).append(record.text)
        project_new_languages(nlp, texts, progress=progress)
        settings = {"method": method, "seed": seed, "languages": sorted(texts)}
        importance = label_weights(target, source or dev, labels)
        importance *= [weights.get(record.language, 1.0) for record in target]
        if method == "finetune":
            again = draw(source, max(SOURCE_TEXTS, len(target)), seed)
            examples = make_examples(again, labels) + make_examples(target, labels, importance)
            start = take_snapshot(nlp)
            tuned = []
            for number in range(RUNS):
                restore(nlp, start)
                its_seed = RUNS * seed + number
                finetune(nlp, examples, replace(SETTINGS, seed=its_seed), progress=progress)
                tuned.append(take_snapshot(nlp))
            average_weights(nlp, tuned)
            interpolate_with(nlp, start, KEEP)
            return {
                **settings,
                "joint": bool(source),
                "epochs": SETTINGS.epochs,
                "learning_rate": SETTINGS.learning_rate,
                "keep": KEEP,
                "runs": RUNS,
            }
        problem = _Problem(
            make_features(nlp, target),
            gold_matrix(target, labels),
            importance,
            make_features(nlp, source) if source else np.zeros((0, get_layer(nlp).weight.shape[1]), dtype=np.float32),
            gold_matrix(source, labels).reshape(len(source), len(labels)),
            get_layer(nlp),
            exclusive,
        )
        if strength is not None:
            chosen: Optional[_Candidate] = _Candidate(strength, joint=bool(source))
        else:
            chosen = choose(problem, _unseen(nlp, problem, target, dev, labels, seed))
        if chosen is None:
            notes.append("The head stays as it is: none fits target texts that it has not seen surely better.")
            return {**settings, "strength": None}
        set_layer(nlp, problem.fit(chosen))
        return {**settings, "joint": chosen.joint, "strength": chosen.strength, "target_weight": chosen.share}

    data = {"target": target, "source": source, "dev": dev}
    return accept_if_not_worse(nlp, "few-shot", change, dev=dev, data=data, notes=notes, halve=method == "finetune")


def draw(records: Sequence[Record], size: int, seed: int) -> Sequence[Record]:
    """So many of the records at random, in their order; all of them where there are no more."""
    if len(records) <= size:
        return records
    return [records[row] for row in np.sort(np.random.default_rng(seed).permutation(len(records))[:size])]


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


@dataclass(frozen=True)
class _Candidate:
    """joint: learned anew with the source's texts, beside which a target text counts `share`. strength: of the pull."""

    strength: float
    joint: bool = False
    share: float = 1.0


@dataclass(frozen=True)
class _Problem:
    """The texts as arrays: features [n, d], gold [n, labels], weights [n] of the target; of the source; its layer."""

    features: Floats2d
    gold: NDArray[np.float64]
    weights: NDArray[np.float64]
    source_features: Floats2d
    source_gold: NDArray[np.float64]
    layer: Layer
    exclusive: bool

    def fit(self, candidate: _Candidate, rows: Optional[NDArray[np.int64]] = None) -> Layer:
        """The layer from those rows of the target, None: all, and from the source's texts if it is learned anew."""
        rows = np.arange(len(self.features)) if rows is None else rows
        features, gold, weights = self.features[rows], self.gold[rows], candidate.share * self.weights[rows]
        if candidate.joint:
            features = np.concatenate([self.source_features, features])
            gold = np.concatenate([self.source_gold, gold])
            weights = np.concatenate([np.ones(len(self.source_features)), weights])
        return fit_output_layer(
            features,
            gold,
            towards=zero_layer(*self.layer.weight.shape) if candidate.joint else self.layer,
            strength=candidate.strength,
            importance=weights,
            exclusive=self.exclusive,
        )


@dataclass(frozen=True)
class _Unseen:
    """Texts to compare candidates on. scores: of a candidate, None for the layer as it is, [n, labels]; gold [n,
    labels]; weights [n]."""

    scores: Callable[[Optional[_Candidate]], NDArray[np.float64]]
    gold: NDArray[np.float64]
    weights: NDArray[np.float64]


def _unseen(
    nlp: Language, problem: _Problem, target: Sequence[Record], dev: Sequence[Record], labels: Sequence[str], seed: int
) -> _Unseen:
    """The dev texts, every language alike, if there are some of a target language; else the target texts themselves."""
    if not {record.language for record in target} & {record.language for record in dev}:
        return cross_validation(problem, make_folds(target, seed))
    features = make_features(nlp, dev)
    counts = Counter(record.language for record in dev)

    def scores(candidate: Optional[_Candidate]) -> NDArray[np.float64]:
        layer = problem.layer if candidate is None else problem.fit(candidate)
        return layer(features).astype(np.float64)

    return _Unseen(scores, gold_matrix(dev, labels), np.array([1.0 / counts[record.language] for record in dev]))


def cross_validation(problem: _Problem, folds: NDArray[np.int64]) -> _Unseen:
    """The target texts, each left out of the fit when its fold's turn comes."""

    def scores(candidate: Optional[_Candidate]) -> NDArray[np.float64]:
        if candidate is None:
            return problem.layer(problem.features).astype(np.float64)
        found = np.zeros(problem.gold.shape)
        for fold in sorted(set(folds.tolist())):
            inside = folds == fold
            found[inside] = problem.fit(candidate, np.flatnonzero(~inside))(problem.features[inside])
        return found

    return _Unseen(scores, problem.gold, problem.weights)


def choose(problem: _Problem, unseen: _Unseen) -> Optional[_Candidate]:
    """The most cautious candidate whose loss on unseen texts is hardly above the best one's; None: the layer as it is.

    Losses are compared at the best temperature of each.
    """
    candidates: list[Optional[_Candidate]] = [None, *(_Candidate(strength) for strength in ADAPTING)]
    if len(problem.source_features):
        candidates += [_Candidate(strength, joint=True, share=share) for share, strength in product(SHARES, JOINT)]
    losses = [
        tempered_losses(unseen.scores(each), unseen.gold, importance=unseen.weights, exclusive=problem.exclusive)
        for each in candidates
    ]
    return candidates[one_standard_error_rule(np.array(losses))]


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
                f"{record.location}: the same text as in {known.location} with another label "
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

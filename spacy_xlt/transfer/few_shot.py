"""Few-shot transfer: learn from a few labeled texts of target languages."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, Reading, load_dataset, without_language
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.errors import XltError
from spacy_xlt.heads.fitting import one_standard_error_rule
from spacy_xlt.heads.layer import Layer
from spacy_xlt.heads.output_layer import fit_output_layer, zero_layer
from spacy_xlt.heads.temperature import tempered_losses
from spacy_xlt.result import Result
from spacy_xlt.training.examples import check_labels, gold_matrix, make_examples
from spacy_xlt.training.folds import make_folds
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
from spacy_xlt.training.train import Method, check_method
from spacy_xlt.training.trainer import finetune
from spacy_xlt.transfer.acceptance import accept_if_not_worse, check_languages
from spacy_xlt.transfer.in_place import in_place
from spacy_xlt.transfer.language_check import wrong_languages

# L2 penalties, the strongest first: of adapting the source's weights, and of training on source and target texts.
ADAPTATION_L2 = (100.0, 30.0, 10.0, 3.0, 1.0)
JOINT_L2 = (3.0, 1.0, 0.3, 0.1)
# Weights of a target text, if source texts have the weight 1.
TARGET_WEIGHTS = (0.3, 1.0)
# Fine-tuning: the weight of the old weights in the interpolation, the number of runs that are averaged, and the number
# of source texts. Measured in docs/measured-settings.md.
OLD_WEIGHT, RUNS, SOURCE_TEXTS = 0.5, 3, 1000


@in_place
def few_shot(
    nlp: Language,
    data: Data,
    *,
    source: Data = (),
    dev: Data = (),
    method: Method = "frozen",
    l2: Optional[float] = None,
    epochs: float = 4,
    batch_size: int = 16,
    learning_rate: float = 5e-5,
    max_length: int = 128,
    freeze_layers: int = 0,
    seed: int = 0,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> Result:
    """Train on a few labeled texts of one or more target languages, in place.

    The method `frozen` fits the output layer. There are two kinds of candidates: the source's weights adapted to the
    target texts (L2-SP), and, if `source` is given, a new layer trained on source and target texts. The candidate is
    chosen by its loss on the development data of the target languages, or by cross-validation on the target texts if
    there are none: the most regularized candidate within one standard error of the best one. This may be the old layer.
    Give development data if the target texts are translations of each other or of the source texts: cross-validation
    would overestimate the accuracy.

    The method `finetune` trains the encoder as well, three times on source and target texts. The three results are
    averaged (model soup), and the average is interpolated with the old weights (WiSE-FT).

    Each label counts as much as its frequency in `source`, or in `dev` without `source`, whatever its number of target
    texts. A language that is new to the projector is projected first.

    Args:
        nlp: A pipeline, or a model folder, which is written again.
        data: Labeled texts of the target languages, at least one of each label in each language.
        source: The labeled texts that the model was trained on. Fine-tuning draws at most `SOURCE_TEXTS` of them, or as
            many as there are target texts.
        dev: Labeled development data of the source and, better, of the target languages. If the new model is worse on
            it, the old model is kept: see `accept_if_not_worse`.
        method: `frozen` (seconds) or `finetune` (minutes).
        l2: The penalty of the method `frozen`; None: it is chosen. With `source`, that of the new layer.
        epochs: How often fine-tuning reads each text.
        batch_size: Texts per step of fine-tuning.
        learning_rate: The highest learning rate of the encoder.
        max_length: The number of word pieces of a text that fine-tuning reads.
        freeze_layers: The number of lower layers that fine-tuning does not change.
        seed: Of the folds and of the order of the texts.
        progress: Show a progress bar on a terminal or in a notebook.
        reading: Options of `load_dataset`, such as `text` and `label`, the names of the fields.

    Returns:
        The result. It is also in `nlp.meta["xlt_transfer"]`.

    Raises:
        XltError: A label is not one of the model's, a language has no text of a label, a text occurs with different
            labels, or a text has no language.

    Example:
        >>> result = few_shot(nlp, "few.jsonl", dev="dev.jsonl")  # doctest: +SKIP
        >>> result.accepted  # doctest: +SKIP
        True

    References:
        Li, Grandvalet & Davoine (2018), "Explicit inductive bias for transfer learning", equation 2 (L2-SP). Breiman et
        al. (1984), "Classification and regression trees", section 3.4.3 (the one-standard-error rule). Wortsman et al.
        (2022), "Model soups", section 2. Wortsman et al. (2022), "Robust fine-tuning of zero-shot models", equation 1.
    """
    check_method(method)
    # Epochs are not averaged, because the runs are.
    tuning = TrainingSettings(epochs, batch_size, learning_rate, max_length, freeze_layers, average_epochs=1)
    source, dev = (
        load_dataset(source, **without_language(reading)).records,
        load_dataset(dev, **without_language(reading)).records,
    )
    labels, exclusive = head_labels(nlp), is_exclusive(nlp)
    target = check_target(load_dataset(data, **reading).records, labels, exclusive)
    check_labels(source, labels, exclusive)
    notes = wrong_languages(nlp, target)

    def change() -> dict[str, Any]:
        texts: dict[str, list[str]] = {}
        for record in target:
            texts.setdefault(record.language, []).append(record.text)
        project_new_languages(nlp, texts, progress=progress)
        settings = {"method": method, "seed": seed, "languages": sorted(texts)}
        weights = label_weights(target, source or dev, labels)
        if method == "finetune":
            drawn = draw(source, max(SOURCE_TEXTS, len(target)), seed)
            examples = make_examples(drawn, labels) + make_examples(target, labels, weights)
            start = take_snapshot(nlp)
            tuned = []
            for run in range(RUNS):
                restore(nlp, start)
                finetune(nlp, examples, replace(tuning, seed=RUNS * seed + run), progress=progress)
                tuned.append(take_snapshot(nlp))
            average_weights(nlp, tuned)
            interpolate_with(nlp, start, OLD_WEIGHT)
            return {**tuning.to_dict(), **settings, "joint": bool(source), "old_weight": OLD_WEIGHT, "runs": RUNS}
        task = Task(
            make_features(nlp, target),
            gold_matrix(target, labels),
            weights,
            make_features(nlp, source) if source else np.zeros((0, get_layer(nlp).weight.shape[1]), dtype=np.float32),
            gold_matrix(source, labels),
            get_layer(nlp),
            exclusive,
        )
        if l2 is not None:
            chosen: Optional[Candidate] = Candidate(l2, joint=bool(source))
        else:
            chosen = choose(task, _validation(nlp, task, target, dev, labels, seed))
        if chosen is None:
            notes.append("The head did not change: no candidate is significantly better on unseen texts.")
            return {**settings, "l2": None}
        set_layer(nlp, task.fit(chosen))
        return {**settings, "joint": chosen.joint, "l2": chosen.l2, "target_weight": chosen.target_weight}

    used = {"target": target, "source": source, "dev": dev}
    return accept_if_not_worse(nlp, "few-shot", change, dev=dev, data=used, notes=notes, halve=method == "finetune")


def draw(records: Sequence[Record], size: int, seed: int) -> Sequence[Record]:
    """Return `size` random records in their order, or all of them if there are no more."""
    if len(records) <= size:
        return records
    return [records[row] for row in np.sort(np.random.default_rng(seed).permutation(len(records))[:size])]


def label_weights(target: Sequence[Record], reference: Sequence[Record], labels: Sequence[str]) -> NDArray[np.float64]:
    """Return sample weights that give each label in each language its frequency in other data.

    Target texts are mostly selected by label, for example 16 per label, so their label frequencies mean nothing. Used
    as they are, they would favor rare labels.

    Args:
        target: Labeled target texts.
        reference: Labeled texts with the usual label frequencies.
        labels: All labels.

    Returns:
        The weights [n], with mean 1 in each language. All are 1 if texts have several labels or there is no reference.
    """
    weights = np.ones(len(target))
    if not reference or any(len(record.labels) != 1 for record in [*target, *reference]):
        return weights
    prior = gold_matrix(reference, labels).sum(axis=0) + 1.0
    for language in sorted({record.language for record in target}):
        rows = [row for row, record in enumerate(target) if record.language == language]
        gold = gold_matrix([target[row] for row in rows], labels)
        weights[rows] = gold @ (prior / np.maximum(gold.sum(axis=0), 1.0))
        weights[rows] /= weights[rows].mean()
    return weights


@dataclass(frozen=True)
class Candidate:
    """How the output layer can be fitted.

    Attributes:
        l2: The penalty.
        joint: Train a new layer on source and target texts; if false, adapt the old layer to the target texts.
        target_weight: The weight of a target text; source texts have the weight 1.
    """

    l2: float
    joint: bool = False
    target_weight: float = 1.0


@dataclass(frozen=True)
class Task:
    """Source and target texts as arrays.

    Attributes:
        features: Of the target texts, [n, d].
        gold: Of the target texts, [n, labels].
        weights: Of the target texts, [n].
        source_features: [m, d].
        source_gold: [m, labels].
        layer: The old output layer.
        exclusive: Whether each text has exactly one label.
    """

    features: Floats2d
    gold: NDArray[np.float64]
    weights: NDArray[np.float64]
    source_features: Floats2d
    source_gold: NDArray[np.float64]
    layer: Layer
    exclusive: bool

    def fit(self, candidate: Candidate, rows: Optional[NDArray[np.int64]] = None) -> Layer:
        """Fit a candidate on some of the target texts; None: on all."""
        rows = np.arange(len(self.features)) if rows is None else rows
        features, gold, weights = self.features[rows], self.gold[rows], candidate.target_weight * self.weights[rows]
        if candidate.joint:
            features = np.concatenate([self.source_features, features])
            gold = np.concatenate([self.source_gold, gold])
            weights = np.concatenate([np.ones(len(self.source_features)), weights])
        return fit_output_layer(
            features,
            gold,
            prior=zero_layer(*self.layer.weight.shape) if candidate.joint else self.layer,
            l2=candidate.l2,
            sample_weight=weights,
            exclusive=self.exclusive,
        )


@dataclass(frozen=True)
class Validation:
    """Texts on which candidates are compared.

    Attributes:
        scores: Returns the scores [n, labels] of a candidate; of the old layer for None.
        gold: [n, labels].
        weights: [n].
    """

    scores: Callable[[Optional[Candidate]], NDArray[np.float64]]
    gold: NDArray[np.float64]
    weights: NDArray[np.float64]


def _validation(
    nlp: Language, task: Task, target: Sequence[Record], dev: Sequence[Record], labels: Sequence[str], seed: int
) -> Validation:
    """Use the development data if it has a target language, each language with the same weight; else the folds."""
    if not {record.language for record in target} & {record.language for record in dev}:
        return cross_validation(task, make_folds(target, seed))
    features = make_features(nlp, dev)
    counts = Counter(record.language for record in dev)

    def scores(candidate: Optional[Candidate]) -> NDArray[np.float64]:
        layer = task.layer if candidate is None else task.fit(candidate)
        return layer(features).astype(np.float64)

    return Validation(scores, gold_matrix(dev, labels), np.array([1.0 / counts[record.language] for record in dev]))


def cross_validation(task: Task, folds: Sequence[NDArray[np.int64]]) -> Validation:
    """Score each target text with a layer that was fitted without the text's fold.

    Args:
        task: The texts.
        folds: The rows of each fold.
    """

    def scores(candidate: Optional[Candidate]) -> NDArray[np.float64]:
        if candidate is None:
            return task.layer(task.features).astype(np.float64)
        found = np.zeros(task.gold.shape)
        for fold in folds:
            others = np.setdiff1d(np.arange(len(found)), fold)
            found[fold] = task.fit(candidate, others)(task.features[fold])
        return found

    return Validation(scores, task.gold, task.weights)


def choose(task: Task, validation: Validation) -> Optional[Candidate]:
    """Return the most regularized candidate within one standard error of the best one; None for the old layer.

    The losses of each candidate are computed at its best temperature.
    """
    candidates: list[Optional[Candidate]] = [None, *(Candidate(l2) for l2 in ADAPTATION_L2)]
    if len(task.source_features):
        candidates += [Candidate(l2, joint=True, target_weight=w) for w, l2 in product(TARGET_WEIGHTS, JOINT_L2)]
    losses = [
        tempered_losses(
            validation.scores(each), validation.gold, importance=validation.weights, exclusive=task.exclusive
        )
        for each in candidates
    ]
    return candidates[one_standard_error_rule(np.array(losses))]


def check_target(records: Sequence[Record], labels: Sequence[str], exclusive: bool) -> list[Record]:
    """Return the labeled target texts without duplicates.

    Raises:
        XltError: See `few_shot`.
    """
    if not records:
        raise XltError("There is no labeled text of a target language. Give at least one of each label.")
    check_languages(records)
    check_labels(records, labels, exclusive)
    first: dict[tuple[str, str], Record] = {}
    for record in records:
        known = first.setdefault((record.language, record.text.strip()), record)
        if set(known.labels) != set(record.labels):
            raise XltError(
                f"{record.location}: the text has the label '{', '.join(record.labels)}', but the same text in "
                f"{known.location} has '{', '.join(known.labels)}'. Correct one of them."
            )
    unique = list(first.values())
    for language in sorted({record.language for record in unique}):
        there = {label for record in unique if record.language == language for label in record.labels}
        for label in labels:
            if label not in there:
                raise XltError(
                    f"There is no text of the label '{label}' in the language '{language}'. Give at least one."
                )
    return unique

"""Scorers for the log of `spacy train`, for `spacy evaluate`, and for meta.json."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example

from spacy_xlt.evaluation.metrics import accuracy, macro_f1
from spacy_xlt.extensions import language_of, set_extensions
from spacy_xlt.heads.losses import Floats
from spacy_xlt.heads.thresholds import DEFAULT, read_thresholds
from spacy_xlt.languages import UNKNOWN

ScorerT = Callable[..., dict[str, Any]]


def make_textcat_scorer() -> ScorerT:
    """Make `spacy-xlt.textcat_scorer.v1`: spaCy's `cats_*` scores, and `cats_by_language` for each gold language."""
    return score_textcat


def make_textcat_multilabel_scorer() -> ScorerT:
    """Make `spacy-xlt.textcat_multilabel_scorer.v1`: the same scores for any number of labels per Doc."""
    return score_textcat_multilabel


def make_langdetect_scorer() -> ScorerT:
    """Make `spacy-xlt.langdetect_scorer.v1`: `language_accuracy` of the Docs whose reference names a language."""
    return score_language


def score_textcat(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score exactly one label per Doc."""
    return _score_cats(list(examples), multi_label=False, **kwargs)


def score_textcat_multilabel(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score any number of labels per Doc."""
    return _score_cats(list(examples), multi_label=True, **kwargs)


def _score_cats(examples: list[Example], *, multi_label: bool, **kwargs: Any) -> dict[str, Any]:
    known = list(kwargs.get("labels") or [])
    # Gold labels that the model does not know get their own columns, in which the model is always wrong.
    labels = list(dict.fromkeys([*known, *_gold_labels(examples)]))
    thresholds = read_thresholds(kwargs, labels)
    if multi_label and kwargs.get("threshold") is None:
        # spaCy's scorer supports only one threshold for all labels.
        kwargs = {**kwargs, "threshold": DEFAULT, "getter": partial(_relative_cats, dict(zip(labels, thresholds)))}
    scores = Scorer.score_cats(examples, "cats", multi_label=multi_label, **kwargs)
    groups: dict[str, list[Example]] = {}
    for example in examples:
        # Multilabel, a text is also annotated if all its labels are 0.
        if example.reference.cats if multi_label else _gold_labels([example]):
            groups.setdefault(language_of(example.reference), []).append(example)
    scores["cats_by_language"] = {
        language: _score_language_group(group, labels, multi_label, thresholds)
        for language, group in sorted(groups.items())
    }
    return scores


def _gold_labels(examples: list[Example]) -> list[str]:
    return sorted({label for example in examples for label, value in example.reference.cats.items() if value > 0})


def _score_language_group(
    examples: list[Example], labels: list[str], multi_label: bool, thresholds: Floats
) -> dict[str, Any]:
    gold = np.array([[example.reference.cats.get(label, 0.0) for label in labels] for example in examples])
    # A label that the model does not know must be below every threshold, even 0.
    predicted = np.array([[example.predicted.cats.get(label, -1.0) for label in labels] for example in examples])
    if multi_label:
        gold, predicted = gold >= 0.5, predicted >= thresholds
    else:
        gold, predicted = gold.argmax(axis=1), predicted.argmax(axis=1)
    return {
        "n": len(examples),
        "accuracy": float(accuracy(gold, predicted)),
        "macro_f1": float(macro_f1(gold, predicted)),
    }


def _relative_cats(thresholds: Mapping[str, float], doc: Doc, attr: str) -> dict[str, float]:
    """Rescale `doc.cats` so that every threshold becomes 0.5. The order of the scores of a label does not change."""
    return {label: _relative(score, thresholds.get(label, DEFAULT)) for label, score in getattr(doc, attr).items()}


def _relative(score: float, threshold: float) -> float:
    if score < threshold:
        return 0.5 * score / threshold
    return 0.5 + 0.5 * (score - threshold) / (1.0 - threshold) if threshold < 1.0 else 1.0


def score_language(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score the detected languages. The score is None if no reference names a language."""
    named = [example for example in examples if language_of(example.reference) != UNKNOWN]
    if not named:
        return {"language_accuracy": None}
    right = sum(language_of(example.predicted) == language_of(example.reference) for example in named)
    return {"language_accuracy": right / len(named)}


set_extensions("language")

"""Scorers for spaCy's training log, `spacy evaluate` and meta.json."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from spacy.scorer import Scorer
from spacy.training import Example

from spacy_xlt.extensions import language_of, set_extensions
from spacy_xlt.languages import UNKNOWN

ScorerT = Callable[..., dict[str, Any]]


def make_textcat_scorer() -> ScorerT:
    """`spacy-xlt.textcat_scorer.v1`: spaCy's `cats_*` scores, and `cats_by_language` over the gold languages."""
    return score_textcat


def make_textcat_multilabel_scorer() -> ScorerT:
    """`spacy-xlt.textcat_multilabel_scorer.v1`: the same for any number of labels a Doc."""
    return score_textcat_multilabel


def make_langdetect_scorer() -> ScorerT:
    """`spacy-xlt.langdetect_scorer.v1`: `language_accuracy` over the Docs whose reference names a language."""
    return score_language


def score_textcat(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    return _score_cats(list(examples), multi_label=False, **kwargs)


def score_textcat_multilabel(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    return _score_cats(list(examples), multi_label=True, **kwargs)


def _score_cats(examples: list[Example], *, multi_label: bool, **kwargs: Any) -> dict[str, Any]:
    scores = Scorer.score_cats(examples, "cats", multi_label=multi_label, **kwargs)
    # Gold labels that the model does not know get columns of their own: there it is always wrong.
    labels = list(dict.fromkeys([*(kwargs.get("labels") or []), *_gold_labels(examples)]))
    groups: dict[str, list[Example]] = {}
    for example in examples:
        # A text has gold if one label applies, or, of several, if it is said that none does.
        if example.reference.cats if multi_label else _gold_labels([example]):
            groups.setdefault(language_of(example.reference), []).append(example)
    scores["cats_by_language"] = {
        language: _score_language_group(group, labels, multi_label, float(kwargs.get("threshold") or 0.5))
        for language, group in sorted(groups.items())
    }
    return scores


def _gold_labels(examples: list[Example]) -> list[str]:
    return sorted({label for example in examples for label, value in example.reference.cats.items() if value > 0})


def _score_language_group(
    examples: list[Example], labels: list[str], multi_label: bool, threshold: float
) -> dict[str, Any]:
    from spacy_xlt.evaluation.metrics import accuracy, macro_f1

    gold = np.array([[example.reference.cats.get(label, 0.0) for label in labels] for example in examples])
    # A label that the model does not know is below every threshold, 0 included.
    predicted = np.array([[example.predicted.cats.get(label, -1.0) for label in labels] for example in examples])
    if multi_label:
        gold, predicted = gold >= 0.5, predicted >= threshold
    else:
        gold, predicted = gold.argmax(axis=1), predicted.argmax(axis=1)
    return {
        "n": len(examples),
        "accuracy": float(accuracy(gold, predicted)),
        "macro_f1": float(macro_f1(gold, predicted)),
    }


def score_language(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    named = [example for example in examples if language_of(example.reference) != UNKNOWN]
    if not named:
        return {"language_accuracy": None}
    right = sum(language_of(example.predicted) == language_of(example.reference) for example in named)
    return {"language_accuracy": right / len(named)}


set_extensions("language")

"""The figures of named entities, beside those of seqeval."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spacy_xlt.data.entity_tags import entities_of_tags
from spacy_xlt.evaluation.entities import entity_figures

metrics = pytest.importorskip("seqeval.metrics")

LABELS = ("PER", "ORG", "LOC")
TAGS = ("O", *(f"{prefix}-{label}" for label in LABELS for prefix in "BI"))
PAIRS = st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=12)


@given(st.lists(PAIRS, min_size=1, max_size=6))
def test_precision_recall_and_f1_are_those_of_seqeval(sentences: list[list[tuple[str, str]]]) -> None:
    # seqeval has no figures where there is no entity at all.
    assume(any(tag != "O" for sentence in sentences for pair in sentence for tag in pair))
    gold, predicted = ([[pair[side] for pair in sentence] for sentence in sentences] for side in (0, 1))
    entities = [
        [entities_of_tags([(place, place + 1) for place in range(len(tags))], tags) for tags in of]
        for of in (gold, predicted)
    ]

    figures = entity_figures(*entities)

    expected = metrics.classification_report(gold, predicted, output_dict=True, zero_division=0)
    names = {"precision": "precision", "recall": "recall", "f1": "f1-score"}
    assert figures.scores == pytest.approx({ours: expected["micro avg"][theirs] for ours, theirs in names.items()})
    assert sorted(figures.details) == sorted({*expected} - {"micro avg", "macro avg", "weighted avg"})
    for label, scores in figures.details.items():
        assert scores == pytest.approx({ours: expected[label][theirs] for ours, theirs in names.items()})

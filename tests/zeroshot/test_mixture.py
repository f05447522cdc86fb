"""Sharpening prototypes on unlabeled texts."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.errors import XltError
from spacy_xlt.heads.layer import Layer, probabilities_of
from spacy_xlt.vectors import unit_rows
from spacy_xlt.zeroshot.descriptions import describe_prototypes
from spacy_xlt.zeroshot.labels import read_labels
from spacy_xlt.zeroshot.mixture import sharpen

WIDTH = 24


def make_texts(counts: list[int], seed: int = 0) -> tuple[Floats2d, Any, Floats2d, Any]:
    """Texts around the centers of labels: vectors, gold, prototypes that are far from the centers, and the origin."""
    chance = np.random.default_rng(seed)
    centers = unit_rows(chance.normal(size=(len(counts), WIDTH)))
    origin = chance.normal(size=WIDTH).astype(np.float32)
    gold = np.repeat(np.arange(len(counts)), counts)
    rows = centers[gold] + chance.normal(size=(len(gold), WIDTH)) * 0.35
    prototypes = unit_rows(centers + 0.35 * chance.normal(size=centers.shape))
    return (rows + origin).astype(np.float32), gold, prototypes.astype(np.float32), origin


def accuracy(layer: Layer, vectors: Floats2d, gold: Any) -> float:
    return float((layer(vectors).argmax(axis=1) == gold).mean())


def test_sharpening_is_more_accurate_on_other_texts() -> None:
    vectors, gold, prototypes, origin = make_texts([150, 80, 70])
    start = Layer(prototypes, -prototypes @ origin)
    result = sharpen(prototypes, vectors[::2], origin)
    assert accuracy(result.layer, vectors[1::2], gold[1::2]) > accuracy(start, vectors[1::2], gold[1::2]) + 0.02


def test_the_prior_is_estimated() -> None:
    vectors, _, prototypes, origin = make_texts([300, 60, 40])
    prior = sharpen(prototypes, vectors, origin).prior
    assert prior.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(prior, [0.75, 0.15, 0.1], atol=0.15)
    assert prior[0] > 0.5


def test_a_given_prior_is_kept_and_is_the_prediction_for_a_blank_text() -> None:
    vectors, _, prototypes, origin = make_texts([60, 60, 60])
    given_prior = np.array([0.7, 0.2, 0.1])
    result = sharpen(prototypes, vectors, origin, prior=given_prior)
    np.testing.assert_array_equal(result.prior, given_prior)
    blank = probabilities_of(result.layer(np.zeros((1, WIDTH), dtype=np.float32)), True)[0]
    expected = given_prior ** (1 / result.temperature)
    np.testing.assert_allclose(blank, expected / expected.sum(), atol=1e-4)


def test_confidence_equals_agreement() -> None:
    vectors, _, prototypes, origin = make_texts([90, 60, 60])
    result = sharpen(prototypes, vectors, origin)
    confidence = probabilities_of(result.layer(vectors), True).max(axis=1).mean()
    assert confidence == pytest.approx(result.agreement, abs=0.01)


def test_the_none_label_takes_its_share() -> None:
    vectors, _, prototypes, origin = make_texts([60, 60, 60])
    layer = sharpen(prototypes[:2], vectors, origin, none_share=1 / 3).layer
    predicted = layer(vectors).argmax(axis=1)
    assert layer.weight.shape == (3, WIDTH)
    assert (predicted == 2).mean() == pytest.approx(1 / 3, abs=0.02)
    assert (predicted[120:] == 2).mean() > 0.6
    assert (predicted[:120] == 2).mean() < 0.3


@settings(max_examples=15, deadline=None)
@given(n=st.integers(10, 40), labels=st.integers(2, 6), seed=st.integers(0, 5), none=st.booleans())
def test_any_texts_give_finite_scores(n: int, labels: int, seed: int, none: bool) -> None:
    chance = np.random.default_rng(seed)
    vectors = chance.normal(size=(n, WIDTH)).astype(np.float32)
    vectors[: n // 2] = vectors[0]
    prototypes = unit_rows(chance.normal(size=(labels, WIDTH))).astype(np.float32)
    result = sharpen(prototypes, vectors, vectors.mean(axis=0), none_share=0.2 if none else None)
    assert np.isfinite(result.layer(vectors)).all()
    assert result.prior.sum() == pytest.approx(1.0)


def test_equal_texts_give_finite_scores() -> None:
    vectors = np.ones((12, WIDTH), dtype=np.float32)
    prototypes = unit_rows(np.random.default_rng(0).normal(size=(3, WIDTH))).astype(np.float32)
    assert np.isfinite(sharpen(prototypes, vectors, vectors[0]).layer(vectors)).all()


def test_too_few_texts() -> None:
    vectors, _, prototypes, origin = make_texts([6, 6])
    vectors[3:] = 0
    with pytest.raises(XltError, match="3 unlabeled texts"):
        sharpen(prototypes, vectors, origin)


def test_prototypes_are_centered_means_of_descriptions_and_their_parts() -> None:
    vectors = {"a, b": [0.6, 0.8], "a": [1.0, 0.0], "b": [0.0, 1.0], "c": [-1.0, 0.0], "example": [0.0, -1.0]}
    labels = read_labels({"first": "a, b", "second": {"descriptions": "c", "examples": ["example"]}})
    layer = describe_prototypes(labels, lambda texts: np.array([vectors[text] for text in texts], dtype=np.float32))
    difference = np.array([1.6 / 3 + 0.5, 1.8 / 3 + 0.5])
    np.testing.assert_allclose(unit_rows(layer.weight)[0], difference / np.linalg.norm(difference), rtol=1e-5)
    np.testing.assert_allclose(layer.weight[0], -layer.weight[1], rtol=1e-5)
    assert not layer.bias.any()

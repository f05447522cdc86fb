"""The heads: gradients by finite differences, scale, widths, dropout."""

import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from spacy import registry
from spacy.tokens import Doc
from thinc.api import Adam, Linear, Model, get_current_ops
from thinc.types import Floats2d

from spacy_xlt.layers.classifier import Scale_v1, Sigmoid_v1, TextCatLinear_v1, TextCatMLP_v1, is_linear
from tests.layers.gradients import assert_same_gradient, numeric_gradient

WIDTH, LABELS = 5, 3
RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(4, WIDTH)).astype("f")
TRUTH = np.eye(LABELS, dtype="f")[[0, 2, 1, 0]]


def embedding() -> Any:
    """Stands for what reads a Doc's vector: a layer on rows whose own gradient shows what flows back to it."""
    return Linear(nO=WIDTH, nI=WIDTH)


def make_head(kind: Any, exclusive: bool, scale: float = 2.0, **options: Any) -> Model[Any, Floats2d]:
    head: Model[Any, Floats2d] = kind(embedding(), exclusive_classes=exclusive, scale=scale, **options)
    head.initialize(X=ROWS, Y=TRUTH)
    for layer in head.walk():
        for name in layer.param_names:
            values = RANDOM.normal(scale=0.3, size=layer.get_param(name).shape)
            layer.set_param(name, get_current_ops().asarray(values.astype("f")))
    return head


def loss_of(head: Model[Any, Floats2d], exclusive: bool) -> float:
    """The cross-entropy: p - truth is its gradient with respect to the scores, under a softmax and under sigmoids."""
    p = head.predict(ROWS).astype("d")
    return float(-(TRUTH * np.log(p)).sum() if exclusive else -(TRUTH * np.log(p) + (1 - TRUTH) * np.log(1 - p)).sum())


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize(("kind", "options"), [(TextCatLinear_v1, {}), (TextCatMLP_v1, {"hidden": 4, "dropout": 0.0})])
def test_every_gradient_of_a_head(kind: Any, options: dict[str, Any], exclusive: bool) -> None:
    head = make_head(kind, exclusive, **options)
    scores, backprop = head.begin_update(ROWS)
    d_rows = backprop(scores - TRUTH)
    assert_same_gradient(d_rows, numeric_gradient(lambda: loss_of(head, exclusive), ROWS))
    checked = 0
    for layer in head.walk():
        for name in layer.param_names:
            expected = numeric_gradient(lambda: loss_of(head, exclusive), layer.get_param(name))
            assert_same_gradient(layer.get_grad(name), expected)
            checked += 1
    assert checked == (4 if kind is TextCatLinear_v1 else 6)


def test_scale_multiplies_both_ways() -> None:
    scale = Scale_v1(3.0)
    scaled, backprop = scale.begin_update(ROWS)
    np.testing.assert_array_equal(scaled, ROWS * 3)
    np.testing.assert_array_equal(backprop(ROWS), ROWS * 3)


def test_scale_multiplies_the_rate_at_which_a_head_learns() -> None:
    """One step of Adam moves each weight by about the rate, so the logits move by scale times as much."""

    def step(scale: float) -> NDArray[Any]:
        head = TextCatLinear_v1(Scale_v1(1.0), scale=scale)  # type: ignore[arg-type]
        head.initialize(X=ROWS, Y=TRUTH)
        scores, backprop = head.begin_update(ROWS)
        backprop(scores - TRUTH)
        head.finish_update(Adam(1e-4, L2=0.0, grad_clip=0.0))
        bias = head.get_ref("output_layer").get_param("b")
        bias[:] = 0  # it sees no input
        return np.log(head.predict(ROWS).astype("d") * LABELS)

    np.testing.assert_allclose(step(100.0), 100 * step(1.0), rtol=0.1, atol=1e-3)


@pytest.mark.parametrize(("exclusive", "score"), [(True, 1 / 3), (False, 0.5)])
def test_a_new_head_has_no_opinion(exclusive: bool, score: float) -> None:
    head = TextCatLinear_v1(embedding(), exclusive_classes=exclusive)
    head.initialize(X=ROWS, Y=TRUTH)
    np.testing.assert_allclose(head.predict(ROWS), score, atol=1e-6)
    assert head.attrs["multi_label"] is not exclusive


def test_a_softmax_adds_up_to_one_and_sigmoids_need_not() -> None:
    np.testing.assert_allclose(make_head(TextCatLinear_v1, True).predict(ROWS).sum(axis=1), 1, atol=1e-6)
    assert np.abs(make_head(TextCatLinear_v1, False).predict(ROWS).sum(axis=1) - 1).max() > 0.1


def test_the_number_of_labels_comes_from_the_sample_or_is_given() -> None:
    assert make_head(TextCatLinear_v1, True).get_dim("nO") == LABELS
    given = TextCatMLP_v1(embedding(), hidden=4, nO=7)
    given.initialize(X=ROWS)
    assert given.predict(ROWS).shape == (4, 7)


@pytest.mark.parametrize("kind", [TextCatLinear_v1, TextCatMLP_v1])
def test_no_rows_give_no_scores(kind: Any) -> None:
    head = make_head(kind, True)
    nothing = np.zeros((0, WIDTH), dtype="f")
    scores, backprop = head.begin_update(nothing)
    assert scores.shape == (0, LABELS)
    assert backprop(scores).shape == (0, WIDTH)


def test_dropout_works_in_training_only() -> None:
    head = make_head(TextCatMLP_v1, True, hidden=64, dropout=0.5)
    np.testing.assert_array_equal(head.predict(ROWS), head.predict(ROWS))
    first, _ = head.begin_update(ROWS)
    second, _ = head.begin_update(ROWS)
    assert np.abs(first - second).max() > 1e-3


def test_a_sigmoid_that_is_surely_wrong_still_learns() -> None:
    scores = np.array([[30.0, -30.0]], dtype="f")
    p, backprop = Sigmoid_v1().begin_update(scores)
    np.testing.assert_allclose(backprop(p - np.array([[0.0, 1.0]], dtype="f")), [[1.0, -1.0]], atol=1e-6)


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("kind", [TextCatLinear_v1, TextCatMLP_v1])
def test_a_head_with_more_labels_keeps_the_old_ones_and_gives_the_new_one_nothing_yet(
    kind: Any, exclusive: bool
) -> None:
    head = make_head(kind, exclusive)
    before = head.predict(ROWS)
    resized = head.attrs["resize_output"](head, LABELS + 1)
    after = resized.predict(ROWS)
    np.testing.assert_allclose(after[:, :LABELS], before, atol=1e-4)
    assert 0 < after[:, LABELS].max() < 1e-4
    assert resized.get_ref("output_layer").get_dim("nO") == resized.get_dim("nO") == LABELS + 1
    truth = np.eye(LABELS + 1, dtype="f")[[0, 3, 1, 3]]
    optimizer = Adam(0.05)
    for _ in range(200):
        scores, backprop = resized.begin_update(ROWS)
        backprop(scores - truth)
        resized.finish_update(optimizer)
    assert (resized.predict(ROWS)[[1, 3], LABELS] > 0.5).all()
    new: Model[Any, Floats2d] = kind(embedding(), exclusive_classes=exclusive, scale=2.0)
    np.testing.assert_array_equal(new.from_bytes(resized.to_bytes()).predict(ROWS), resized.predict(ROWS))


def test_only_a_head_without_hidden_layer_is_linear() -> None:
    assert is_linear(TextCatLinear_v1(Scale_v1(1.0)))  # type: ignore[arg-type]
    assert not is_linear(TextCatMLP_v1(Scale_v1(1.0)))  # type: ignore[arg-type]
    assert not is_linear(embedding())


def test_a_head_can_be_pickled_for_worker_processes() -> None:
    head = make_head(TextCatMLP_v1, True)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(head)).predict(ROWS), head.predict(ROWS))


def test_the_architectures_are_found_by_name_without_an_import() -> None:
    config = {
        "@architectures": "spacy-xlt.TextCatMLP.v1",
        "hidden": 8,
        "embed": {"@architectures": "spacy-xlt.DocEmbedding.v1"},
    }
    model: Model[list[Doc], Floats2d] = registry.resolve({"model": config})["model"]
    assert model.has_ref("output_layer")

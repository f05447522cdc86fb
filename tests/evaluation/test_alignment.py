"""How near two languages lie to each other."""

import numpy as np
import pytest
from numpy.typing import NDArray

from spacy_xlt.alignment.retrieval import mean_csls
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.alignment import sentence_figures, separability, space_figures, text_figures

Floats = NDArray[np.float32]


def rows(n: int, seed: int = 0, width: int = 6) -> Floats:
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def test_translations_that_lie_together_are_found_both_ways() -> None:
    x = rows(40)
    order = np.random.default_rng(1).permutation(40)
    figures = sentence_figures(x, x[order], [(int(row), i) for i, row in enumerate(order)])
    found = {"from_source": 1.0, "to_source": 1.0}
    assert figures == {"pairs": 40, "cosine": found, "csls": found}


def test_the_two_ways_are_not_the_same() -> None:
    """Target 1 lies on source 0 too: sources find their own, but target 1 finds source 0."""
    x = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    y = np.array([[1.0, 0.1], [1.0, 0.9]], dtype=np.float32)
    assert sentence_figures(x, y, [(0, 0), (1, 1)])["cosine"] == {"from_source": 1.0, "to_source": 0.5}


def test_every_translation_of_a_sentence_is_right() -> None:
    x, y = rows(1), rows(2, 1)
    figures = sentence_figures(x, y, [(0, 0), (0, 1)])
    assert figures["pairs"] == 2 and figures["csls"] == {"from_source": 1.0, "to_source": 1.0}


def test_without_translations() -> None:
    x, y = rows(60), rows(60, 1)
    same, other = space_figures(x, x), space_figures(x, y)
    assert same["mean_csls"] == pytest.approx(mean_csls(x, x)) and same["mean_csls"] > other["mean_csls"]
    # One row near all of x, the others opposite: a hub.
    hub = np.concatenate([x.mean(axis=0, keepdims=True) + 9, -np.abs(y)])
    assert space_figures(np.abs(x), hub)["hubness"] > other["hubness"]
    assert space_figures(x, x)["hubness"] < 3


def test_fewer_texts_than_a_neighborhood() -> None:
    assert np.isfinite(list(space_figures(rows(2), rows(1, 1)).values())).all()


# The probe


def test_the_probe_tells_apart_what_is_apart() -> None:
    pytest.importorskip("sklearn")
    x, y = rows(60), rows(60, 1)
    assert separability(x, y + 3) > 0.95
    assert separability(x, y) < 0.65
    figures = text_figures(x, y)
    assert set(figures) == {"mean_csls", "hubness", "separability", "chance"} and figures["chance"] == 0.5


def test_the_larger_side_is_no_easier_guess() -> None:
    pytest.importorskip("sklearn")
    assert separability(rows(400), rows(20, 1)) == separability(rows(400)[:20], rows(20, 1)) < 0.7


def test_too_few_texts() -> None:
    pytest.importorskip("sklearn")
    with pytest.raises(XltError, match=r"5 texts .* 4"):
        separability(rows(9), rows(4))


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_xlt.evaluation.alignment.find_spec", lambda name: None)
    with pytest.raises(XltError, match=r"scikit-learn.*spacy-xlt\[train\]"):
        separability(rows(9), rows(9))

"""SelfLearning and Adversarial: they find a rotation back without a dictionary, and say so when there is none."""

import warnings
from typing import Any, Callable

import numpy as np
import pytest

from spacy_xlt.alignment.adversarial import Adversarial, play
from spacy_xlt.alignment.base import Aligner
from spacy_xlt.alignment.invariants import comparable, invariants
from spacy_xlt.alignment.procrustes import Procrustes
from spacy_xlt.alignment.report import AlignmentWarning
from spacy_xlt.alignment.self_learning import SelfLearning
from spacy_xlt.alignment.transport import FEATURES
from spacy_xlt.alignment.unsupervised import space_of
from spacy_xlt.errors import XltError
from tests.alignment.clouds import WIDTH, N, Rows, cloud, hits, scrambled, turned


def self_learning(seed: int = 0, **options: Any) -> SelfLearning:
    return SelfLearning(**{"sample": N, "seed": seed, **options})


def adversarial(seed: int = 0, **options: Any) -> Adversarial:
    """Of a short game, which finds nothing: most tests do without the second or two of a long one."""
    return Adversarial(**{"sample": N, "steps": 10, "turns": 2, "restarts": 1, "seed": seed, **options})


def long_game(seed: int = 0) -> Adversarial:
    return adversarial(seed, steps=400, turns=30)


BOTH = pytest.mark.parametrize("make", [self_learning, adversarial])
QUIET = pytest.mark.filterwarnings("ignore::spacy_xlt.alignment.report.AlignmentWarning")
Make = Callable[..., Any]


@BOTH
def test_aligners_have_the_interface(make: Make) -> None:
    assert isinstance(make(), Aligner)


# What they find


@pytest.mark.parametrize("seed", [0, 1])
def test_the_game_alone_turns_the_right_way(seed: int) -> None:
    rows = cloud(seed)
    mirrored, order = turned(rows, seed)
    x, y = space_of(rows), space_of(mirrored)
    features = comparable(invariants(x.rows, x.norms), invariants(y.rows, y.norms), FEATURES)

    def cosine(steps: int) -> float:
        w = play(x.rows, y.rows, *features, steps, np.random.default_rng(0))
        return float(np.einsum("ij,ij->i", y.rows @ w, x.rows[order]).mean())

    assert cosine(0) < 0.3
    assert cosine(400) > 0.6


@pytest.mark.parametrize(
    ("make", "seed"), [(self_learning, 0), (self_learning, 1), (self_learning, 2), (long_game, 0), (long_game, 1)]
)
def test_a_rotation_and_an_order_are_found_back(make: Make, seed: int) -> None:
    x = cloud(seed)
    y, order = turned(x, seed)
    aligner = make(seed)
    found = aligner.fit({"en": x, "de": y}, "en")["de"]
    assert hits(found(y), x, order) > 0.98
    assert found.matrix is not None
    np.testing.assert_allclose(found.matrix @ found.matrix.T, np.eye(WIDTH), atol=1e-4)
    report = aligner.report["de"]
    assert not report.failed
    assert report.converged
    assert report.mutual_share > 0.9
    assert report.agreement > 0.5
    assert report.n_pairs <= N
    assert "is aligned" in report.message


def test_rows_without_a_partner_do_no_harm() -> None:
    x = cloud(3)
    y, order = turned(x[50:], 3)
    found = self_learning().fit({"en": x[:-50], "de": y}, "en")["de"]
    there = order + 50 < N - 50
    assert hits(found(y[there]), x, order[there] + 50) > 0.98


def test_more_rows_than_the_sample_are_refined_on_growing_shares() -> None:
    x = cloud(4, n=1000)
    y, order = turned(x, 4)
    found = self_learning().fit({"en": x, "de": y}, "en")["de"]
    assert hits(found(y), x, order) > 0.98


@QUIET
@BOTH
def test_rows_after_the_cutoff_are_not_looked_at(make: Make) -> None:
    x = cloud(0)
    y, order = turned(x, 0)
    aligner = make(cutoff=300)
    aligner.fit({"en": x, "de": y}, "en")
    assert aligner.report["de"].n_pairs <= 300


@QUIET
@BOTH
def test_the_source_stays_and_every_language_has_a_report(make: Make) -> None:
    x = cloud(0)
    aligner = make()
    maps = aligner.fit({"en": x, "de": turned(x, 0)[0], "tr": turned(x, 1)[0]}, "en")
    np.testing.assert_array_equal(maps["en"](x), x)
    assert set(aligner.report) == {"de", "tr"}
    aligner.fit({"en": x, "fr": turned(x, 2)[0]}, "en")
    assert set(aligner.report) == {"fr"}


def test_few_seed_pairs_lead_where_the_distributions_say_nothing() -> None:
    """A cloud that is the same in all directions, but for its rows."""
    x = np.random.default_rng(5).standard_normal((N, WIDTH)).astype(np.float32)
    y, order = turned(x, 5)
    pairs = [(row, int(order[row])) for row in range(15)]
    found = self_learning().fit({"en": x, "de": y}, "en", {"de": pairs})["de"]
    assert hits(found(y), x, order) > 0.98


def test_seed_pairs_that_name_no_row_are_refused() -> None:
    x = cloud(0)
    with pytest.raises(XltError, match=" 400 "):
        self_learning().fit({"en": x, "de": x}, "en", {"de": [(N, 0)]})


def test_the_final_map_is_fitted_by_the_aligner_that_was_given() -> None:
    x = cloud(0)
    y, _ = turned(x, 0)
    final = Procrustes(center=False)
    map_of = self_learning(aligner=final).fit({"en": x, "de": y}, "en")["de"]
    np.testing.assert_array_equal(map_of.target, np.zeros(WIDTH))


# What they say when there is nothing to find


def unrelated(kind: str, x: Rows, seed: int) -> Rows:
    if kind == "another cloud":
        return cloud(seed + 100)
    if kind == "noise":
        return np.random.default_rng(seed).standard_normal(x.shape).astype(np.float32)
    return scrambled(x, seed)


@pytest.mark.parametrize("kind", ["another cloud", "noise", "scrambled"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_unrelated_spaces_are_called_failed(kind: str, seed: int) -> None:
    x = cloud(seed)
    aligner = self_learning(seed)
    with pytest.warns(AlignmentWarning, match=r"SelfLearning: the alignment of 'de' has FAILED \(mean CSLS 0\."):
        found = aligner.fit({"en": x, "de": unrelated(kind, x, seed)}, "en")["de"]
    report = aligner.report["de"]
    assert report.failed
    assert "unrelated spaces" in report.message
    assert found.matrix is not None
    assert np.isfinite(found.matrix).all()


def test_an_adversarial_game_between_unrelated_spaces_is_called_failed() -> None:
    x = cloud(0)
    aligner = long_game()
    with pytest.warns(AlignmentWarning, match="Adversarial: the alignment of 'de' has FAILED"):
        aligner.fit({"en": x, "de": cloud(100)}, "en")
    assert aligner.report["de"].failed


def test_unrelated_spaces_of_more_dimensions_than_a_rotation_can_be_fitted_in_are_called_failed() -> None:
    """With 100 dimensions for 300 rows a rotation fits nearly any pairs: score and share look well."""
    x, y = cloud(0, n=300, width=100), cloud(1, n=300, width=100)
    aligner = self_learning()
    with pytest.warns(AlignmentWarning):
        aligner.fit({"en": x, "de": y}, "en")
    assert aligner.report["de"].mutual_share > 0.4


# Seeds


@QUIET
@BOTH
def test_a_seed_gives_the_same_map_and_torch_is_left_alone(make: Make) -> None:
    torch = pytest.importorskip("torch")
    x = cloud(1)
    y, _ = turned(x, 1, noise=0.3)
    state, legacy = torch.get_rng_state().clone(), np.random.get_state()[1].copy()  # type: ignore[index]
    one, two = (make(7).fit({"en": x, "de": y}, "en")["de"] for _ in range(2))
    np.testing.assert_array_equal(one.matrix, two.matrix)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(np.random.get_state()[1], legacy)  # type: ignore[index]


# Degenerate input


@BOTH
def test_a_language_given_by_its_mean_is_only_moved_and_not_reported(make: Make) -> None:
    x = cloud(0)
    aligner = make()
    maps = aligner.fit({"en": x, "de": x[:1]}, "en")
    assert maps["de"].matrix is None
    np.testing.assert_allclose(maps["de"](x[:1])[0], x.mean(axis=0), atol=1e-5)
    assert aligner.report == {}


@BOTH
def test_too_few_rows_are_called_failed_and_only_moved(make: Make) -> None:
    x = cloud(0)
    aligner = make()
    with pytest.warns(AlignmentWarning, match="'de' has FAILED"):
        maps = aligner.fit({"en": x, "de": x[:10]}, "en")
    assert maps["de"].matrix is None
    assert aligner.report["de"].n_pairs == 0


@BOTH
def test_fewer_rows_than_dimensions_give_a_map_without_nan(make: Make) -> None:
    x = cloud(0, n=40, width=60)
    y, _ = turned(x, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)
        found = make().fit({"en": x, "de": y}, "en")["de"]
    assert np.isfinite(found(y)).all()


def test_rows_of_zeros_are_left_out() -> None:
    x = cloud(2)
    y, order = turned(x, 2)
    blank = np.zeros((30, WIDTH), dtype=np.float32)
    aligner = self_learning()
    found = aligner.fit({"en": np.concatenate([blank, x]), "de": np.concatenate([y[:200], blank, y[200:]])}, "en")
    assert hits(found["de"](y), x, order) > 0.98


@pytest.mark.parametrize("rows", [np.zeros((50, WIDTH)), np.ones((50, WIDTH)), np.tile(np.arange(WIDTH), (50, 1))])
def test_rows_that_are_all_the_same_are_called_failed(rows: Any) -> None:
    with pytest.warns(AlignmentWarning):
        found = self_learning().fit({"en": cloud(0), "de": rows.astype(np.float32)}, "en")["de"]
    assert np.isfinite(found(cloud(0))).all()


@BOTH
def test_bad_input_is_named(make: Make) -> None:
    x = cloud(0)
    bad = x.copy()
    bad[3, 3] = np.nan
    with pytest.raises(XltError, match="'de'.* NaN"):
        make().fit({"en": x, "de": bad}, "en")
    with pytest.raises(XltError, match="'de' have 5 dimensions"):
        make().fit({"en": x, "de": x[:, :5]}, "en")
    with pytest.raises(XltError, match="no embeddings"):
        make().fit({"de": x}, "en")


@BOTH
@pytest.mark.parametrize("option", ["sample", "cutoff", "iterations", "restarts"])
def test_numbers_of_rows_and_turns_are_at_least_one(make: Make, option: str) -> None:
    with pytest.raises(XltError, match=f"{option} is 0"):
        make(**{option: 0})

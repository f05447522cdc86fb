"""MutualNeighbors: pseudo-pairs for any aligner, between spaces that lie together already."""

import numpy as np
import pytest

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.alignment.base import Aligner
from spacy_xlt.alignment.centering import AnchoredCentering
from spacy_xlt.alignment.mutual_neighbors import MutualNeighbors
from spacy_xlt.alignment.procrustes import Procrustes
from spacy_xlt.alignment.report import AlignmentWarning
from spacy_xlt.errors import XltError
from tests.alignment.clouds import WIDTH, N, Rows, cloud, hits, scrambled


def near(x: Rows, angle: float = 0.15, noise: float = 0.1) -> Rows:
    """Rows that an encoder has brought nearly to x: turned a little, moved, with noise."""
    rng = np.random.default_rng(0)
    skew = rng.standard_normal((WIDTH, WIDTH)) * angle / np.sqrt(WIDTH)
    turn = np.linalg.qr(np.eye(WIDTH) + skew - skew.T)[0]
    turn = turn * np.sign(np.diag(turn))
    return np.asarray(x @ turn + 2 + noise * x.std() * rng.standard_normal(x.shape), dtype=np.float32)


def test_it_has_the_interface_of_an_aligner() -> None:
    assert isinstance(MutualNeighbors(), Aligner)


@pytest.mark.parametrize("aligner", [None, Procrustes()])
def test_pairs_are_found_and_the_aligner_brings_the_rows_nearer_than_centering(aligner: Aligner) -> None:
    x = cloud(0)
    y = near(x)
    aligner_of_pairs = MutualNeighbors(aligner)
    found = aligner_of_pairs.fit({"en": x, "de": y}, "en")
    centered = AnchoredCentering().fit({"en": x, "de": y}, "en")
    order = np.arange(N)
    assert hits(found["de"](y), x, order) > hits(centered["de"](y), x, order)
    distance, centered_distance = (np.linalg.norm(each["de"](y) - x) for each in (found, centered))
    assert distance < 0.8 * centered_distance
    report = aligner_of_pairs.report["de"]
    assert not report.failed
    assert report.converged
    assert report.iterations > 1
    assert report.mutual_share > 0.8
    np.testing.assert_array_equal(found["en"](x), x)


def test_the_order_of_the_rows_is_not_used() -> None:
    x = cloud(0)
    y = near(x)
    order = np.random.default_rng(1).permutation(N)
    one = MutualNeighbors().fit({"en": x, "de": y}, "en")["de"]
    other = MutualNeighbors().fit({"en": x, "de": y[order]}, "en")["de"]
    np.testing.assert_allclose(one(y), other(y), atol=1e-3)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_unrelated_rows_fall_back_on_centering_and_are_called_failed(seed: int) -> None:
    rows = {"en": cloud(0), "de": cloud(seed), "tr": scrambled(cloud(0), seed)}
    aligner = MutualNeighbors()
    with pytest.warns(AlignmentWarning, match="FAILED .* It is only centered"):
        found = aligner.fit(rows, "en")
    for language in ("de", "tr"):
        assert aligner.report[language].failed
        assert found[language].matrix is None
        np.testing.assert_array_equal(found[language].origin, AnchoredCentering().fit(rows, "en")[language].origin)


def test_too_few_pairs_fall_back_on_centering() -> None:
    x = cloud(0)
    aligner = MutualNeighbors(fewest=50)
    with pytest.warns(AlignmentWarning, match="'de' has FAILED"):
        found = aligner.fit({"en": x, "de": near(x)[:30]}, "en")
    assert found["de"].matrix is None
    assert aligner.report["de"].n_pairs <= 30


def test_a_language_given_by_its_mean_is_centered_without_a_report() -> None:
    x = cloud(0)
    aligner = MutualNeighbors()
    assert aligner.fit({"en": x, "de": x[:1]}, "en")["de"].matrix is None
    assert aligner.report == {}


def test_rows_of_zeros_are_left_out() -> None:
    x = cloud(0)
    y = near(x)
    blank = np.zeros((5, WIDTH), dtype=np.float32)
    aligner = MutualNeighbors()
    aligner.fit({"en": np.concatenate([x, blank]), "de": np.concatenate([blank, y])}, "en")
    assert not aligner.report["de"].failed
    assert aligner.report["de"].n_pairs <= N


def test_rows_of_zeros_alone_are_called_failed() -> None:
    with pytest.warns(AlignmentWarning):
        found = MutualNeighbors().fit({"en": cloud(0), "de": np.zeros((5, WIDTH), dtype=np.float32)}, "en")["de"]
    assert np.isfinite(found.origin).all()


@pytest.mark.parametrize("options", [{"iterations": 0}, {"fewest": 0}])
def test_numbers_are_at_least_one(options: dict[str, int]) -> None:
    with pytest.raises(XltError, match="MutualNeighbors: iterations"):
        MutualNeighbors(**options)


def test_bad_input_is_named() -> None:
    x = cloud(0)
    with pytest.raises(XltError, match="'de' have 5 dimensions"):
        MutualNeighbors().fit({"en": x, "de": x[:, :5]}, "en")
    with pytest.raises(XltError, match="no embeddings"):
        MutualNeighbors().fit({"de": x}, "en")


def test_the_aligner_of_pairs_is_a_block_of_the_config() -> None:
    from spacy.util import registry
    from thinc.api import Config

    config = Config().from_str(
        """
[aligner]
@xlt_aligners = "spacy-xlt.MutualNeighbors.v1"
iterations = 3

[aligner.aligner]
@xlt_aligners = "spacy-xlt.Procrustes.v1"
"""
    )
    aligner = registry.resolve(config)["aligner"]
    assert isinstance(aligner, MutualNeighbors)
    assert isinstance(aligner.aligner, Procrustes)

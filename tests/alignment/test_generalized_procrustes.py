"""Generalized Procrustes: one language, many, gaps."""

import numpy as np
import pytest

from spacy_xlt.alignment.affine import AffineMap, Floats
from spacy_xlt.alignment.generalized_procrustes import GeneralizedProcrustes
from spacy_xlt.alignment.procrustes import Procrustes
from spacy_xlt.errors import XltError
from tests.alignment.spaces import Embeddings, parallel, rotation, turned_and_shifted


def noisy_languages(count: int, seed: int = 0) -> tuple[Embeddings, dict[str, Floats]]:
    """Languages l0, l1, ... and en: each a turned, noisy copy of the same hidden rows; and the turn of each."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(400, 6)).astype(np.float32)
    turns = {"en": np.eye(6, dtype=np.float32), **{f"l{i}": rotation(rng, 6) for i in range(count)}}
    noise = {language: rng.normal(size=hidden.shape).astype(np.float32) for language in turns}
    return {language: hidden @ turn.T + noise[language] for language, turn in turns.items()}, turns


def test_with_one_language_it_is_procrustes() -> None:
    rows = turned_and_shifted(noise=0.1)
    del rows["sw"]
    one = GeneralizedProcrustes().fit(rows, "en", parallel(50, "de"))["de"]
    other = Procrustes().fit(rows, "en", parallel(50, "de"))["de"]
    np.testing.assert_allclose(one(rows["de"]), other(rows["de"]), atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_many_languages_agree_better_than_when_each_is_fitted_alone(seed: int) -> None:
    """The mean of many noisy copies is less noisy than the source alone."""
    rows, turns = noisy_languages(8, seed)
    pairs = parallel(40, *(language for language in rows if language != "en"))

    def disagreement(maps: dict[str, AffineMap]) -> float:
        """How differently two languages map the same hidden rows, over all couples."""
        back = [each.matrix @ turns[language] for language, each in maps.items() if each.matrix is not None]
        return float(np.mean([np.linalg.norm(one - other) for one in back for other in back]))

    together, alone = (
        disagreement(aligner.fit(rows, "en", pairs)) for aligner in (GeneralizedProcrustes(), Procrustes())
    )
    assert together < 0.9 * alone


def test_languages_may_share_all_rows_of_the_source_or_none() -> None:
    rows = turned_and_shifted()
    for places in (range(40), range(20, 60), range(100, 140)):
        pairs = {"de": [(i, i) for i in range(40)], "sw": [(i, i) for i in places]}
        maps = GeneralizedProcrustes().fit(rows, "en", pairs)
        for language in ("de", "sw"):
            np.testing.assert_allclose(maps[language](rows[language]), rows["en"], atol=1e-3)


def test_several_translations_of_one_row() -> None:
    rows = turned_and_shifted()
    rows["de"] = np.concatenate([rows["de"], rows["de"]])
    pairs = {"de": [(i, i % 300) for i in range(600)], "sw": [(i, i) for i in range(50)]}
    maps = GeneralizedProcrustes().fit(rows, "en", pairs)
    np.testing.assert_allclose(maps["de"](rows["de"][:300]), rows["en"], atol=1e-3)


def test_the_order_of_languages_does_not_matter() -> None:
    rows = turned_and_shifted(noise=0.1)
    backwards = {language: rows[language] for language in reversed(list(rows))}
    one, other = (GeneralizedProcrustes().fit(each, "en", parallel(50)) for each in (rows, backwards))
    np.testing.assert_array_equal(one["de"](rows["de"]), other["de"](rows["de"]))


def test_no_iterations_are_refused() -> None:
    with pytest.raises(XltError, match="iterations is 0"):
        GeneralizedProcrustes(0)

"""Aligners by name."""

import pytest

from spacy_xlt.alignment.centering import AnchoredCentering
from spacy_xlt.errors import XltError
from spacy_xlt.registries import make_aligner


@pytest.mark.parametrize("name", ["AnchoredCentering", "anchoredcentering", "spacy-xlt.AnchoredCentering.v1"])
def test_an_aligner_by_its_short_or_registered_name(name: str) -> None:
    assert isinstance(make_aligner(name), AnchoredCentering)


def test_a_third_party_s_aligner_by_its_registered_name() -> None:
    from spacy.util import registry

    registered = registry.xlt_aligners  # type: ignore[attr-defined]
    registered.register("other.Mine.v1", func=lambda: AnchoredCentering(shrinkage=3.0))
    try:
        assert make_aligner("other.Mine.v1").shrinkage == 3.0  # type: ignore[attr-defined]
        with pytest.raises(XltError, match="There is no aligner 'Mine'; there are other.Mine.v1, spacy-xlt."):
            make_aligner("Mine")
    finally:
        import catalogue

        del catalogue.REGISTRY["spacy", "xlt_aligners", "other.Mine.v1"]

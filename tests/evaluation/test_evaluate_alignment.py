"""Measuring an encoder and a projector on words, sentences and texts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import spacy
from numpy.typing import NDArray
from spacy.language import Language

pytest.importorskip("sklearn")

from spacy_xlt import progress
from spacy_xlt.data.dictionaries import is_held_out
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.evaluate_alignment import evaluate_alignment
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.vectors import unit_rows

WIDTH = 12
SHIFT = {"en": 0.0, "de": 8.0, "sw": 9.0}


class FakeEncoder:
    """A text is `CODE NUMBER`: the same number means the same, and each language is shifted in a direction of its own.

    So without a projection the nearest neighbors are poor, and centering makes them perfect.
    """

    is_loaded = True
    width = WIDTH

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = []
        for text in texts:
            code, number = text.split()
            shift = np.zeros(WIDTH)
            shift[list(SHIFT).index(code)] = SHIFT[code]
            rows.append(np.random.default_rng(int(number)).normal(size=WIDTH) + shift)
        # Not brought to unit length: so the shift is the same for all texts, and centering is exact.
        return np.array(rows, dtype=np.float32)


def texts(code: str, n: int = 40, start: int = 0) -> list[str]:
    return [f"{code} {number}" for number in range(start, start + n)]


def pairs(code: str, n: int = 40, start: int = 0) -> list[tuple[str, str]]:
    return list(zip(texts("en", n, start), texts(code, n, start)))


def make(projector: bool = True, fitted: Sequence[str] = ("en", "de")) -> Language:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_encoder")
    encoder: Any = FakeEncoder()
    find_pipe(nlp, Encoder).encoder = encoder
    if projector:
        nlp.add_pipe("xlt_projector")
        if fitted:
            find_pipe(nlp, Projector).aligner.shrinkage = 0.0  # type: ignore[attr-defined]
            find_pipe(nlp, Projector).fit({code: encoder.encode(texts(code, 500, 1000)) for code in fitted})
    return nlp


def test_projection_brings_words_sentences_and_texts_together() -> None:
    figures = evaluate_alignment(
        make(),
        dictionaries={"de": pairs("de")},
        pairs={"deu": pairs("de")},
        texts={"en": texts("en"), "de": texts("de")},
    )
    assert (figures["source"], figures["width"], list(figures["languages"])) == ("en", WIDTH, ["de"])
    german = figures["languages"]["de"]
    assert german["fitted"] is True
    before, after = german["words"]["before"], german["words"]["after"]
    assert after["words"] == sum(is_held_out(word) for word in texts("en"))
    assert after["cosine"]["p@1"] == after["csls"]["mrr"] == 1.0 > before["cosine"]["p@1"]
    before, after = german["sentences"]["before"], german["sentences"]["after"]
    assert after["pairs"] == 40
    assert after["csls"] == {"from_source": 1.0, "to_source": 1.0}
    assert before["cosine"]["to_source"] < 1.0
    before, after = german["texts"]["before"], german["texts"]["after"]
    assert before["separability"] > 0.9 > 0.7 > after["separability"]
    assert before["mean_csls"] < after["mean_csls"]
    assert figures["mean"]["sentences"]["after"]["csls"] == {"from_source": 1.0, "to_source": 1.0}


def test_the_mean_is_over_the_languages_and_has_no_counts() -> None:
    figures = evaluate_alignment(make(), pairs={"de": pairs("de"), "sw": pairs("sw", 20)})
    german, swahili = (figures["languages"][code]["sentences"]["before"] for code in ("de", "sw"))
    mean = figures["mean"]["sentences"]["before"]
    for way in ("from_source", "to_source"):
        assert mean["cosine"][way] == pytest.approx((german["cosine"][way] + swahili["cosine"][way]) / 2)
    assert "pairs" not in mean
    assert figures["languages"]["sw"]["fitted"] is False


@pytest.mark.parametrize(
    ("nlp", "fitted"), [(make(projector=False), None), (make(fitted=()), False)], ids=["no projector", "unfitted"]
)
def test_without_a_projection_there_is_no_after(nlp: Language, fitted: bool | None) -> None:
    figures = evaluate_alignment(nlp, pairs={"de": pairs("de")}, source="eng")
    assert figures["source"] == "en"
    assert figures["languages"]["de"]["fitted"] is fitted
    assert list(figures["languages"]["de"]["sentences"]) == list(figures["mean"]["sentences"]) == ["before"]


def test_a_sentence_that_occurs_twice_is_no_mistake() -> None:
    doubled = [*pairs("de"), ("en 0", "de 0"), ("en 1", "de 1")]
    figures = evaluate_alignment(make(), pairs={"de": doubled})
    assert figures["languages"]["de"]["sentences"]["after"]["cosine"] == {"from_source": 1.0, "to_source": 1.0}


def test_texts_that_occur_twice_count_once() -> None:
    """Or a text in one fold of the probe would be known from another."""
    once = evaluate_alignment(make(), texts={"en": texts("en"), "de": texts("de")})
    twice = evaluate_alignment(make(), texts={"en": texts("en"), "de": texts("de") * 3})
    assert once == twice


def test_each_text_is_embedded_in_the_progress_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    evaluate_alignment(make(), pairs={"de": pairs("de")}, progress=True)
    assert "Embedding: 100%" in capsys.readouterr().err


# What cannot be measured


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({}, "dictionaries, pairs of sentences, or texts"),
        ({"texts": {"de": texts("de")}}, "source language 'en'"),
        ({"texts": {"en": texts("en"), "de": texts("de", 2) * 4}}, "40 .* 'en' .* 2 .* 'de'.* 5 "),
        ({"pairs": {"eng": pairs("en")}}, "'en' is the source"),
        ({"pairs": {"de": []}}, "'de'"),
        ({"dictionaries": {"de": [("dog", "Hund")]}}, " 1 source words .* 'de'"),
    ],
)
def test_data_that_are_missing(data: dict[str, Any], named: str) -> None:
    with pytest.raises(XltError, match=named):
        evaluate_alignment(make(), **data)


def test_a_pipeline_without_an_encoder() -> None:
    with pytest.raises(XltError, match="Encoder"):
        evaluate_alignment(spacy.blank("xx"), pairs={"de": pairs("de")})


def test_a_source_row_is_never_changed_by_the_projection() -> None:
    nlp = make()
    rows = unit_rows(find_pipe(nlp, Encoder).encode(texts("en")))
    np.testing.assert_array_equal(find_pipe(nlp, Projector).project(rows, [{"en": 1.0}] * 40), rows)

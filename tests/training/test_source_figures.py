"""The figures of the source language that training stores for `estimate`."""

from pathlib import Path

import pytest
import spacy
from spacy.language import Language

pytest.importorskip("transformers")

from spacy_xlt.data.records import Record
from spacy_xlt.evaluation.estimate import estimate
from spacy_xlt.evaluation.source import read_source, source_of
from spacy_xlt.heads.confidence import META_KEY, SourceFigures
from spacy_xlt.models import save
from spacy_xlt.training.model_state import read_head
from spacy_xlt.training.train import Method, train
from tests.records import make_records

DEV = make_records(20, seed=1)


def stored(nlp: Language) -> SourceFigures | None:
    return source_of(read_head(nlp), nlp.meta)


@pytest.mark.parametrize("method", ["frozen", "finetune"])
def test_development_texts_of_the_source_are_measured(method: Method, tiny_bert: Path, tmp_path: Path) -> None:
    nlp = train(make_records(40), dev=[*DEV, *make_records(10, "de")], method=method, encoder=tiny_bert)
    figures = stored(nlp)
    assert figures is not None and figures.sums.n == 20 and figures.gold == (10, 10)
    predicted = [max(doc.cats, key=doc.cats.__getitem__) for doc in nlp.pipe(record.text for record in DEV)]
    assert figures.correct == sum((label,) == record.labels for label, record in zip(predicted, DEV))
    save(nlp, tmp_path / "model")
    for saved in (read_source(tmp_path / "model"), stored(spacy.load(tmp_path / "model"))):
        assert saved is not None and (saved.correct, saved.gold) == (figures.correct, figures.gold)
        assert saved.sums.probabilities == pytest.approx(figures.sums.probabilities)


def test_few_training_texts_are_measured_by_cross_validation(tiny_bert: Path) -> None:
    figures = stored(train(make_records(40), encoder=tiny_bert))
    assert figures is not None and figures.sums.n == 40
    assert stored(train(make_records(40), method="finetune", encoder=tiny_bert)) is None


def test_too_few_development_texts_of_the_source_are_not_measured(tiny_bert: Path) -> None:
    nlp = train(make_records(40), dev=[*DEV[:19], *make_records(20, "de")], encoder=tiny_bert)
    assert META_KEY not in nlp.meta


def test_multilabel_models_have_none(tiny_bert: Path) -> None:
    records = make_records(40)
    nlp = train([*records, Record("Both.", ("billing", "delivery"), "en", "")], encoder=tiny_bert)
    assert META_KEY not in nlp.meta


def test_a_folder_and_its_pipeline_give_the_same_estimates(tiny_bert: Path, tmp_path: Path) -> None:
    nlp = train(make_records(40), encoder=tiny_bert)
    save(nlp, tmp_path / "model")
    texts = [record.text for record in make_records(30, seed=3)]
    by_pipeline = estimate(nlp, texts, language="de").languages["de"]
    by_folder = estimate(tmp_path / "model", texts, language="de").languages["de"]
    assert by_folder.accuracy == pytest.approx(by_pipeline.accuracy, abs=1e-4)
    assert by_folder.figures == pytest.approx(by_pipeline.figures, abs=1e-3)

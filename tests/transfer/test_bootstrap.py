"""From unlabeled texts to a file for review, and from the checked file to a model."""

import json
from pathlib import Path

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("transformers")

from spacy_xlt.data.dataset import Dataset
from spacy_xlt.errors import XltError
from spacy_xlt.training.train import train
from spacy_xlt.transfer.bootstrap import bootstrap, load_checked, pre_labeled_path
from tests.records import make_records

LABELS = {"billing": "invoice, refund, charged card", "delivery": "parcel, late, courier"}


def check_all(path: Path, gold: dict[str, str]) -> None:
    """Correct each label, and mark each text as checked."""
    records = [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]
    lines = [json.dumps({**each, "label": gold[each["text"]], "checked": True}) for each in records]
    path.write_text("\n".join(lines), encoding="utf8")


def test_from_texts_to_a_trained_model(tiny_bert: Path, tmp_path: Path) -> None:
    records = make_records()
    gold = {record.text: record.labels[0] for record in records}
    review = tmp_path / "review.jsonl"
    result = bootstrap(list(gold), LABELS, review, n=12, encoder=tiny_bert, progress=False)
    assert len(result.review) == 12 and len(result.pre_labeled) == len(gold) - 12
    assert {item.text for item in [*result.review, *result.pre_labeled]} == set(gold)
    assert pre_labeled_path(review) == tmp_path / "review.pre-labeled.jsonl"
    check_all(review, gold)
    checked = load_checked(review)
    assert [record.labels[0] for record in checked] == [gold[record.text] for record in checked]
    nlp = train(checked, pre_labeled=pre_labeled_path(review), encoder=tiny_bert, progress=False)
    assert sorted(nlp("My order 1").cats) == sorted({*gold.values(), *LABELS})


def test_the_same_seed_selects_the_same_texts(tiny_bert: Path) -> None:
    texts = [record.text for record in make_records()]
    first, second = (bootstrap(texts, LABELS, n=5, encoder=tiny_bert, seed=3) for _ in range(2))
    assert first.review == second.review


def test_copies_of_a_text_are_checked_once(tiny_bert: Path) -> None:
    texts = [record.text for record in make_records()]
    result = bootstrap([*texts, *texts], LABELS, n=3, encoder=tiny_bert)
    assert len(result.review) + len(result.pre_labeled) == len(set(texts))


def test_a_pre_labeled_text_counts_less_than_a_checked_one(tiny_bert: Path) -> None:
    records = make_records()
    names = sorted({record.labels[0] for record in records})
    wrong = Dataset.load([(record.text, names[names.index(record.labels[0]) - 1]) for record in records], language="en")
    right = train(Dataset(records), encoder=tiny_bert)
    both = train(Dataset(records), pre_labeled=wrong, encoder=tiny_bert)
    for record in records:
        assert max(both(record.text).cats, key=both(record.text).cats.__getitem__) == max(
            right(record.text).cats, key=right(record.text).cats.__getitem__
        )


@pytest.mark.parametrize("n", [0, -1])
def test_a_bad_number(n: int) -> None:
    with pytest.raises(XltError, match=str(n)):
        bootstrap(["text"], LABELS, n=n)


def test_too_few_texts(tiny_bert: Path) -> None:
    with pytest.raises(XltError, match="2 unlabeled"):
        bootstrap(Dataset.load(["one", "two"], labeled=False, language="en"), LABELS, encoder=tiny_bert)

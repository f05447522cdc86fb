"""Data sets by their names on the Hugging Face Hub. Local folders stand for the Hub, which has the same layout."""

from pathlib import Path

import pytest

pytest.importorskip("datasets")

from spacy_xlt import load_dataset
from spacy_xlt.errors import XltError

# The package datasets leaves the CSV files open.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "reviews").mkdir()
    for split in ("train", "test"):
        rows = f"text,label\nGood {split},positive\nBad {split},negative\n"
        (tmp_path / "reviews" / f"{split}.csv").write_text(rows, encoding="utf8")
    return tmp_path / "reviews"


def test_a_split_by_name(folder: Path) -> None:
    dataset = load_dataset(f"hf:{folder}::test", language="en")
    assert dataset.texts == ["Good test", "Bad test"] and dataset.labels == ["negative", "positive"]
    assert dataset.records[1].location == f"hf:{folder}::test:2"
    both = load_dataset([f"hf:{folder}::train", f"hf:{folder}::test"])
    assert len(both) == 4


def test_the_only_split_needs_no_name(folder: Path) -> None:
    (folder / "test.csv").unlink()
    assert load_dataset(f"hf:{folder}").texts == ["Good train", "Bad train"]


def test_a_split_that_is_missing_or_not_named(folder: Path) -> None:
    for name in (f"hf:{folder}", f"hf:{folder}::dev"):
        with pytest.raises(XltError, match="train, test"):
            load_dataset(name)


def test_a_data_set_that_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(XltError, match="hf:"):
        load_dataset(f"hf:{tmp_path}/none::test")

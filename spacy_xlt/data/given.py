"""Former names of `load_dataset`, until their callers have changed."""

from typing import Any

from spacy_xlt.data.dataset import Data as Records
from spacy_xlt.data.dataset import Data as Texts
from spacy_xlt.data.dataset import Data as TextsByLanguage
from spacy_xlt.data.dataset import Dataset, load_dataset, warn_of_bad
from spacy_xlt.data.records import COLUMNS, ColumnNames, Record

__all__ = ["Records", "Texts", "TextsByLanguage", "as_records", "as_texts", "as_texts_by_language"]


def as_records(data: Any, columns: ColumnNames = COLUMNS) -> list[Record]:
    dataset = Dataset.load(data, columns=columns)
    if not isinstance(data, Dataset):
        warn_of_bad(dataset)
    return dataset.records


def as_texts(data: Any) -> list[str]:
    return load_dataset(data, labeled=False).texts


def as_texts_by_language(data: Any) -> dict[str, list[str]]:
    return load_dataset(data, labeled=False).by_language()

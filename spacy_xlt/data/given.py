"""Data as it is given to functions: records and texts, or the files that hold them."""

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Union

from spacy_xlt.data.docbin import Dataset, load_records
from spacy_xlt.data.paths import Paths, paths_of
from spacy_xlt.data.records import COLUMNS, ColumnNames, Record
from spacy_xlt.errors import XltError
from spacy_xlt.languages import as_base_code, by_base_code

# Records, or a file, a folder or a pattern, or a list of them.
Records = Union[Sequence[Record], Paths]
# Texts, or files of them: see `paths_of` for how strings in a list are told apart.
Texts = Union[Sequence[str], Paths]
# {language: texts}, or files whose records say their language.
TextsByLanguage = Union[Mapping[str, Texts], Paths]
_UNLABELLED = ColumnNames(labelled=False)


def as_records(data: Records, columns: ColumnNames = COLUMNS) -> list[Record]:
    """The records themselves, or those of the files. Bad ones are left out with a warning.

    Raises XltError as `load_records` does.
    """
    if isinstance(data, (str, os.PathLike)):
        return _load(data, columns)
    items = list(data)
    if all(isinstance(item, Record) for item in items):
        return items  # type: ignore[return-value]
    if all(isinstance(item, (str, os.PathLike)) for item in items):
        return _load(items, columns)  # type: ignore[arg-type]
    other = next(item for item in items if not isinstance(item, Record))
    raise XltError(f"There are records and {other!r} in one list: give only records, or only paths.")


def as_texts(data: Texts) -> list[str]:
    """The texts themselves, or those of the files."""
    items = data if isinstance(data, (str, os.PathLike)) else list(data)
    paths = paths_of(items)
    if paths is None:
        return list(items)  # type: ignore[arg-type]
    return [record.text for record in _load(paths, _UNLABELLED)]


def as_texts_by_language(data: TextsByLanguage) -> dict[str, list[str]]:
    """{base code: texts}, of texts or of files. Raises XltError for a language that is not known."""
    if isinstance(data, Mapping):
        return {language: as_texts(texts) for language, texts in by_base_code(data, as_base_code).items()}
    return Dataset(_load(data, _UNLABELLED)).by_language()


def _load(paths: Paths, columns: ColumnNames) -> list[Record]:
    loaded = load_records(paths, columns)
    notes: Iterable[str] = loaded.notes
    if loaded.bad:
        first = f"{loaded.bad[0].location}: {loaded.bad[0].reason}"
        notes = [*notes, f"{len(loaded.bad)} bad records are left out (first: {first})."]
    for note in notes:
        warnings.warn(note, stacklevel=4)
    return loaded.records

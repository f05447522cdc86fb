"""Between records and spaCy's binary corpora."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Union

from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_xlt.data.paths import PathLike, Paths, as_list
from spacy_xlt.data.records import COLUMNS, BadRecord, ColumnNames, Record, expand_paths, read_records
from spacy_xlt.data.splits import stratified_holdout
from spacy_xlt.errors import XltError
from spacy_xlt.extensions import claim_extensions, language_of, set_extensions
from spacy_xlt.files import whole_file
from spacy_xlt.languages import as_base_code
from spacy_xlt.text import replace_surrogates


@dataclass
class Dataset:
    """The records of some files, those that could not be used, and what was found out about the files, in sentences."""

    records: list[Record] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def labels(self) -> list[str]:
        return sorted({label for record in self.records for label in record.labels})

    def is_multilabel(self) -> bool:
        return any(len(record.labels) != 1 for record in self.records)

    def by_language(self) -> dict[str, list[str]]:
        """{language: texts}."""
        texts: dict[str, list[str]] = {}
        for record in self.records:
            texts.setdefault(record.language, []).append(record.text)
        return texts


def load_records(
    paths: Paths,
    columns: ColumnNames = COLUMNS,
    language: Optional[str] = None,
    *,
    encoding: Optional[str] = None,
) -> Dataset:
    """Read files of any kind that `xlt` reads, .spacy included.

    paths: a file, a folder or a pattern (`tickets/*.csv`), or a list of them. See `read_records` for the others.
    Raises XltError if a path does not exist, a column is missing, or no usable record is left.
    """
    paths = as_list(paths)
    loaded = Dataset()
    if language is not None:
        language = as_base_code(language)
    for path in expand_paths(paths):
        if path.suffix == ".spacy":
            found = _spacy_records(path, columns, language)
        else:
            found = read_records(path, columns, language, encoding=encoding, say=loaded.notes.append)
        for record in found:
            if isinstance(record, BadRecord):
                loaded.bad.append(record)
            else:
                loaded.records.append(record)
    if not loaded.records:
        reason = f" ({loaded.bad[0].location}: {loaded.bad[0].reason})" if loaded.bad else ""
        raise XltError(f"There is no usable record in {', '.join(paths)}{reason}.")
    return loaded


def _spacy_records(path: Path, columns: ColumnNames, language: Optional[str]) -> Iterator[Union[Record, BadRecord]]:
    from spacy.vocab import Vocab

    set_extensions("language")
    try:
        docs = list(DocBin().from_disk(path).get_docs(Vocab()))
    except Exception as error:  # zlib and msgpack each raise kinds of their own
        raise XltError(f"{path} is no .spacy file, or a damaged one ({error}): convert it again.") from error
    for number, doc in enumerate(docs, start=1):
        labels = tuple(label for label, value in doc.cats.items() if value >= 0.5)
        location = f"{path}:doc {number}"
        if columns.labelled and not doc.cats:
            yield BadRecord(location, "no label", doc.text[:2000])
        else:
            yield Record(doc.text, labels, language or language_of(doc), location)


def make_docs(nlp: Language, records: Iterable[Record], labels: Sequence[str]) -> Iterator[Doc]:
    """Make Docs with gold `cats` over all labels and the gold language in `doc._.language`."""
    claim_extensions("language")
    for record in records:
        doc = nlp.make_doc(record.text)
        if labels:
            doc.cats = {label: float(label in record.labels) for label in labels}
        doc._.language = record.language
        yield doc


def write_docbin(docs: Iterable[Doc], path: PathLike) -> None:
    """Write a .spacy file that keeps `doc.cats` and `doc._.language`; it appears whole or not at all."""
    with whole_file(Path(path)) as scratch:
        DocBin(docs=docs, store_user_data=True).to_disk(scratch)


def write_quarantine(bad: Sequence[BadRecord], path: Path) -> None:
    """Write the bad records as JSONL: location, reason, content. No bad record, no file."""
    if not bad:
        path.unlink(missing_ok=True)
        return
    lines = (json.dumps(vars(record), ensure_ascii=False) for record in bad)
    with whole_file(path) as scratch:
        scratch.write_text("".join(replace_surrogates(line) + "\n" for line in lines), encoding="utf8")


def split_dev(records: Sequence[Record], every: int = 5) -> tuple[list[Record], list[Record]]:
    """Set aside every fifth record of each label for dev; a label with fewer than five keeps all in train.

    By order, not by chance: the same file gives the same split. Copies of one text stay on one side.
    """
    first: dict[str, Record] = {}
    for record in records:
        first.setdefault(record.text, record)
    texts = list(first)
    held = {texts[row] for row in stratified_holdout([record.labels for record in first.values()], every)}
    train = [record for record in records if record.text not in held]
    return train, [record for record in records if record.text in held]

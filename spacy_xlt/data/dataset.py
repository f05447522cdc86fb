"""`Dataset`: labeled or unlabeled texts from files, DataFrames and Python objects."""

import json
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any, Optional, TypedDict, Union

from spacy_xlt.data.hub import is_hub_name, load_hub
from spacy_xlt.data.items import is_table, is_triple, item_row, items_of
from spacy_xlt.data.paths import PathLike, Paths, find_inputs, paths_of
from spacy_xlt.data.records import COLUMNS, ColumnNames, Record, make_record, read_records
from spacy_xlt.data.rows import BadRecord
from spacy_xlt.data.spacy_rows import PAIR
from spacy_xlt.data.splits import stratified_holdout
from spacy_xlt.errors import XltError
from spacy_xlt.files import whole_file
from spacy_xlt.languages import UNKNOWN, as_base_code, by_base_code
from spacy_xlt.text import replace_surrogates

# Whatever `Dataset.load` reads: see its documentation.
Data = Union["Dataset", Paths, Mapping[str, Any], Iterable[Any]]
# Columns that the table in a notebook shows.
SHOWN_LABELS = 20


@dataclass(repr=False)
class Dataset:
    """Texts with their labels and languages, and the records that could not be used.

    Attributes:
        records: The texts, in the order of the data.
        bad: The records that could not be used, each with its location and the reason.
        notes: Sentences about the files, such as which delimiter they have.
    """

    records: list[Record] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def load(
        cls,
        data: Data,
        *,
        columns: ColumnNames = COLUMNS,
        language: Optional[str] = None,
        labeled: bool = True,
        encoding: Optional[str] = None,
    ) -> "Dataset":
        """Read texts of any kind. Records that cannot be used are collected in `bad`.

        Args:
            data: One of:

                - a path, a folder, a pattern such as `tickets/*.csv`, or a list of them. The files are CSV, TSV, JSONL,
                  JSON, Parquet or .spacy, or text files with one unlabeled text per line; also with .gz or .zst.
                - a pandas or polars DataFrame, or a Hugging Face `Dataset`;
                - the name of a data set on the Hugging Face Hub, as `hf:NAME:CONFIGURATION:SPLIT`, or a list of them;
                - an iterable of dicts, of (text, label) pairs, of (text, text, label) triples for pairs of texts, of
                  Records, or of plain texts if `labeled` is false;
                - a mapping {language: any of these};
                - a Dataset, which is returned as it is.
            columns: The names of the fields.
            language: The language of all texts, a code or an English name; None: each record's own language.
            labeled: Whether each record must have a label.
            encoding: The encoding of files without a byte-order mark; None: UTF-8.

        Returns:
            The dataset.

        Raises:
            XltError: A path does not exist, a file is damaged, a column is missing, a language is unknown, or no record
                can be used.

        Example:
            >>> Dataset.load([("Where is my parcel?", "delivery")], language="en")
            Dataset(1 text, 1 label: delivery, 1 language: en)
        """
        if language is not None:
            language = as_base_code(language)
        return cls._load(data, _Options(columns, language, labeled, encoding), "item")

    @classmethod
    def _load(cls, data: Any, options: "_Options", name: str) -> "Dataset":
        """name: the first part of the location of items."""
        if isinstance(data, Dataset):
            return data if options.language is None else data.with_language(options.language)
        hub_names = [data] if isinstance(data, str) else data
        if isinstance(hub_names, (list, tuple)) and hub_names and all(map(is_hub_name, hub_names)):
            return cls.join([cls._load(load_hub(each), options, each) for each in hub_names])
        if isinstance(data, Mapping):
            try:
                parts = by_base_code(data, as_base_code)
            except XltError as error:
                raise XltError(f"A mapping must give the data of each language. {error}") from None
            datasets = {
                code: cls._load(of, replace(options, language=code), f"{code}:item") for code, of in parts.items()
            }
            for code, dataset in datasets.items():
                if not dataset:
                    raise XltError(f"There is no text of language '{code}'. Give some, or leave the language out.")
            return cls.join(datasets.values())
        if not is_table(data) and not isinstance(data, (str, bytes, list, tuple)) and isinstance(data, Iterable):
            data = list(data)
        paths = paths_of(data, texts=not options.labeled)
        dataset = cls()
        found = _records_of_files(paths, options, dataset.notes) if paths else _records_of_items(data, options, name)
        for record in found:
            (dataset.bad if isinstance(record, BadRecord) else dataset.records).append(record)  # type: ignore[arg-type]
        if not dataset.records and (paths or dataset.bad):
            first = f" ({dataset.bad[0].location}: {dataset.bad[0].reason})" if dataset.bad else ""
            raise XltError(f"There is no usable record in {', '.join(paths) if paths else 'the data'}{first}.")
        return dataset

    @classmethod
    def join(cls, datasets: Iterable["Dataset"]) -> "Dataset":
        """Return one dataset with the records of several, in their order."""
        joined = cls()
        for each in datasets:
            joined.records += each.records
            joined.bad += each.bad
            joined.notes += each.notes
        return joined

    @property
    def texts(self) -> list[str]:
        """The texts, in order."""
        return [record.text for record in self.records]

    @property
    def labels(self) -> list[str]:
        """The labels, sorted."""
        return sorted({label for record in self.records for label in record.labels})

    @property
    def languages(self) -> list[str]:
        """The base codes of the languages, sorted; `xx` if some are unknown."""
        return sorted({record.language for record in self.records})

    @property
    def is_multilabel(self) -> bool:
        """Whether a text has several labels, or none."""
        return any(len(record.labels) != 1 for record in self.records)

    def by_language(self) -> dict[str, list[str]]:
        """Return {language: texts}, languages in the order of their first text."""
        texts: dict[str, list[str]] = {}
        for record in self.records:
            texts.setdefault(record.language, []).append(record.text)
        return texts

    def subset(
        self, *, languages: Optional[Collection[str]] = None, labels: Optional[Collection[str]] = None
    ) -> "Dataset":
        """Return the records of some languages and labels. Bad records and notes are not part of a subset.

        Args:
            languages: Codes or English names; None: all languages.
            labels: A record must have at least one of them; None: all records.
        """
        codes = None if languages is None else {as_base_code(language) for language in languages}
        return Dataset(
            [
                record
                for record in self.records
                if (codes is None or record.language in codes)
                and (labels is None or any(label in labels for label in record.labels))
            ]
        )

    def split(self, every: int = 5) -> tuple["Dataset", "Dataset"]:
        """Split the records into training and development data, with the same share of each label.

        About one text in `every` of each label goes to the development data. The split depends on the order of the
        texts and not on chance, so the same data has the same split. Copies of a text stay on one side. A label with
        fewer texts than `every` keeps all of them in the training data.

        Args:
            every: The inverse of the share of the development data.

        Returns:
            The training data and the development data.
        """
        train, dev = split_records(self.records, every)
        return Dataset(train), Dataset(dev)

    def with_language(self, language: str, *, unknown_only: bool = False) -> "Dataset":
        """Return the dataset with another language.

        Args:
            language: A code or an English name.
            unknown_only: Change only the records whose language is unknown.
        """
        code = as_base_code(language)
        records = [
            record if unknown_only and record.language != UNKNOWN else replace(record, language=code)
            for record in self.records
        ]
        return Dataset(records, self.bad, self.notes)

    def to_quarantine(self, path: PathLike) -> None:
        """Write the bad records as JSONL, with location, reason and content. If there are none, remove the file.

        Raises:
            XltError: The file cannot be written.
        """
        write_quarantine(self.bad, Path(path))

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __repr__(self) -> str:
        parts = [_counted(len(self), "text"), _listed(self.labels, "label"), _listed(self.languages, "language")]
        return f"Dataset({', '.join([*parts, *([_counted(len(self.bad), 'bad record')] if self.bad else [])])})"

    def _repr_html_(self) -> str:
        """The number of texts of each language and label, as a table for notebooks."""
        labels = self.labels[:SHOWN_LABELS]
        totals = Counter(record.language for record in self.records)
        counts = Counter((record.language, label) for record in self.records for label in record.labels)
        rows = [["language", *labels, "texts"]]
        rows += [[code, *(str(counts[code, label]) for label in labels), str(totals[code])] for code in totals]
        rows += [["all", *(str(sum(counts[code, label] for code in totals)) for label in labels), str(len(self))]]
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows[1:])
        head = "".join(f"<th>{escape(cell)}</th>" for cell in rows[0])
        return f"<p>{escape(repr(self))}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


@dataclass(frozen=True)
class _Options:
    """What `Dataset.load` was asked for. language: a base code."""

    columns: ColumnNames
    language: Optional[str]
    labeled: bool
    encoding: Optional[str]


class UnlabeledReading(TypedDict, total=False):
    """The options of `load_dataset` that functions pass on to it for unlabeled texts."""

    text: str
    lang: str
    language: Optional[str]
    encoding: Optional[str]


class Reading(UnlabeledReading, total=False):
    """The options of `load_dataset` that functions pass on to it."""

    label: str
    label_separator: Optional[str]
    labels: Sequence[str]


def without_language(reading: Reading) -> Reading:
    """Return the options for other data, whose language is another one."""
    return {name: value for name, value in reading.items() if name != "language"}  # type: ignore[return-value]


def load_dataset(
    data: Data,
    *,
    text: str = "text",
    label: str = "label",
    lang: str = "lang",
    label_separator: Optional[str] = None,
    labels: Sequence[str] = (),
    language: Optional[str] = None,
    encoding: Optional[str] = None,
    labeled: bool = True,
) -> Dataset:
    """Read texts of any kind, and warn once if some records cannot be used.

    Args:
        data: A path, a list of paths, a DataFrame, an iterable and more: see `Dataset.load`. A Dataset is returned
            without a warning.
        text: The name of the field with the text. For pairs of texts, two names, such as `premise,hypothesis`.
        label: The name of the field with the label, or a list of labels.
        lang: The name of the field with the language. It may be missing.
        label_separator: What separates several labels in one field, such as `;`.
        labels: Labels that each have a field of their own with 0 or 1.
        language: The language of all texts, a code or an English name; None: each record's own language.
        encoding: The encoding of files without a byte-order mark; None: UTF-8.
        labeled: Whether each record must have a label.

    Returns:
        The dataset. Its `bad` holds the records that cannot be used.

    Raises:
        XltError: As `Dataset.load`.

    Example:
        >>> load_dataset(["Where is my parcel?", "Wo ist mein Paket?"], labeled=False).texts
        ['Where is my parcel?', 'Wo ist mein Paket?']
    """
    columns = column_names(text, label, lang, label_separator, labels)
    dataset = Dataset.load(data, columns=columns, language=language, encoding=encoding, labeled=labeled)
    if not isinstance(data, Dataset):
        warn_of_bad(dataset)
    return dataset


def column_names(
    text: str,
    label: str = COLUMNS.label,
    lang: str = COLUMNS.language,
    label_separator: Optional[str] = None,
    labels: Sequence[str] = (),
) -> ColumnNames:
    """Return the names of fields. See `load_dataset`.

    Raises:
        XltError: There are more than two names of fields with text, or one is empty.
    """
    first, *others = [name.strip() for name in text.split(",")] if "," in text else [text]
    if len(others) > 1 or not all([first, *others]):
        raise XltError(
            f"'{text}' does not name one field with text, or two fields as in 'premise,hypothesis'.", parameter="text"
        )
    pair = others[0] if others else None
    return ColumnNames(first, label, lang, separator=label_separator or None, labels=tuple(labels), pair=pair)


def warn_of_bad(dataset: Dataset, stacklevel: int = 4) -> None:
    """Warn of the notes about the files, and once of all bad records.

    Args:
        dataset: The dataset.
        stacklevel: As in `warnings.warn`. By default the warning names the line that called the caller's caller.
    """
    notes = list(dataset.notes)
    if dataset.bad:
        first = f"{dataset.bad[0].location}: {dataset.bad[0].reason}"
        notes.append(f"{len(dataset.bad)} bad records are left out (first: {first}).")
    for note in notes:
        warnings.warn(note, stacklevel=stacklevel)


def _records_of_files(paths: Sequence[str], options: _Options, notes: list[str]) -> Iterator[Union[Record, BadRecord]]:
    for each in find_inputs(paths, encoding=options.encoding):
        yield from read_records(
            each.path,
            options.columns,
            options.language,
            labeled=options.labeled,
            encoding=options.encoding,
            say=notes.append,
        )


def _records_of_items(data: Any, options: _Options, name: str) -> Iterator[Union[Record, BadRecord]]:
    for number, item in enumerate(items_of(data), start=1):
        if isinstance(item, Record):
            yield item if options.language is None else replace(item, language=options.language)
        else:
            location = f"{name}:{number}"
            row = item_row(item, location, options.columns)
            columns = (
                replace(options.columns, pair=options.columns.pair or PAIR) if is_triple(item) else options.columns
            )
            yield make_record(location, row, columns, options.language, labeled=options.labeled)


def split_records(records: Sequence[Record], every: int = 5) -> tuple[list[Record], list[Record]]:
    """Split records into training and development data: see `Dataset.split`."""
    first: dict[str, Record] = {}
    for record in records:
        first.setdefault(record.text, record)
    texts = list(first)
    holdout = {texts[row] for row in stratified_holdout([record.labels for record in first.values()], every)}
    train = [record for record in records if record.text not in holdout]
    return train, [record for record in records if record.text in holdout]


def write_quarantine(bad: Sequence[BadRecord], path: Path) -> None:
    """Write bad records as JSONL: see `Dataset.to_quarantine`."""
    if not bad:
        path.unlink(missing_ok=True)
        return
    lines = (json.dumps(vars(record), ensure_ascii=False) for record in bad)
    with whole_file(path) as scratch:
        scratch.write_text("".join(replace_surrogates(line) + "\n" for line in lines), encoding="utf8")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _listed(names: Sequence[str], what: str) -> str:
    """The number of names, and the names if they are few."""
    return _counted(len(names), what) + (f": {' '.join(names)}" if 0 < len(names) <= SHOWN_LABELS else "")

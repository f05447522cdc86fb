"""From records to spaCy's binary corpora."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Union

from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.records import Record
from spacy_xlt.extensions import claim_extensions, set_extensions
from spacy_xlt.files import whole_file


def make_docs(nlp: Language, records: Iterable[Record], labels: Sequence[str]) -> Iterator[Doc]:
    """Make Docs with gold `cats` over all labels, the gold language in `doc._.language`, and the second text of a pair.

    Args:
        nlp: Its tokenizer makes the Docs.
        records: The texts.
        labels: All labels; empty for unlabeled texts.
    """
    claim_extensions("language")
    set_extensions("xlt_pair")
    for record in records:
        doc = nlp.make_doc(record.text)
        doc._.xlt_pair = record.pair
        if labels:
            doc.cats = {label: float(label in record.labels) for label in labels}
        doc._.language = record.language
        yield doc


def make_inputs(nlp: Language, records: Iterable[Record]) -> Iterator[Union[str, Doc]]:
    """Yield what `nlp.pipe` takes: the text of a record, or a Doc with the second text of a pair."""
    for record in records:
        yield record.text if record.pair is None else make_pair(nlp, record.text, record.pair)


def make_pair(nlp: Language, text: str, pair: str) -> Doc:
    """Return a Doc of a text with the second text of its pair in `doc._.xlt_pair`."""
    set_extensions("xlt_pair")
    doc = nlp.make_doc(text)
    doc._.xlt_pair = pair
    return doc


def write_docbin(docs: Iterable[Doc], path: PathLike) -> None:
    """Write a .spacy file that keeps `doc.cats` and `doc._.language`. An interrupted write leaves the old file.

    Raises:
        XltError: The file cannot be written.
    """
    with whole_file(Path(path)) as scratch:
        DocBin(docs=docs, store_user_data=True).to_disk(scratch)

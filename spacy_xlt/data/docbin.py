"""From records to spaCy's binary corpora."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.records import Record
from spacy_xlt.extensions import claim_extensions
from spacy_xlt.files import whole_file


def make_docs(nlp: Language, records: Iterable[Record], labels: Sequence[str]) -> Iterator[Doc]:
    """Make Docs with gold `cats` over all labels, and the gold language in `doc._.language`.

    Args:
        nlp: Its tokenizer makes the Docs.
        records: The texts.
        labels: All labels; empty for unlabeled texts.
    """
    claim_extensions("language")
    for record in records:
        doc = nlp.make_doc(record.text)
        if labels:
            doc.cats = {label: float(label in record.labels) for label in labels}
        doc._.language = record.language
        yield doc


def write_docbin(docs: Iterable[Doc], path: PathLike) -> None:
    """Write a .spacy file that keeps `doc.cats` and `doc._.language`. An interrupted write leaves the old file.

    Raises:
        XltError: The file cannot be written.
    """
    with whole_file(Path(path)) as scratch:
        DocBin(docs=docs, store_user_data=True).to_disk(scratch)

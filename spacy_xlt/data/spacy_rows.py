"""Rows of .spacy files (DocBin)."""

from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_xlt.data.rows import Rows
from spacy_xlt.errors import XltError
from spacy_xlt.extensions import language_of, set_extensions

# The names of the fields of each row.
TEXT, CATS, LANGUAGE, PAIR = "text", "cats", "lang", "pair"


def spacy_rows(content: bytes, path: str) -> Rows:
    """Yield the Docs of a .spacy file as `{text, cats, lang}`, each with its location `path:number`.

    The row of a pair also has the field `pair`.

    Args:
        content: The bytes of the file.
        path: The name of the file.

    Raises:
        XltError: The file is not a .spacy file, or is damaged.
    """
    set_extensions("language", "xlt_pair")
    try:
        docs = list(DocBin().from_bytes(content).get_docs(Vocab()))
    except Exception as error:  # zlib and msgpack each raise their own kinds
        raise XltError(f"{path} is not a .spacy file, or is damaged ({error}). Convert it again.") from error
    for number, doc in enumerate(docs, start=1):
        row = {TEXT: doc.text, CATS: dict(doc.cats), LANGUAGE: language_of(doc)}
        yield f"{path}:{number}", row if doc._.xlt_pair is None else {**row, PAIR: doc._.xlt_pair}

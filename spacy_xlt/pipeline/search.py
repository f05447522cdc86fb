"""`xlt_search`: finds the texts of an index that are nearest to a Doc."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Callable, Optional, Union

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import SimpleFrozenList

from spacy_xlt.errors import XltError
from spacy_xlt.extensions import set_extensions
from spacy_xlt.pipeline.stream import DocPipe
from spacy_xlt.search.store import Store
from spacy_xlt.vectors import unit_rows

DEFAULT_CONFIG = {"k": 5, "csls": False}
EXTENSIONS = ("xlt_embedding", "xlt_projected", "xlt_hits")


@Language.factory(
    "xlt_search", default_config=DEFAULT_CONFIG, requires=["doc._.xlt_embedding"], assigns=["doc._.xlt_hits"]
)
def make_search(nlp: Language, name: str, *, k: int, csls: bool) -> "Search":
    return Search(name, k=k, csls=csls)


class Search(DocPipe):
    """Find the texts of an index that are nearest to each Doc.

    The component writes `doc._.xlt_hits`: a list of dictionaries with `id`, `score` (the cosine), `text`, `lang` and
    the other fields of the text, best first. A blank Doc has none. Build the index with `xlt.Index` and the same
    pipeline.

    Args:
        name: The name of the component.
        k: The number of texts to find.
        csls: Rank by CSLS: see `xlt.Index.search`.

    Example:
        nlp.add_pipe("xlt_search")
        nlp.get_pipe("xlt_search").initialize(index="index")
        nlp("Where is my parcel?")._.xlt_hits[0]["id"]
    """

    def __init__(self, name: str = "xlt_search", *, k: int = 5, csls: bool = False) -> None:
        if k < 1:
            raise XltError(f"{name}: k is {k}. It must be at least 1.")
        self.name, self.k, self.csls = name, k, csls
        self.store: Optional[Store] = None
        set_extensions(*EXTENSIONS)

    def initialize(
        self,
        get_examples: Optional[Callable[[], Iterable[Example]]] = None,
        *,
        nlp: Optional[Language] = None,
        index: Optional[str] = None,
    ) -> None:
        """Load an index.

        Args:
            get_examples: Not used.
            nlp: Not used.
            index: The folder of an index that was built with the components before this one. None loads nothing.

        Raises:
            XltError: The folder is not an index, or is damaged.
        """
        if index is not None:
            self.store = Store.load(Path(index).expanduser())[0]

    def _annotate(self, docs: list[Doc]) -> None:
        set_extensions(*EXTENSIONS)
        if self.store is None:
            raise XltError(f"{self.name} has no index. Load one with initialize(index=FOLDER).")
        found = [doc._.xlt_embedding if doc._.xlt_projected is None else doc._.xlt_projected for doc in docs]
        if any(vector is None for vector in found):
            raise XltError(f"{self.name} needs doc._.xlt_embedding: put xlt_encoder before it in the pipeline.")
        vectors = unit_rows(np.array(found, dtype=np.float32))
        if vectors.shape[1] != self.store.width:
            raise XltError(
                f"{self.name}: the index was built with an encoder of {self.store.width} dimensions, but these "
                f"embeddings have {vectors.shape[1]}. Build the index again."
            )
        rows, scores = self.store.search(vectors, self.k, csls=self.csls)
        for doc, vector, of_doc, its_scores in zip(docs, vectors, rows.tolist(), scores.tolist()):
            hits: list[dict[str, Any]] = []
            if vector.any():
                hits = [{**self.store.lines[row], "score": score} for row, score in zip(of_doc, its_scores)]
            doc._.xlt_hits = hits

    def to_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = SimpleFrozenList()) -> None:
        """Write the index."""
        if self.store is not None:
            self.store.save(Path(path), {}, {})

    def from_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = SimpleFrozenList()) -> "Search":
        if Path(path).exists():
            self.store = Store.load(Path(path))[0]
        return self

    def to_bytes(self, *, exclude: Iterable[str] = SimpleFrozenList()) -> bytes:
        return b"" if self.store is None else self.store.to_bytes()

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = SimpleFrozenList()) -> "Search":
        self.store = Store.from_bytes(data) if data else None
        return self

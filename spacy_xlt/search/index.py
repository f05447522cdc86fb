"""`Index`: texts that can be searched in any language."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
from spacy.language import Language

from spacy_xlt.alignment.affine import Floats
from spacy_xlt.data.dataset import Data, Dataset, warn_of_bad
from spacy_xlt.errors import XltError
from spacy_xlt.search.embedding import check_same_pipeline, embed, pipeline_of, probe, projection_digest
from spacy_xlt.search.entries import ID_FIELD, LANGUAGE_FIELD, TEXT_FIELD, read_entries
from spacy_xlt.search.folder import load_array
from spacy_xlt.search.lines import Wanted
from spacy_xlt.search.store import Store

PROBE_FILE = "probe.npy"


@dataclass(frozen=True)
class Hit:
    """An entry that was found.

    Attributes:
        id: The id of the entry.
        score: The cosine of its embedding and that of the query, from -1 to 1.
        text: Its text.
        language: The base code of its language.
        fields: All other fields of its record.
    """

    id: str
    score: float
    text: str
    language: str
    fields: dict[str, Any] = field(default_factory=dict)


class Index:
    """Search texts in any language by what they mean.

    Up to 200,000 texts are searched exactly. More are searched approximately, which needs the extra `search`.

    Args:
        nlp: A pipeline with `xlt_encoder`, or a model folder. With `xlt_langdetect` and a fitted `xlt_projector`, the
            bias of the languages is removed, so that a text in another language is found as well as one in the
            language of the query. None: the default encoder, without a projection.

    Attributes:
        nlp: The pipeline.
        settings: What is saved with the index, as JSON. `FAQ` keeps its calibration here.

    Example:
        index = xlt.Index("model")
        index.add([{"id": "returns", "text": "You can return articles within 30 days.", "lang": "en"}])
        index.search("Wie lange kann ich etwas zurückgeben?")[0].id
        index.save("index")
        index = xlt.Index.load("index", "model")
    """

    def __init__(self, nlp: Union[Language, str, Path, None] = None) -> None:
        self.nlp = pipeline_of(nlp)
        self.settings: dict[str, Any] = {}
        self._store: Optional[Store] = None
        # What shows that a pipeline embeds texts as this one: see `check_same_pipeline`.
        self._probe = np.empty((0, 0), dtype=np.float32)
        self._projection = ""

    def __len__(self) -> int:
        return 0 if self._store is None else len(self._store)

    def __iter__(self) -> Iterator[Hit]:
        """Yield all texts, each as a hit with the score 1."""
        for row in range(len(self)):
            yield _hit(self._filled(), row, 1.0)

    def add(
        self,
        data: Data,
        *,
        text: str = TEXT_FIELD,
        id: str = ID_FIELD,
        lang: str = LANGUAGE_FIELD,
        language: Optional[str] = None,
        encoding: Optional[str] = None,
        progress: bool = True,
    ) -> list[str]:
        """Add texts. A text replaces an older one with the same id.

        Args:
            data: Docs, or whatever `load_dataset` takes: files, a DataFrame, dicts, texts. All fields are kept.
            text: The name of the field with the text.
            id: The name of the field with the id. Texts without an id are numbered.
            lang: The name of the field with the language. Where it is missing, the language is detected.
            language: The language of all texts, a code or an English name; None: each record's own language.
            encoding: The encoding of files without a byte-order mark; None: UTF-8.
            progress: Show a progress bar.

        Returns:
            The ids of the texts.

        Raises:
            XltError: The data cannot be read, have no text, or have an id twice.
        """
        entries, bad = read_entries(data, text=text, id=id, lang=lang, language=language, encoding=encoding)
        warn_of_bad(Dataset(bad=bad), stacklevel=3)
        if not entries:
            raise XltError("There are no texts to add to the index. Give at least one.")
        embedded = embed(
            self.nlp, [entry.text for entry in entries], [entry.language for entry in entries], progress=progress
        )
        if self._store is None:
            self._store = Store(embedded.vectors.shape[1])
            self._probe, self._projection = probe(self.nlp), projection_digest(self.nlp)
        elif self._projection != projection_digest(self.nlp):
            raise XltError("The projection of the pipeline has changed since the index was built. Build it again.")
        return self._store.add(
            [entry.in_language(code) for entry, code in zip(entries, embedded.languages)],
            embedded.vectors,
            progress=progress,
        )

    def remove(self, ids: Sequence[str]) -> None:
        """Remove texts.

        Args:
            ids: The ids of the texts.

        Raises:
            XltError: There is no text with one of the ids. Nothing is removed then.
        """
        if isinstance(ids, str):
            raise XltError("remove takes a list of ids, not a single id. Put the id into a list.")
        self._filled().remove(ids)

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        where: Optional[Mapping[str, Wanted]] = None,
        csls: bool = False,
        language: Optional[str] = None,
    ) -> list[Hit]:
        """Find the texts that are nearest to a query in any language.

        Args:
            query: The query.
            k: The number of texts to find.
            where: Filters: the wanted value of each field, such as {"lang": "de"}, or a list of values.
            csls: Rank by CSLS, which penalizes texts that are near to many others. It helps if the index has texts in
                several languages, and costs a little if all are in one. See benchmarks/search.py.
            language: The language of the query, a code or an English name; None: it is detected.

        Returns:
            The texts, best first: at most k.

        Raises:
            XltError: The index is empty, or no text has a field to filter on.
        """
        return self.search_all([query], k, where=where, csls=csls, language=language)[0]

    def search_all(
        self,
        queries: Sequence[str],
        k: int = 10,
        *,
        where: Optional[Mapping[str, Wanted]] = None,
        csls: bool = False,
        language: Optional[str] = None,
    ) -> list[list[Hit]]:
        """Search for several queries at once. See `search`."""
        if isinstance(queries, str):
            raise XltError("search_all takes a list of queries, not a single query. Put the query into a list.")
        vectors = embed(self.nlp, queries, [language or ""] * len(queries)).vectors
        return self.search_vectors(vectors, k, where=where, csls=csls)

    def search_vectors(
        self, vectors: Floats, k: int = 10, *, where: Optional[Mapping[str, Wanted]] = None, csls: bool = False
    ) -> list[list[Hit]]:
        """Search with embeddings `[q, d]` of the same pipeline, such as `doc._.xlt_projected`. See `search`."""
        store = self._filled()
        if k < 1:
            raise XltError(f"k is {k}. It must be at least 1.")
        queries = np.asarray(vectors, dtype=np.float32)
        rows, scores = store.search(queries, k, where=where, csls=csls)
        found = [[_hit(store, row, score) for row, score in zip(*each)] for each in zip(rows.tolist(), scores.tolist())]
        # A blank query has a vector of zeros, which is near to nothing.
        return [hits if is_filled else [] for hits, is_filled in zip(found, np.atleast_1d(queries.any(axis=1)))]

    def cosines(self, vectors: Floats) -> Floats:
        """Return the cosine of each embedding `[q, d]` with each text, `[q, n]`, in the order of iteration."""
        return np.asarray(vectors, dtype=np.float32) @ self._filled().vectors.T

    def _filled(self) -> Store:
        if self._store is None or not len(self._store):
            raise XltError("The index is empty. Add texts first.")
        return self._store

    def save(self, folder: Union[str, Path]) -> None:
        """Save the index as a folder. The pipeline is not part of it.

        Args:
            folder: The folder. An older index there is replaced.

        Raises:
            XltError: The index is empty, the folder holds something else, or it cannot be written.
        """
        store = self._filled()
        store.save(Path(folder), {"projection": self._projection, "settings": self.settings}, {PROBE_FILE: self._probe})

    @classmethod
    def load(cls, folder: Union[str, Path], nlp: Union[Language, str, Path, None] = None) -> "Index":
        """Load an index. It is mapped into memory, and nothing in the folder is executed.

        Args:
            folder: The folder that `save` has written.
            nlp: The pipeline that the index was built with, or its folder. None: the default encoder.

        Raises:
            XltError: The index is damaged, or was built with another encoder or projection.
        """
        store, facts = Store.load(Path(folder))
        index = cls(nlp)
        index._store = store
        index._probe = np.array(load_array(Path(folder) / PROBE_FILE))
        index._projection = str(facts.get("projection", ""))
        index.settings = dict(facts.get("settings", {}))
        check_same_pipeline(index.nlp, index._probe, index._projection, str(folder))
        return index


def _hit(store: Store, row: int, score: float) -> Hit:
    fields = store.lines[row]
    return Hit(fields.pop(ID_FIELD), score, fields.pop(TEXT_FIELD), fields.pop(LANGUAGE_FIELD), fields)

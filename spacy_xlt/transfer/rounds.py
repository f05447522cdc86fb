"""Where a method of several rounds leaves what it has reached, so that a killed run goes on at its last round."""

import shutil
from pathlib import Path
from typing import Optional

import spacy
from spacy.language import Language

from spacy_xlt.errors import XltError
from spacy_xlt.files import whole_folder
from spacy_xlt.model_folder import MARKER
from spacy_xlt.training.model_state import restore, take_snapshot

META_KEY = "xlt_rounds"


class Rounds:
    """A model folder with the model of the last whole round, kept until the run ends.

    folder: None keeps nothing. key: tells data, settings and model of this run from those of others.
    """

    def __init__(self, folder: Optional[Path], key: str) -> None:
        self.folder, self.key = folder, key

    def resume(self, nlp: Language) -> int:
        """Put the model of the last round into the pipeline; return the number of rounds that are done."""
        if self.folder is None or not (self.folder / MARKER).is_file():
            return 0
        try:
            saved = spacy.load(self.folder)
        except Exception as error:  # whatever a damaged file makes of itself
            raise XltError(
                f"{self.folder}, where the last run left its round, is damaged ({error}): remove it."
            ) from error
        noted = saved.meta.get(META_KEY, {})
        if noted.get("key") != self.key:
            return 0
        restore(nlp, take_snapshot(saved))
        return int(noted["done"])

    def save(self, nlp: Language, done: int) -> None:
        if self.folder is None:
            return
        nlp.meta[META_KEY] = {"key": self.key, "done": done}
        try:
            with whole_folder(self.folder, MARKER) as scratch:
                nlp.to_disk(scratch)
        finally:
            del nlp.meta[META_KEY]

    def clear(self) -> None:
        if self.folder is not None and (self.folder / MARKER).is_file():
            shutil.rmtree(self.folder)

"""Keep the model of each round of a method, so that a killed run resumes."""

import shutil
from pathlib import Path
from typing import Optional

import spacy
from spacy.language import Language

from spacy_xlt.errors import XltError, first_line
from spacy_xlt.files import whole_folder
from spacy_xlt.model_folder import MARKER
from spacy_xlt.training.model_state import restore, take_snapshot

META_KEY = "xlt_rounds"


class Rounds:
    """A model folder that holds the model of the last complete round until the run ends.

    Args:
        folder: The folder; None keeps nothing.
        key: Identifies the data, the settings and the start model. A folder with another key is ignored.
    """

    def __init__(self, folder: Optional[Path], key: str) -> None:
        self.folder, self.key = folder, key

    def resume(self, nlp: Language) -> int:
        """Put the model of the last round into the pipeline, and return the number of complete rounds.

        Raises:
            XltError: The folder is damaged.
        """
        if self.folder is None or not (self.folder / MARKER).is_file():
            return 0
        try:
            saved = spacy.load(self.folder)
        except Exception as error:  # a damaged file can raise anything
            raise XltError(
                f"{self.folder}: the checkpoint is damaged ({first_line(error)}). Remove the folder."
            ) from error
        state = saved.meta.get(META_KEY, {})
        if state.get("key") != self.key:
            return 0
        restore(nlp, take_snapshot(saved))
        return int(state["done"])

    def save(self, nlp: Language, done: int) -> None:
        """Write the model after `done` rounds in place of the one before."""
        if self.folder is None:
            return
        nlp.meta[META_KEY] = {"key": self.key, "done": done}
        try:
            with whole_folder(self.folder, MARKER) as scratch:
                nlp.to_disk(scratch)
        finally:
            del nlp.meta[META_KEY]

    def clear(self) -> None:
        """Remove the folder at the end of the run."""
        if self.folder is not None and (self.folder / MARKER).is_file():
            shutil.rmtree(self.folder)

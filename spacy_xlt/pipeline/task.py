"""What components with an encoder of their own share: `xlt_pairs`, `xlt_ner` and `xlt_qa`."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np
from spacy.training import Example

from spacy_xlt.encoders.base import Floats2d, TextEncoder
from spacy_xlt.encoders.folder import default_folder
from spacy_xlt.errors import XltError
from spacy_xlt.pipeline.saved import SavedPipe
from spacy_xlt.tasks.model import TaskModel


class TaskPipe(SavedPipe):
    """A component with an encoder and a linear layer on its word pieces. `spacy_xlt.train` trains it.

    Args:
        name: The name of the component.
        encoder: A back end from the registry `xlt_encoders`.
        scorer: The function that `nlp.evaluate` calls.
    """

    def __init__(self, name: str, *, encoder: TextEncoder, scorer: Optional[Any] = None) -> None:
        self.name = name
        self.model = TaskModel(encoder)
        self.scorer = scorer
        self.cfg: dict[str, Any] = {}

    @property
    def saved(self) -> TaskModel:
        """The model: the encoder, the layer and the settings."""
        return self.model

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels. There are none until the component is trained or loaded."""
        return self.model.labels

    @property
    def trained_model(self) -> TaskModel:
        """The model.

        Raises:
            XltError: The component is not trained.
        """
        if not self.model.is_loaded:
            raise XltError(f"{self.name} is not trained. Train it with spacy_xlt.train, or load a trained model.")
        return self.model

    def sample_scores(self, texts: Sequence[str]) -> Floats2d:
        """Return scores [n, outputs] for texts, in which an exported model is compared with the trained one."""
        tokenizer = self.trained_model.tokenizer
        pieces = [each for each in tokenizer.pieces(texts) if each.ids]
        windows = [window.ids for each in pieces for window in tokenizer.windows(each, length=128, overlap=32)]
        return np.concatenate(self.trained_model.scores(windows))

    def _load_default(self) -> None:
        if not self.model.encoder.is_loaded:
            self._load_source(default_folder())

    def _load_source(self, folder: Path) -> None:
        self.model.load_encoder(folder)
        self.forget()

    def score(self, examples: Iterable[Example], **settings: Any) -> dict[str, Any]:
        """Score examples with gold annotations, as `nlp.evaluate` does."""
        if self.scorer is None:
            return {}
        return dict(self.scorer(examples, **{"labels": self.labels, **self.cfg, **settings}))

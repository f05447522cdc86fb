"""`xlt_zeroshot`: classifies Docs by labels that are described in words."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import SimpleFrozenList
from thinc.api import Config

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.errors import XltError
from spacy_xlt.extensions import set_extensions
from spacy_xlt.pipeline.requirements import require_extra
from spacy_xlt.pipeline.stream import DocPipe
from spacy_xlt.zeroshot.base import ZeroShotScorer

DEFAULT_CONFIG_STR = """
[xlt_zeroshot]
scorer = {"@scorers": "spacy-xlt.textcat_scorer.v1"}

[xlt_zeroshot.back_end]
@xlt_zeroshot_scorers = "spacy-xlt.Prototypes.v1"
"""
DEFAULT_CONFIG = Config().from_str(DEFAULT_CONFIG_STR)["xlt_zeroshot"]
EXTENSIONS = ("xlt_projected",)
# Where `spacy_xlt.zero_shot` puts what the pipeline was made from.
META_KEY = "xlt_zero_shot"


@Language.factory("xlt_zeroshot", default_config=DEFAULT_CONFIG, assigns=["doc.cats"])
def make_zeroshot(nlp: Language, name: str, *, back_end: ZeroShotScorer, scorer: Optional[Any]) -> "ZeroShot":
    """Make the component for `nlp.add_pipe`. See `ZeroShot`."""
    require_extra(nlp, back_end)
    return ZeroShot(name, back_end=back_end, scorer=scorer)


class ZeroShot(DocPipe):
    """Classify each Doc by labels that are described in words, in `doc.cats`.

    `spacy_xlt.zero_shot` makes a pipeline with this component and gives it the labels.

    Args:
        name: The name of the component.
        back_end: A back end from the registry `xlt_zeroshot_scorers`.
        scorer: The function that `nlp.evaluate` calls.
    """

    def __init__(self, name: str = "xlt_zeroshot", *, back_end: ZeroShotScorer, scorer: Optional[Any] = None) -> None:
        self.name = name
        self.back_end = back_end
        self.scorer = scorer
        # Text categorizers of spaCy have these settings; the default scorer and `xlt evaluate` read them.
        self.cfg: dict[str, Any] = {"threshold": 0.0}
        set_extensions(*EXTENSIONS)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels. There are none until they are described."""
        return tuple(self.back_end.labels)

    def _annotate(self, docs: list[Doc]) -> None:
        for doc, row in zip(docs, self.predict(docs).tolist()):
            doc.cats = dict(zip(self.labels, row))

    def predict(self, docs: Sequence[Doc]) -> Floats2d:
        """Return the probabilities [n, labels] of Docs.

        Raises:
            XltError: The component has no labels yet, or the Docs have no projected embeddings.
        """
        if not self.labels:
            raise XltError(f"{self.name} has no labels. Make the pipeline with spacy_xlt.zero_shot, or load a model.")
        if not docs:
            return np.zeros((0, len(self.labels)), dtype=np.float32)
        return self.back_end.probabilities([doc.text for doc in docs], self._vectors(docs))

    def _vectors(self, docs: Sequence[Doc]) -> Optional[Floats2d]:
        if not self.back_end.reads_vectors:
            return None
        set_extensions(*EXTENSIONS)
        vectors = [doc._.xlt_projected for doc in docs]
        if any(vector is None for vector in vectors):
            raise XltError(f"{self.name} needs doc._.xlt_projected: put xlt_projector before it in the pipeline.")
        return np.array(vectors, dtype=np.float32)

    def score(self, examples: Iterable[Example], **settings: Any) -> dict[str, Any]:
        """Score examples with gold labels, as `nlp.evaluate` does."""
        if self.scorer is None:
            return {}
        options = {"labels": self.labels, "multi_label": False, **self.cfg, **settings}
        return dict(self.scorer(examples, **options))

    def to_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = SimpleFrozenList()) -> None:
        """Write the labels and what the back end needs."""
        if self.labels:
            self.back_end.to_disk(Path(path))

    def from_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = SimpleFrozenList()) -> "ZeroShot":
        """Load what `to_disk` has written. If the folder does not exist, nothing changes."""
        if Path(path).exists():
            self.back_end.load(Path(path))
        return self

    def to_bytes(self, *, exclude: Iterable[str] = SimpleFrozenList()) -> bytes:
        """Return what `to_disk` writes. The bytes are empty if there are no labels."""
        return self.back_end.to_bytes() if self.labels else b""

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = SimpleFrozenList()) -> "ZeroShot":
        """Load what `to_bytes` has returned."""
        if data:
            self.back_end.from_bytes(data)
        return self

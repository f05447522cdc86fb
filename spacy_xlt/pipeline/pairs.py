"""`xlt_pairs`: the component that classifies pairs of texts, such as a premise and a hypothesis."""

from collections.abc import Sequence
from typing import Any, Optional

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.cache import TextCache
from spacy_xlt.encoders.base import Floats1d, Floats2d, TextEncoder
from spacy_xlt.errors import XltError
from spacy_xlt.extensions import set_extensions
from spacy_xlt.pipeline.requirements import require_extra
from spacy_xlt.pipeline.task import TaskPipe
from spacy_xlt.tasks.pairs import Pair, pair_probabilities

DEFAULT_CONFIG_STR = """
[xlt_pairs]
cache_size = 4096
scorer = {"@scorers": "spacy-xlt.textcat_scorer.v1"}

[xlt_pairs.encoder]
@xlt_encoders = "spacy-xlt.TorchEncoder.v1"
"""
DEFAULT_CONFIG = Config().from_str(DEFAULT_CONFIG_STR)["xlt_pairs"]
EXTENSIONS = ("xlt_pair",)
SCORE_WEIGHTS = {"cats_score": None, "cats_macro_f": 1.0, "cats_micro_f": 0.0, "cats_by_language": None}


@Language.factory("xlt_pairs", default_config=DEFAULT_CONFIG, assigns=["doc.cats"], default_score_weights=SCORE_WEIGHTS)
def make_pairs(
    nlp: Language, name: str, *, encoder: TextEncoder, cache_size: int, scorer: Optional[Any]
) -> "PairClassifier":
    """Make the component for `nlp.add_pipe`. See `PairClassifier`."""
    require_extra(nlp, encoder)
    return PairClassifier(name, encoder=encoder, cache_size=cache_size, scorer=scorer)


class PairClassifier(TaskPipe):
    """Classify pairs of texts, in `doc.cats`. The first text is that of the Doc, the second is `doc._.xlt_pair`.

    A Doc whose `doc._.xlt_pair` is None has no pair. It gets the share of each label in the training data.

    `spacy_xlt.train(task="pairs")` makes a pipeline with this component.

    Args:
        name: The name of the component.
        encoder: A back end from the registry `xlt_encoders`.
        cache_size: The number of texts whose vectors are kept, if the model reads each text alone.
        scorer: The function that `nlp.evaluate` calls.
    """

    def __init__(
        self,
        name: str = "xlt_pairs",
        *,
        encoder: TextEncoder,
        cache_size: int = DEFAULT_CONFIG["cache_size"],
        scorer: Optional[Any] = None,
    ) -> None:
        super().__init__(name, encoder=encoder, scorer=scorer)
        # Text categorizers of spaCy have these settings; the default scorer and `xlt evaluate` read them.
        self.cfg = {"threshold": 0.0}
        self._cache: TextCache[Floats1d] = TextCache(cache_size)
        set_extensions(*EXTENSIONS)

    def predict(self, docs: Sequence[Doc]) -> Floats2d:
        """Return the probabilities [n, labels] of Docs.

        Raises:
            XltError: The component is not trained, or `doc._.xlt_pair` is not a text.
        """
        set_extensions(*EXTENSIONS)
        return pair_probabilities(self.trained_model, [_pair_of(doc) for doc in docs], self._cache)

    def forget(self) -> None:
        """Drop the vectors that are remembered."""
        self._cache.clear()

    def sample_scores(self, texts: Sequence[str]) -> Floats2d:
        """Return the probabilities of the pairs of neighboring texts. See `TaskPipe.sample_scores`."""
        return pair_probabilities(self.trained_model, list(zip(texts, texts[1:])))

    def _annotate(self, docs: list[Doc]) -> None:
        for doc, row in zip(docs, self.predict(docs).tolist()):
            doc.cats = dict(zip(self.labels, row))


def _pair_of(doc: Doc) -> Pair:
    second = doc._.xlt_pair
    if second is not None and not isinstance(second, str):
        raise XltError(f"doc._.xlt_pair is {second!r}, not a text. Set it to the second text of the pair, or to None.")
    return doc.text, second

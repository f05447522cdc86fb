"""A trained model of pairs of texts, without spaCy."""

from collections.abc import Sequence

from spacy_xlt.encoders.base import Floats2d
from spacy_xlt.serving.model_folder import Component, make_registered
from spacy_xlt.tasks.model import TaskModel
from spacy_xlt.tasks.pairs import Pair, pair_probabilities


class PairScorer:
    """Compute the probabilities of the labels of pairs of texts.

    The attribute `labels` holds the names of the labels.

    Args:
        component: The component `xlt_pairs` of a model folder.

    Raises:
        XltError: The folder is damaged.
    """

    def __init__(self, component: Component) -> None:
        self._model = TaskModel(make_registered(component.config["encoder"], "xlt_encoders", str(component.folder)))
        self._model.load(component.folder)
        self.labels = self._model.labels

    def __call__(self, pairs: Sequence[Pair]) -> Floats2d:
        """Return the probabilities [n, labels] of pairs."""
        return pair_probabilities(self._model, pairs)

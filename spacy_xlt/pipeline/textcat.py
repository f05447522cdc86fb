"""`xlt_textcat` and `xlt_textcat_multilabel`: spaCy's text categorizers with our default model and scorer."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.pipeline.textcat import TextCategorizer
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.tokens import Doc
from spacy.training import Corpus, Example
from thinc.api import Config, Model
from thinc.types import Floats2d

from spacy_xlt.errors import XltError
from spacy_xlt.extensions import set_extensions
from spacy_xlt.heads.fitting import Labeled, fit_head
from spacy_xlt.heads.layer import probabilities_of
from spacy_xlt.heads.thresholds import choose_thresholds
from spacy_xlt.layers.classifier import is_linear, set_output
from spacy_xlt.pipeline.stream import annotate_stream
from spacy_xlt.pipeline.upstream import annotate_examples

DEFAULT_CONFIG_STR = """
[xlt_textcat]
threshold = 0.0
scorer = {"@scorers": "spacy-xlt.textcat_scorer.v1"}

[xlt_textcat.model]
@architectures = "spacy-xlt.TextCatLinear.v1"
exclusive_classes = true
scale = 50.0

[xlt_textcat.model.embed]
@architectures = "spacy-xlt.DocEmbedding.v1"
attribute = "xlt_projected"

[xlt_textcat_multilabel]
threshold = 0.5
scorer = {"@scorers": "spacy-xlt.textcat_multilabel_scorer.v1"}

[xlt_textcat_multilabel.model]
@architectures = "spacy-xlt.TextCatLinear.v1"
exclusive_classes = false
scale = 50.0

[xlt_textcat_multilabel.model.embed]
@architectures = "spacy-xlt.DocEmbedding.v1"
attribute = "xlt_projected"
"""
DEFAULT_CONFIG = Config().from_str(DEFAULT_CONFIG_STR)

# So many examples show the model its sizes; spaCy takes as many.
SAMPLE = 10

# Shown in the log with weight 0; what has weight null goes to meta.json only.
SCORE_WEIGHTS: dict[str, Any] = {
    "cats_score": None,
    "cats_macro_f": 1.0,
    "cats_micro_f": 0.0,
    "cats_f_per_type": None,
    "cats_by_language": None,
}


@Language.factory(
    "xlt_textcat",
    default_config=DEFAULT_CONFIG["xlt_textcat"],
    assigns=["doc.cats"],
    default_score_weights=SCORE_WEIGHTS,
)
def make_textcat(
    nlp: Language,
    name: str,
    *,
    model: Model[list[Doc], Floats2d],
    threshold: float,
    scorer: Optional[Callable[..., dict[str, Any]]],
) -> "XltTextCategorizer":
    return XltTextCategorizer(nlp.vocab, model, name, threshold=threshold, scorer=scorer)


@Language.factory(
    "xlt_textcat_multilabel",
    default_config=DEFAULT_CONFIG["xlt_textcat_multilabel"],
    assigns=["doc.cats"],
    default_score_weights=SCORE_WEIGHTS,
)
def make_textcat_multilabel(
    nlp: Language,
    name: str,
    *,
    model: Model[list[Doc], Floats2d],
    threshold: float,
    scorer: Optional[Callable[..., dict[str, Any]]],
) -> "XltMultiLabelTextCategorizer":
    return XltMultiLabelTextCategorizer(nlp.vocab, model, name, threshold=threshold, scorer=scorer)


class _OnEmbeddings:
    """What a text categorizer needs to work on embeddings that other components write."""

    model: Model[list[Doc], Floats2d]
    name: str
    cfg: dict[str, Any]

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Optional[Language] = None,
        labels: Optional[Iterable[str]] = None,
        dev: Optional[str] = None,
        **settings: Any,
    ) -> None:
        """Set the labels and the sizes of the model, as in spaCy; with `dev`, fit a linear head exactly.

        Args:
            dev: a .spacy file of development texts. The head is fitted on the examples; its L2 penalty and, where
                labels do not exclude each other, the threshold of each label are chosen on these texts. None: the
                head starts at zero, and the training loop learns it.

        Raises:
            XltError: with `dev`, the head has a hidden layer, or it learned nothing.
        """

        def with_sample() -> Iterator[Example]:
            examples = iter(get_examples())
            yield from annotate_examples(nlp, self.name, islice(examples, SAMPLE))
            yield from examples

        super().initialize(with_sample, nlp=nlp, labels=labels, **settings)  # type: ignore[misc]
        if dev is not None and nlp is not None:
            self._fit(nlp, get_examples(), Corpus(Path(dev).expanduser())(nlp))

    def _fit(self, nlp: Language, train: Iterable[Example], dev: Iterable[Example]) -> None:
        if not is_linear(self.model):
            raise XltError(
                f"{self.name}: only a head without a hidden layer can be fitted exactly. In [initialize.components."
                f"{self.name}] set dev = null, and in [training] max_steps = 2000."
            )
        exclusive = not self.model.attrs["multi_label"]
        labeled = [self._labeled(annotate_examples(nlp, self.name, examples)) for examples in (train, dev)]
        fit = fit_head(*labeled, exclusive=exclusive)
        set_output(self.model, fit.layer)
        if not exclusive:
            self.set_thresholds(probabilities_of(fit.layer(labeled[1].features), exclusive), labeled[1].gold)

    def _labeled(self, examples: list[Example]) -> Labeled:
        """Annotated examples as arrays."""
        below: Any = self.model.layers[0]
        features = below.ops.to_numpy(below.predict([example.reference for example in examples]))
        gold, known = self._examples_to_truth(examples)  # type: ignore[attr-defined]
        return Labeled(features, self.model.ops.to_numpy(gold), None if known.all() else known)

    def set_thresholds(self, probabilities: NDArray[np.floating], gold: NDArray[np.floating]) -> None:
        """Choose and keep a threshold for each label, by development texts: probabilities and gold [n, labels].

        They are in `cfg["thresholds"]` and hold as long as `cfg["threshold"]`, spaCy's one for all labels, is None.
        """
        chosen = choose_thresholds(probabilities, gold)
        self.cfg["thresholds"] = dict(zip(self.labels, chosen))  # type: ignore[attr-defined]
        self.cfg["threshold"] = None

    def predict(self, docs: Iterable[Doc]) -> Floats2d:
        """The scores [n, labels]. Empty Docs get the prior of the head, in whatever batch they come.

        spaCy returns zeros for a batch of nothing but empty Docs.
        """
        docs = list(docs)
        if not docs:
            return self.model.ops.alloc2f(0, len(self.labels))  # type: ignore[attr-defined]
        return self.model.ops.asarray2f(self.model.predict(docs))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """As in spaCy, but one bad Doc does not take its batch with it."""
        return annotate_stream(self, self._annotate, stream, batch_size)  # type: ignore[arg-type]

    def _annotate(self, docs: list[Doc]) -> None:
        self.set_annotations(docs, self.predict(docs))  # type: ignore[attr-defined]


class XltTextCategorizer(_OnEmbeddings, TextCategorizer):
    """spaCy's `TextCategorizer` (one label a Doc) on multilingual embeddings."""


class XltMultiLabelTextCategorizer(_OnEmbeddings, MultiLabel_TextCategorizer):
    """spaCy's `MultiLabel_TextCategorizer` (any number of labels a Doc) on multilingual embeddings."""


set_extensions("xlt_projected")

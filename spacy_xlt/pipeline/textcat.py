"""`xlt_textcat` and `xlt_textcat_multilabel`: spaCy's text categorizers with our default model and scorer."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Optional

from spacy.language import Language
from spacy.pipeline.textcat import TextCategorizer
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Config, Model
from thinc.types import Floats2d

from spacy_xlt.extensions import set_extensions
from spacy_xlt.pipeline.stream import annotate_stream
from spacy_xlt.pipeline.upstream import annotate_upstream

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

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Optional[Language] = None,
        labels: Optional[Iterable[str]] = None,
        **settings: Any,
    ) -> None:
        """As in spaCy, on a sample whose references carry the embeddings: nothing has run yet at this point."""

        def with_sample() -> Iterator[Example]:
            examples = iter(get_examples())
            # Copies: what the components find must not pass for gold.
            sample = [Example(example.predicted, example.reference.copy()) for example in islice(examples, 10)]
            if nlp is not None:
                annotate_upstream(nlp, self.name, [example.reference for example in sample])
            yield from sample
            yield from examples

        super().initialize(with_sample, nlp=nlp, labels=labels, **settings)  # type: ignore[misc]

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

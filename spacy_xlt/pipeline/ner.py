"""`xlt_ner`: the component that finds named entities in texts of any language."""

from typing import Any, Optional

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import filter_spans
from thinc.api import Config

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.data.entity_tags import Entity
from spacy_xlt.encoders.base import TextEncoder
from spacy_xlt.extensions import set_extensions
from spacy_xlt.pipeline.requirements import require_extra
from spacy_xlt.pipeline.task import TaskPipe
from spacy_xlt.tasks.entities import entity_types, predict_entities
from spacy_xlt.translators.units import UNSPACED

DEFAULT_CONFIG_STR = """
[xlt_ner]
scorer = {"@scorers": "spacy.ner_scorer.v1"}

[xlt_ner.encoder]
@xlt_encoders = "spacy-xlt.TorchEncoder.v1"
"""
DEFAULT_CONFIG = Config().from_str(DEFAULT_CONFIG_STR)["xlt_ner"]
EXTENSIONS = ("xlt_entities",)
SCORE_WEIGHTS = {"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None}


@Language.factory(
    "xlt_ner",
    default_config=DEFAULT_CONFIG,
    assigns=["doc.ents", "doc._.xlt_entities", "token.ent_iob", "token.ent_type"],
    default_score_weights=SCORE_WEIGHTS,
)
def make_ner(nlp: Language, name: str, *, encoder: TextEncoder, scorer: Optional[Any]) -> "EntityRecognizer":
    """Make the component for `nlp.add_pipe`. See `EntityRecognizer`."""
    require_extra(nlp, encoder)
    return EntityRecognizer(name, encoder=encoder, scorer=scorer)


class EntityRecognizer(TaskPipe):
    """Find the named entities of each Doc, in `doc.ents` and `doc._.xlt_entities`.

    `doc._.xlt_entities` is a list of dicts with `start` and `end` in characters, `label` and `score`. It does not
    depend on the tokens. `doc.ents` has the same entities as spans of tokens. Where a script has no spaces between
    words, a token that an entity begins or ends within is split, so that the spans are exact. Elsewhere, the span
    covers whole tokens.

    `spacy_xlt.train(task="ner")` makes a pipeline with this component.

    Args:
        name: The name of the component.
        encoder: A back end from the registry `xlt_encoders`.
        scorer: The function that `nlp.evaluate` calls.
    """

    def __init__(self, name: str = "xlt_ner", *, encoder: TextEncoder, scorer: Optional[Any] = None) -> None:
        super().__init__(name, encoder=encoder, scorer=scorer)
        set_extensions(*EXTENSIONS)

    @property
    def labels(self) -> tuple[str, ...]:
        """The entity types. There are none until the component is trained or loaded."""
        return tuple(entity_types(self.model.labels))

    def predict(self, texts: list[str]) -> list[list[Entity]]:
        """Return the entities of texts.

        Raises:
            XltError: The component is not trained.
        """
        return predict_entities(self.trained_model, texts)

    def _annotate(self, docs: list[Doc]) -> None:
        set_extensions(*EXTENSIONS)
        for doc, entities in zip(docs, self.predict([doc.text for doc in docs])):
            doc._.xlt_entities = [vars(entity) for entity in entities]
            set_entities(doc, entities)


def set_entities(doc: Doc, entities: list[Entity]) -> None:
    """Write entities to `doc.ents`. Tokens in scripts without spaces are split where an entity begins or ends."""
    _split_tokens(doc, {place for entity in entities for place in (entity.start, entity.end)})
    spans = [
        doc.char_span(entity.start, entity.end, label=entity.label, alignment_mode="expand") for entity in entities
    ]
    doc.ents = filter_spans([span for span in spans if span is not None])  # type: ignore[assignment]


def _split_tokens(doc: Doc, places: set[int]) -> None:
    """Split the tokens of scripts without spaces at places, which are characters of the text."""
    inside = {
        token: cuts
        for token in doc
        if (cuts := sorted(place - token.idx for place in places if token.idx < place < token.idx + len(token)))
        and UNSPACED.search(token.text)
    }
    if not inside:
        return
    with doc.retokenize() as retokenizer:
        for token, cuts in inside.items():
            parts = [token.text[start:end] for start, end in zip([0, *cuts], [*cuts, len(token)])]
            retokenizer.split(token, parts, heads=[(token, number) for number in range(len(parts))])

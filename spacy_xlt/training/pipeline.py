"""A new pipeline of the four components, ready to be trained."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Optional

from spacy import util
from spacy.language import Language
from spacy.training import Example
from thinc.api import Config

from spacy_xlt.data.docbin import make_docs
from spacy_xlt.data.records import Record
from spacy_xlt.heads.confidence import FEWEST, META_KEY, source_figures
from spacy_xlt.languages import UNKNOWN
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.pipeline.textcat import SCORE_WEIGHTS
from spacy_xlt.training.examples import gold_matrix
from spacy_xlt.training.model_state import get_layer, is_exclusive, predictions

NAMES = {False: "xlt_textcat", True: "xlt_textcat_multilabel"}
# The number of examples from which the sizes of the model are determined.
SAMPLE = 10


def read_packaged_config(multilabel: bool, overrides: Mapping[str, Any] = MappingProxyType({})) -> Config:
    """Return the packaged frozen.cfg, for one label a text or for any number of labels."""
    text = (files("spacy_xlt") / "configs" / "frozen.cfg").read_text(encoding="utf8")
    if multilabel:
        text = text.replace(NAMES[False], NAMES[True]).replace("exclusive_classes = true", "exclusive_classes = false")
    return util.load_config_from_str(text, overrides=dict(overrides), interpolate=False)


def make_pipeline(
    records: Sequence[Record],
    labels: Sequence[str],
    *,
    multilabel: bool,
    source: str,
    languages: Sequence[str],
    encoder: Optional[Path],
    cache_size: int,
) -> Language:
    """Return a pipeline with a pretrained encoder, a head of zeros and an unfitted projector.

    Args:
        records: Labeled texts. The first few determine the sizes of the model.
        labels: The labels of the head.
        multilabel: Whether a text can have any number of labels.
        source: The language of the records, a base code.
        languages: The languages that the detector can predict. If there are none, it predicts all.
        encoder: An encoder folder. None uses the default encoder.
        cache_size: The number of texts whose embeddings are kept.
    """
    overrides: dict[str, Any] = {
        "components.xlt_projector.source": source,
        "components.xlt_langdetect.languages": list(languages),
        "components.xlt_encoder.cache_size": cache_size,
    }
    config = read_packaged_config(multilabel, overrides)
    nlp = util.load_model_from_config(config, auto_fill=True, validate=True)
    find_pipe(nlp, Encoder).initialize(source=None if encoder is None else str(encoder))
    head: Any = nlp.get_pipe(NAMES[multilabel])
    head.initialize(lambda: make_gold(nlp, records[:SAMPLE], labels), nlp=nlp, labels=labels)
    return nlp


def make_gold(nlp: Language, records: Sequence[Record], labels: Sequence[str]) -> list[Example]:
    """Return spaCy examples with the labels and the languages of records."""
    return [Example(nlp.make_doc(doc.text), doc) for doc in make_docs(nlp, records, labels)]


def fit_source(nlp: Language, records: Sequence[Record]) -> None:
    """Fit the projector on the texts of training, so that other languages can be projected later."""
    projector = find_pipe(nlp, Projector)
    projector.initialize(lambda: make_gold(nlp, records, []), nlp=nlp)


def measure(nlp: Language, records: Sequence[Record], labels: Sequence[str]) -> None:
    """Put the scores on labeled texts into `nlp.meta["performance"]`, as `spacy train` does.

    The figures of those in the source language go to `nlp.meta["xlt_estimate"]`, which `estimate` compares others with.
    """
    scores = nlp.evaluate(make_gold(nlp, records, labels))
    wanted = {**dict.fromkeys(SCORE_WEIGHTS), **nlp.config["training"]["score_weights"]}
    nlp.meta["performance"] = {name: scores[name] for name in wanted if name in scores}
    source = find_pipe(nlp, Projector).source
    own = [record for record in records if record.language in (source, UNKNOWN)]
    if is_exclusive(nlp) and len(own) >= FEWEST:
        figures = source_figures(predictions(nlp, own), gold_matrix(own, labels), get_layer(nlp))
        nlp.meta[META_KEY] = figures.to_dict()

"""Make a classifier from descriptions of its labels, without labeled texts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np
import spacy
from spacy.language import Language
from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, UnlabeledReading, load_dataset
from spacy_xlt.data.docbin import make_docs
from spacy_xlt.data.paths import PathLike
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.folder import check_folder
from spacy_xlt.errors import XltError
from spacy_xlt.extensions import language_of
from spacy_xlt.heads.losses import Floats
from spacy_xlt.languages import UNKNOWN, find_language
from spacy_xlt.pipeline.encoder import DEFAULT_CONFIG as ENCODER_CONFIG
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.projection import fit_projection
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.pipeline.upstream import annotate_upstream
from spacy_xlt.pipeline.zeroshot import META_KEY, ZeroShot
from spacy_xlt.result import fingerprint
from spacy_xlt.zeroshot.base import ZeroShotScorer
from spacy_xlt.zeroshot.entailment import Entailment
from spacy_xlt.zeroshot.labels import Labels, read_labels
from spacy_xlt.zeroshot.mixture import NONE_SHARE
from spacy_xlt.zeroshot.pair_entailment import PairEntailment, is_pair_model
from spacy_xlt.zeroshot.prototypes import Prototypes

DEFAULT_SOURCE = "en"


def zero_shot(
    labels: Labels,
    *,
    texts: Data = (),
    prior: Optional[Mapping[str, float]] = None,
    none_label: Optional[str] = None,
    languages: Sequence[str] = (),
    encoder: Optional[PathLike] = None,
    entailment: Optional[PathLike] = None,
    progress: bool = True,
    **reading: Unpack[UnlabeledReading],
) -> Language:
    """Make a text classifier from descriptions of its labels.

    No labeled text is needed. The labels can be described in any language. With unlabeled texts, the languages are
    projected into a common space and the prototypes of the labels are sharpened, which makes the classifier more
    accurate. A hundred texts from your own domain in each language are enough.

    Args:
        labels: The labels and their descriptions: whatever `read_labels` takes, such as {"billing": "invoices and
            payments", "account": ["sign-in", "password"]}, or the path of a YAML or JSON file. The parts of a
            description, separated by commas, are used as keywords.
        texts: Unlabeled texts: whatever `load_dataset` takes. The languages of texts that name none are detected.
        prior: The share of the texts that has each label; None: it is estimated from the texts. It can contain the
            none label.
        none_label: An additional label for texts that belong to no other label. It needs unlabeled texts, a tenth of
            which are assumed to belong to it if the prior does not say otherwise.
        languages: The languages that can occur, which helps language detection. If empty, all languages can occur.
        encoder: An encoder folder. None uses the default encoder.
        entailment: The folder of a Hugging Face model for natural language inference (NLI), or of a model of
            `train(task="pairs")` with the labels `entailment` and `contradiction`. It is used instead of prototypes,
            and takes many times as long. It uses neither texts nor a prior.
        progress: Show progress bars on a terminal or in a notebook.
        reading: Options of `load_dataset` for the texts, such as `text`, the name of the field.

    Returns:
        A pipeline that ends in `xlt_zeroshot`, which writes `doc.cats`. `meta["xlt_zero_shot"]` says what it was made
        from.

    Raises:
        XltError: There are fewer than two labels, a label has no description, two labels have an equal description, the
            prior has other labels, or there are fewer than 10 unlabeled texts.

    Example:
        >>> nlp = zero_shot({"billing": "invoices, payments", "delivery": "parcels"})  # doctest: +SKIP
        >>> nlp("Wo bleibt mein Paket?").cats  # doctest: +SKIP
    """
    described = read_labels(labels)
    names = [label.name for label in described]
    if none_label in names:
        raise XltError(f"The none label '{none_label}' is also the name of a label. Choose another name.")
    meta: dict[str, Any] = {"labels": {label.name: list(label.descriptions) for label in described}}
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlt_langdetect", config={"languages": [find_language(language) for language in languages]})
    if entailment is not None:
        if prior is not None or _is_given(texts):
            raise XltError("An entailment model uses neither unlabeled texts nor a prior. Leave them out.")
        kind = PairEntailment if is_pair_model(Path(entailment).expanduser()) else Entailment
        back_end: Any = _add_zeroshot(nlp, kind.registered_name)
        back_end.load(Path(entailment).expanduser())
        back_end.describe(described, lambda _: np.zeros((0, 0), dtype=np.float32), none_label)
        nlp.meta[META_KEY] = meta
        return nlp
    shares, none_share = _read_prior(prior, names, none_label)
    records = load_dataset(texts, labeled=False, **reading).records
    if not records and (prior is not None or none_label is not None):
        raise XltError("A prior and a none label need unlabeled texts. Give some, or leave them out.")
    records = _with_languages(nlp, records)
    folder = None if encoder is None else check_folder(Path(encoder).expanduser())
    # The texts are embedded twice: to fit the projector, and to sharpen the prototypes.
    nlp.add_pipe("xlt_encoder", config={"cache_size": max(ENCODER_CONFIG["cache_size"], len(records))})
    nlp.add_pipe("xlt_projector", config={"source": _most_frequent(records)})
    prototypes: Any = _add_zeroshot(nlp, "spacy-xlt.Prototypes.v1")
    component = find_pipe(nlp, Encoder)
    component.initialize(source=None if folder is None else str(folder))
    prototypes.describe(described, lambda some: component.encode(list(some)), none_label)
    if records:
        meta |= _sharpen(nlp, prototypes, records, shares, none_share, progress=progress)
    nlp.meta[META_KEY] = meta
    return nlp


def _add_zeroshot(nlp: Language, name: str) -> ZeroShotScorer:
    """Add the component with a back end, and return the back end."""
    nlp.add_pipe("xlt_zeroshot", config={"back_end": {"@xlt_zeroshot_scorers": name}})
    return find_pipe(nlp, ZeroShot).back_end


def _is_given(texts: Data) -> bool:
    return not (isinstance(texts, (tuple, list)) and not texts)


def _most_frequent(records: Sequence[Record]) -> str:
    """Return the most frequent language, which is the projector's source. English wins a tie."""
    counts = Counter(record.language for record in records)
    return max(counts, key=lambda code: (counts[code], code == DEFAULT_SOURCE), default=DEFAULT_SOURCE)


def _read_prior(
    prior: Optional[Mapping[str, float]], names: Sequence[str], none_label: Optional[str]
) -> tuple[Optional[Floats], Optional[float]]:
    """Return the shares of the labels, which add up to 1, and the share of texts without a label."""
    none_share = None if none_label is None else NONE_SHARE
    if prior is None:
        return None, none_share
    known = [*names, *([none_label] if none_label else [])]
    for name, share in prior.items():
        if name not in known:
            raise XltError(f"The prior has the label '{name}', but the labels are {', '.join(known)}.")
        if not 0.0 < share < 1.0:
            raise XltError(f"The prior of the label '{name}' is {share}. It must be between 0 and 1.")
    missing = [name for name in names if name not in prior]
    if missing:
        raise XltError(f"The prior has no share for the label '{missing[0]}'. Give the share of each label, or none.")
    shares = np.array([prior[name] for name in names], dtype=np.float64)
    if none_label is not None and none_label in prior:
        none_share = float(prior[none_label] / sum(prior.values()))
    return shares / shares.sum(), none_share


def _sharpen(
    nlp: Language,
    prototypes: Prototypes,
    records: Sequence[Record],
    shares: Optional[Floats],
    none_share: Optional[float],
    *,
    progress: bool,
) -> dict[str, Any]:
    """Fit the projector on the texts, sharpen the prototypes, and return what happened."""
    projector = find_pipe(nlp, Projector)
    texts: dict[str, list[str]] = {}
    for record in records:
        texts.setdefault(record.language, []).append(record.text)
    fit_projection(nlp, texts, progress=progress)
    docs = annotate_upstream(nlp, find_pipe(nlp, ZeroShot).name, make_docs(nlp, records, []))
    vectors = np.array([doc._.xlt_projected for doc in docs], dtype=np.float32)
    result = prototypes.sharpen(vectors, projector.means[projector.source], prior=shares, none_share=none_share)
    return {
        "texts": fingerprint(records),
        "languages": {language: len(of_language) for language, of_language in sorted(texts.items())},
        "prior": {name: round(float(share), 4) for name, share in zip(prototypes.labels, result.prior)},
        "concentration": round(result.concentration, 2),
        "agreement": round(result.agreement, 4),
        "temperature": round(result.temperature, 3),
    }


def _with_languages(nlp: Language, records: Sequence[Record]) -> list[Record]:
    """Return the records with detected languages where they name none.

    Raises:
        XltError: No language is known.
    """
    docs = find_pipe(nlp, LanguageDetector).pipe(make_docs(nlp, records, []))
    found = [Record(record.text, (), language_of(doc), record.location) for record, doc in zip(records, docs)]
    known = [record for record in found if record.language != UNKNOWN]
    if records and not known:
        raise XltError("The language of no unlabeled text could be detected. Name the language of the texts.")
    return known

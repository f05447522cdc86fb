"""`xlt_langdetect`: writes the language of a Doc, and where asked of its sentences and segments."""

from collections.abc import Iterable
from typing import Any, Optional, Union

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Config

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.cache import TextCache
from spacy_xlt.detectors.base import (
    NO_LANGUAGE,
    Candidates,
    Detection,
    Detector,
    Languages,
    decide,
    detect_languages,
    read_prior,
)
from spacy_xlt.detectors.segments import find_segments
from spacy_xlt.errors import XltError
from spacy_xlt.extensions import SPANS_KEY, claim_extensions, claim_span_extensions
from spacy_xlt.languages import UNKNOWN, base_code
from spacy_xlt.pipeline.requirements import require_extra
from spacy_xlt.pipeline.stream import DocPipe

DEFAULT_CONFIG_STR = """
[xlt_langdetect]
languages = []
threshold = 0.0
min_chars = 1
overwrite = false
sentences = false
segments = false
scorer = {"@scorers": "spacy-xlt.langdetect_scorer.v1"}

[xlt_langdetect.detector]
@xlt_detectors = "spacy-xlt.NGrams.v2"
"""
DEFAULT_CONFIG = Config().from_str(DEFAULT_CONFIG_STR)["xlt_langdetect"]
EXTENSIONS = ("language", "language_score", "language_script", "language_candidates", "language_spans")
SPAN_EXTENSIONS = ("language", "language_score", "language_script")
CACHE_SIZE = 20_000


@Language.factory(
    "xlt_langdetect",
    default_config=DEFAULT_CONFIG,
    assigns=["doc._.language", "doc._.language_score", "doc._.language_script", "doc._.language_candidates"],
    default_score_weights={"language_accuracy": 0.0},
)
def make_langdetect(
    nlp: Language,
    name: str,
    *,
    detector: Detector,
    languages: Union[list[str], dict[str, float]],
    threshold: float,
    min_chars: int,
    overwrite: bool,
    sentences: bool,
    segments: bool,
    scorer: Optional[Any],
) -> "LanguageDetector":
    require_extra(nlp, detector)
    return LanguageDetector(
        name,
        detector=detector,
        languages=languages,
        threshold=threshold,
        min_chars=min_chars,
        overwrite=overwrite,
        sentences=sentences,
        segments=segments,
        scorer=scorer,
    )


class LanguageDetector(DocPipe):
    """Detect the language of each Doc.

        nlp = spacy.blank("xx")
        nlp.add_pipe("xlt_langdetect", config={"languages": ["en", "de", "fr"]})
        nlp("Wo bleibt mein Paket?")._.language  # "de"

    Writes:
    - `doc._.language`: a base code of languages.py, `xx` if unknown. Of a language with several codes among the
      candidates (`zho_Hans`, `zho_Hant`) the sum of the probabilities counts.
    - `doc._.language_score`: that sum, 0 for `xx`.
    - `doc._.language_script`: the best code of the language, with its script if that is known: `zho_Hant`, `deu_Latn`.
    - `doc._.language_candidates`: {code: probability} as the detector gives it, the best first; codes of languages.py,
      some with a script, and `xx` for the probability that the text is in none of the detector's languages.

    detector: a back end from the registry `xlt_detectors`; `spacy-xlt.NGrams.v2` is the default.
    languages: the languages that can occur, as a prior: a list, or {language: weight}; empty: all the back end knows.
        `zh` allows all scripts of Chinese, `zho_Hant` only that one (back ends that tell no scripts apart: all).
    threshold: below this probability the language is `xx`; the candidates stay.
    min_chars: with fewer letters than this the language is `xx`, without candidates.
    overwrite: detect also where the Doc has a language other than `xx`.
    sentences: write `_.language`, `_.language_score` and `_.language_script` of each sentence in `doc.sents` too.
    segments: find where the text changes its language: `doc._.language_spans`, a list of Spans (labeled with the
        language, and in `doc.spans["language_spans"]`), each with the same three attributes.
    """

    def __init__(
        self,
        name: str = "xlt_langdetect",
        *,
        detector: Detector,
        languages: Optional[Languages] = None,
        threshold: float = 0.0,
        min_chars: int = 1,
        overwrite: bool = False,
        sentences: bool = False,
        segments: bool = False,
        scorer: Optional[Any] = None,
    ) -> None:
        if not 0.0 <= threshold <= 1.0:
            raise XltError(f"{name}: threshold is a probability between 0 and 1, not {threshold}.")
        self.name = name
        self.detector = detector
        self.prior = read_prior(languages, detector)
        self.languages = list(self.prior)
        self.threshold = threshold
        self.min_chars = min_chars
        self.overwrite = overwrite
        self.sentences = sentences
        self.segments = segments
        self.scorer = scorer
        self._cache: TextCache[Candidates] = TextCache(CACHE_SIZE)
        self._set_extensions()

    def _set_extensions(self) -> None:
        claim_extensions(*EXTENSIONS)
        claim_span_extensions(*SPAN_EXTENSIONS)

    def _annotate(self, docs: list[Doc]) -> None:
        self._set_extensions()
        todo = [doc for doc in docs if self.overwrite or base_code(doc._.language or "") == UNKNOWN]
        for doc, candidates in zip(todo, self.detect([doc.text for doc in todo])):
            _set_language(doc, decide(candidates, self.threshold))
            doc._.language_candidates = dict(candidates)
        if self.sentences:
            self._annotate_sentences(docs)
        if self.segments:
            self._annotate_segments(docs)

    def _annotate_sentences(self, docs: list[Doc]) -> None:
        for doc in docs:
            if not doc.has_annotation("SENT_START"):
                raise XltError(
                    f"{self.name}: `sentences` needs sentence boundaries: put sentencizer, senter or parser before it."
                )
        spans = [span for doc in docs for span in doc.sents]
        for span, candidates in zip(spans, self.detect([span.text for span in spans])):
            _set_language(span, decide(candidates, self.threshold))

    def _annotate_segments(self, docs: list[Doc]) -> None:
        found = find_segments(self.detector, [doc.text for doc in docs], self.prior)
        for doc, segments in zip(docs, found):
            spans: list[Span] = []
            for segment in segments:
                # A token belongs to the segment that it begins in.
                span = doc.char_span(segment.start, segment.end, alignment_mode="expand")
                start = max(span.start if span else 0, spans[-1].end if spans else 0)
                if span and start < span.end:
                    span = Span(doc, start, span.end, label=segment.language)
                    decision = Detection(segment.language, segment.score, segment.script)
                    _set_language(span, decision if segment.score >= self.threshold else NO_LANGUAGE)
                    spans.append(span)
            doc.spans[SPANS_KEY] = spans

    def detect(self, texts: list[str]) -> list[Candidates]:
        """Return the candidates of each text, see `Detector.detect`."""
        return self._cache.compute(
            texts, lambda missing: detect_languages(self.detector, missing, self.prior, self.min_chars)
        )

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        return self.scorer(examples, **kwargs) if self.scorer else {}


def _set_language(target: Union[Doc, Span], decision: Detection) -> None:
    target._.language, target._.language_score, target._.language_script = decision

"""`xlt_langdetect`: writes the language of a Doc."""

from collections.abc import Iterable, Iterator
from typing import Any, Optional

from spacy.language import Language
from spacy.pipeline.pipe import Pipe
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import SimpleFrozenList, minibatch
from thinc.api import Config

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.cache import TextCache
from spacy_xlt.detectors.base import Candidates, Detector
from spacy_xlt.errors import XltError
from spacy_xlt.extensions import set_extensions
from spacy_xlt.languages import UNKNOWN, base_code
from spacy_xlt.text import has_letters

DEFAULT_CONFIG_STR = """
[xlt_langdetect]
languages = []
threshold = 0.0
min_chars = 1
overwrite = false
scorer = {"@scorers": "spacy-xlt.langdetect_scorer.v1"}

[xlt_langdetect.detector]
@xlt_detectors = "spacy-xlt.LangDetect.v1"
seed = 0
"""
DEFAULT_CONFIG = Config().from_str(DEFAULT_CONFIG_STR)["xlt_langdetect"]
EXTENSIONS = ("language", "language_score", "language_candidates")
CACHE_SIZE = 20_000


@Language.factory(
    "xlt_langdetect",
    default_config=DEFAULT_CONFIG,
    assigns=["doc._.language", "doc._.language_score", "doc._.language_candidates"],
    default_score_weights={"language_accuracy": 0.0},
)
def make_langdetect(
    nlp: Language,
    name: str,
    *,
    detector: Detector,
    languages: list[str],
    threshold: float,
    min_chars: int,
    overwrite: bool,
    scorer: Optional[Any],
) -> "LanguageDetector":
    return LanguageDetector(
        name,
        detector=detector,
        languages=languages,
        threshold=threshold,
        min_chars=min_chars,
        overwrite=overwrite,
        scorer=scorer,
    )


class LanguageDetector(Pipe):
    """Detect the language of each Doc.

        nlp = spacy.blank("xx")
        nlp.add_pipe("xlt_langdetect", config={"languages": ["en", "de", "fr"]})
        nlp("Wo bleibt mein Paket?")._.language  # "de"

    Writes `doc._.language` (a base code of languages.py, `xx` if unknown), `doc._.language_score` (0..1, 0 for `xx`)
    and `doc._.language_candidates` ({language: probability}, the best first).

    detector: a back end from the registry `xlt_detectors`.
    languages: the languages that can occur, as a prior; empty: all that the back end knows.
    threshold: below this probability the language is `xx`; the candidates stay.
    min_chars: with fewer letters than this the language is `xx`, without candidates.
    overwrite: detect also where the Doc has a language other than `xx`.
    """

    def __init__(
        self,
        name: str = "xlt_langdetect",
        *,
        detector: Detector,
        languages: Iterable[str] = SimpleFrozenList(),
        threshold: float = 0.0,
        min_chars: int = 1,
        overwrite: bool = False,
        scorer: Optional[Any] = None,
    ) -> None:
        if not 0.0 <= threshold <= 1.0:
            raise XltError(f"{name}: threshold is a probability between 0 and 1, not {threshold}.")
        self.name = name
        self.detector = detector
        self.languages = sorted({base_code(language) for language in languages})
        self.threshold = threshold
        self.min_chars = min_chars
        self.overwrite = overwrite
        self.scorer = scorer
        self._cache: TextCache[Candidates] = TextCache(CACHE_SIZE)
        set_extensions(*EXTENSIONS)

    def __call__(self, doc: Doc) -> Doc:
        self._annotate([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        for docs in minibatch(stream, size=batch_size):
            self._annotate(docs)
            yield from docs

    def _annotate(self, docs: list[Doc]) -> None:
        set_extensions(*EXTENSIONS)
        todo = [doc for doc in docs if self.overwrite or base_code(doc._.language or "") == UNKNOWN]
        for doc, candidates in zip(todo, self.detect([doc.text for doc in todo])):
            language, score = candidates[0] if candidates else (UNKNOWN, 0.0)
            if score < self.threshold:
                language, score = UNKNOWN, 0.0
            doc._.language = language
            doc._.language_score = score
            doc._.language_candidates = dict(candidates)

    def detect(self, texts: list[str]) -> list[Candidates]:
        """Return the candidates of each text: base codes with probabilities, the best first."""
        return self._cache.compute(texts, self._detect)

    def _detect(self, texts: list[str]) -> list[Candidates]:
        # An empty text tells the back end the same as a text with too few letters.
        enough = [text if has_letters(text, self.min_chars) else "" for text in texts]
        return self.detector.detect(enough, self.languages or None)

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        return self.scorer(examples, **kwargs) if self.scorer else {}

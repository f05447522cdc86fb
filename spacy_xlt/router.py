"""One stream of texts in many languages, each through the pipeline of its language."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Optional, Union

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_xlt.detectors.base import Detection, Detector, Languages, decide
from spacy_xlt.detectors.ngrams import NGrams
from spacy_xlt.errors import XltError
from spacy_xlt.extensions import claim_extensions
from spacy_xlt.languages import base_code, canonical_code, find_code

OTHERS = "*"
EXTENSIONS = ("language", "language_score", "language_script", "language_candidates")

PipelineSource = Union[str, Path, Language]


class Router:
    """Send each text of a mixed stream through the pipeline of its language.

        router = Router({"de": "de_core_news_sm", "ja": "models/ja", "*": "xx_ent_wiki_sm"})
        for doc in router.pipe(texts):
            print(doc._.language, doc.ents)

    The Docs come in the order of the texts, with `doc._.language`, `_.language_score`, `_.language_script` and
    `_.language_candidates` set as `xlt_langdetect` sets them.
    A pipeline is loaded when the first text of its language comes, and at most `max_loaded` are in memory: of those
    that were loaded from a name or a folder the one that was not used longest goes. (This is no component of a
    pipeline: a Doc is tokenised already.)

    pipelines: for each language code a package name, a folder, or a `Language`; `*` for all other languages and for
        texts in no known language (without it: a blank pipeline, `spacy.blank("xx")`). A code may name a script, for
        detectors that tell the scripts apart: `zh_Hant` has the texts in traditional characters, `zh` all others.
    detector: a back end; None: `NGrams`.
    languages: the prior of the detector, as for `xlt_langdetect`. None: the languages of `pipelines`, if it has no `*`.
    threshold: below this probability a text is of no known language.
    max_loaded: how many pipelines are in memory, those that were given as a `Language` not counted.
    chunk_size: so many texts are read, sorted by language and processed at a time.

    Raises XltError for a code that names no language, two sources for one language, and sizes below 1.
    """

    def __init__(
        self,
        pipelines: Mapping[str, PipelineSource],
        *,
        detector: Optional[Detector] = None,
        languages: Optional[Languages] = None,
        threshold: float = 0.0,
        max_loaded: int = 4,
        chunk_size: int = 1000,
    ) -> None:
        for name, size in (("max_loaded", max_loaded), ("chunk_size", chunk_size)):
            if size < 1:
                raise XltError(f"Router: {name} is at least 1, not {size}.")
        self.pipelines = _by_canonical_code(pipelines)
        self.detector = detector or NGrams()
        self.languages = languages
        if languages is None and OTHERS not in self.pipelines:
            self.languages = sorted(self.pipelines) or None
        self.threshold = threshold
        self.max_loaded = max_loaded
        self.chunk_size = chunk_size
        self._loaded: OrderedDict[str, Language] = OrderedDict()

    def __call__(self, text: str) -> Doc:
        """Process one text."""
        return next(self.pipe([text]))

    def pipe(self, texts: Iterable[str], **kwargs: Any) -> Iterator[Doc]:
        """Yield a Doc for each text, in the order of the texts; without those that a pipeline's error handler left out.

        kwargs: for each pipeline's own `pipe` (batch_size, n_process, disable, ...).
        """
        stream = iter(texts)
        while chunk := list(islice(stream, self.chunk_size)):
            yield from self._process(chunk, kwargs)

    def _process(self, texts: list[str], kwargs: dict[str, Any]) -> list[Doc]:
        answers = self.detector.detect(texts, self.languages)
        found = [decide(answer, self.threshold) for answer in answers]
        groups: dict[str, list[int]] = {}
        for number, decision in enumerate(found):
            groups.setdefault(self._route(decision), []).append(number)
        docs: dict[int, Doc] = {}
        # Those in memory first: they are used before others push them out.
        for route in sorted(groups, key=lambda route: (route not in self._loaded, route)):
            numbers = groups[route]
            numbered = self.load(route).pipe([(texts[number], number) for number in numbers], as_tuples=True, **kwargs)
            docs.update((number, doc) for doc, number in numbered)
        claim_extensions(*EXTENSIONS)
        for number, doc in docs.items():
            doc._.language, doc._.language_score, doc._.language_script = found[number]
            doc._.language_candidates = dict(answers[number])
        return [docs[number] for number in sorted(docs)]

    def _route(self, decision: Detection) -> str:
        """The key of the pipeline for a text, `*` if there is none for its language."""
        for code in (canonical_code(decision.language_script), decision.language):
            if code in self.pipelines:
                return code
        if canonical_code(decision.language_script) == decision.language:
            # The detector does not tell the scripts apart, so a pipeline of any script is for the whole language.
            of_language = [code for code in self.pipelines if code != OTHERS and base_code(code) == decision.language]
            if len(of_language) == 1:
                return of_language[0]
        return OTHERS

    def load(self, language: str) -> Language:
        """The pipeline of a language (or `*`), loaded if it is not in memory."""
        source = self.pipelines.get(language, self.pipelines.get(OTHERS, "blank:xx"))
        if isinstance(source, Language):
            return source
        route = language if language in self.pipelines else OTHERS
        if route not in self._loaded:
            while len(self._loaded) >= self.max_loaded:
                self._loaded.popitem(last=False)
            self._loaded[route] = _load(route, source)
        self._loaded.move_to_end(route)
        return self._loaded[route]


def _load(route: str, source: Union[str, Path]) -> Language:
    if source == "blank:xx":
        return spacy.blank("xx")
    try:
        return spacy.load(source)
    except OSError as error:
        raise XltError(
            f"Router: the pipeline for '{route}', {source}, is neither an installed package nor a model folder: {error}"
        ) from error


def _by_canonical_code(pipelines: Mapping[str, PipelineSource]) -> dict[str, PipelineSource]:
    found: dict[str, PipelineSource] = {}
    for code, source in pipelines.items():
        try:
            canonical = code if code == OTHERS else find_code(code)
        except XltError as error:
            raise XltError(f"Router: {error} For all other languages give *.") from None
        if canonical in found:
            raise XltError(f"Router: there are two pipelines for '{canonical}'. Give one.")
        found[canonical] = source
    return found

"""`xlt_seq2seq`: translates, summarizes or answers the text of a Doc by an encoder-decoder."""

import warnings
from collections.abc import Sequence
from typing import Any, Optional, Union

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.cache import TextCache
from spacy_xlt.errors import XltError, XltWarning, first_line
from spacy_xlt.extensions import language_of, set_extensions
from spacy_xlt.generation.protection import GlossaryTerms, Protected, Protection, generate_protected
from spacy_xlt.generation.settings import GREEDY, GenerationSettings, Output
from spacy_xlt.languages import UNKNOWN, find_language
from spacy_xlt.pipeline.requirements import require_extra
from spacy_xlt.pipeline.saved import SavedPipe
from spacy_xlt.text import replace_surrogates
from spacy_xlt.translators.base import batch_or_each
from spacy_xlt.translators.folder import FolderTranslator

DEFAULT_CONFIG_STR = """
[xlt_seq2seq]
task = "translate"
to = null
template = null
beams = 1
temperature = 0.0
top_k = 0
top_p = 1.0
max_length = null
seed = 0
protect = true
glossary = []
cache_size = 20000

[xlt_seq2seq.back_end]
@xlt_translators = "spacy-xlt.HuggingFaceSeq2Seq.v1"
"""
DEFAULT_CONFIG = Config().from_str(DEFAULT_CONFIG_STR)["xlt_seq2seq"]
EXTENSIONS = ("language", "xlt_output", "xlt_output_looped", "xlt_output_missing")
# Separates the languages and the text in a key of the cache. No language code contains it.
SEPARATOR = "\t"


@Language.factory(
    "xlt_seq2seq",
    default_config=DEFAULT_CONFIG,
    assigns=["doc._.xlt_output", "doc._.xlt_output_looped", "doc._.xlt_output_missing"],
)
def make_seq2seq(
    nlp: Language,
    name: str,
    *,
    back_end: Any,
    task: str,
    to: Optional[str],
    template: Optional[str],
    beams: int,
    temperature: float,
    top_k: int,
    top_p: float,
    max_length: Optional[int],
    seed: int,
    protect: bool,
    glossary: Union[list[str], dict[str, str]],
    cache_size: int,
) -> "Seq2Seq":
    """Make the component for `nlp.add_pipe`. See `Seq2Seq`."""
    require_extra(nlp, back_end)
    chosen: Any = task
    settings = GenerationSettings(chosen, template, beams, temperature, top_k, top_p, max_length, seed)
    return Seq2Seq(
        name, back_end=back_end, settings=settings, to=to, protect=protect, glossary=glossary, cache_size=cache_size
    )


class Seq2Seq(SavedPipe):
    """Translate, summarize or answer the text of each Doc.

    The component writes `doc._.xlt_output`, `doc._.xlt_output_looped` (whether the model repeated itself without end)
    and `doc._.xlt_output_missing` (the values of the text that its translation has lost). A blank text has an empty
    output, and a text that is translated into its own language is kept. The output is None if the model does not have
    the language of a text. A text that the model fails on has no output. Such texts are counted in the attribute
    `failed`, and the first one causes an XltWarning.

    Args:
        name: The name of the component.
        back_end: A back end from the registry `xlt_translators` that can generate: a folder of Hugging Face or
            CTranslate2.
        settings: How to generate.
        to: The language of the outputs, as a code or an English name. None: the language of each text; translations are
            then in English.
        protect: Whether translations are checked for values that they have lost, and generated again with placeholders.
        glossary: Terms that a translation keeps, or {term: its translation}.
        cache_size: The number of outputs that are remembered.

    Raises:
        XltError: The back end cannot generate, or the language is unknown.

    Example:
        >>> nlp.add_pipe("xlt_seq2seq", config={"task": "summarize"})  # doctest: +SKIP
        >>> nlp.get_pipe("xlt_seq2seq").initialize(source="mt5-tickets")  # doctest: +SKIP
    """

    def __init__(
        self,
        name: str = "xlt_seq2seq",
        *,
        back_end: FolderTranslator,
        settings: GenerationSettings = GREEDY,
        to: Optional[str] = None,
        protect: bool = True,
        glossary: GlossaryTerms = (),
        cache_size: int = 20_000,
    ) -> None:
        if not hasattr(back_end, "generate"):
            raise XltError(
                f"{name}: {type(back_end).__name__} only translates. Use it in xlt_translator, or give a folder of "
                "Hugging Face or CTranslate2."
            )
        self.name = name
        self.back_end = back_end
        self.settings = settings
        self.to = find_language(to) if to is not None else "en" if settings.task == "translate" else None
        self.protection = Protection(glossary)
        self.protect = protect
        self.failed = 0
        self._cache: TextCache[Protected] = TextCache(cache_size)
        set_extensions(*EXTENSIONS)

    @property
    def saved(self) -> FolderTranslator:
        """The back end, with its folder."""
        return self.back_end

    def generate(self, texts: Sequence[str], languages: Sequence[str]) -> list[Protected]:
        """Generate an output for each text, with the values that it has lost.

        Args:
            texts: The texts.
            languages: The base code of each text's language.

        Raises:
            XltError: The component has no model, or the model is damaged.
        """
        if not self.back_end.is_loaded:
            raise XltError(f"{self.name} has no model. Load one with initialize(source=FOLDER).")
        keys = [f"{language}{SEPARATOR}{text}" for language, text in zip(languages, texts)]
        return self._cache.compute(keys, self._generate_keys)

    def forget(self) -> None:
        """Drop the outputs that are remembered."""
        self._cache.clear()

    def _generate_keys(self, keys: list[str]) -> list[Protected]:
        languages, texts = zip(*(key.split(SEPARATOR, 1) for key in keys))
        result = [Protected(Output(text if text.strip() else ""), []) for text in texts]
        translates = self.settings.task == "translate"
        rows = [
            row
            for row, (language, text) in enumerate(zip(languages, texts))
            if text.strip() and not (translates and language == self.to != UNKNOWN)
        ]
        if rows:
            chosen = [texts[row] for row in rows], [languages[row] for row in rows]
            for row, found in zip(rows, batch_or_each(self._generate, *chosen, failed=self._failed)):
                result[row] = found
        return result

    def _generate(self, texts: list[str], languages: list[str]) -> list[Protected]:
        def generate(part: list[str], rows: list[int]) -> list[Optional[Output]]:
            of_part = [languages[row] for row in rows]
            targets = [self.to or language for language in of_part]
            found = self.back_end.generate(part, of_part, targets, self.settings)
            return [output and Output(replace_surrogates(output.text), output.looped) for output in found]

        if self.protect and self.settings.task == "translate":
            return generate_protected(texts, generate, self.protection)
        return [Protected(output, []) for output in generate(texts, list(range(len(texts))))]

    def _failed(self, error: Exception) -> Protected:
        self.failed += 1
        if self.failed == 1:
            warnings.warn(
                f"{self.name}: a text has no output ({type(error).__name__}: {first_line(error)}). The attribute "
                "`failed` counts such texts.",
                XltWarning,
                stacklevel=2,
            )
        return Protected(None, [])

    def _annotate(self, docs: list[Doc]) -> None:
        set_extensions(*EXTENSIONS)
        found = self.generate([doc.text for doc in docs], [language_of(doc) for doc in docs])
        for doc, (output, missing) in zip(docs, found):
            doc._.xlt_output = None if output is None else output.text
            doc._.xlt_output_looped = output is not None and output.looped
            doc._.xlt_output_missing = list(missing)

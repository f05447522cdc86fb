"""`xlt_translator`: translates a Doc's text into the source language."""

from collections.abc import Iterable

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config

from spacy_xlt import registries as _registries  # noqa: F401
from spacy_xlt.extensions import language_of, set_extensions
from spacy_xlt.pipeline.requirements import require_extra
from spacy_xlt.pipeline.saved import SavedPipe
from spacy_xlt.translators.base import TextTranslator, Translator

DEFAULT_CONFIG_STR = """
[xlt_translator]
languages = []
to = "en"
cache_size = 20000

[xlt_translator.translator]
@xlt_translators = "spacy-xlt.Glossary.v1"
"""
DEFAULT_CONFIG = Config().from_str(DEFAULT_CONFIG_STR)["xlt_translator"]
EXTENSIONS = ("language", "xlt_translation")


@Language.factory(
    "xlt_translator", default_config=DEFAULT_CONFIG, requires=["doc._.language"], assigns=["doc._.xlt_translation"]
)
def make_translator(
    nlp: Language, name: str, *, translator: Translator, languages: list[str], to: str, cache_size: int
) -> "DocTranslator":
    require_extra(nlp, translator)
    return DocTranslator(name, translator=translator, languages=languages, to=to, cache_size=cache_size)


class DocTranslator(TextTranslator, SavedPipe):
    """Translate the text of each Doc into the source language.

    The component writes `doc._.xlt_translation`: the translation, or None. `xlt_encoder` embeds it as well as the text,
    and `xlt_projector` averages both embeddings. A text that the translator cannot translate is left untranslated. Such
    texts are counted in the attribute `failed`, and the first one causes an XltWarning.

    Args:
        name: The name of the component.
        translator: A back end from the registry `xlt_translators`.
        languages: The languages to translate, as codes or English names. Empty: all that the translator knows.
        to: The language to translate to: the language of the training texts.
        cache_size: The number of translations that are remembered.

    Raises:
        XltError: A language is unknown.

    Example:
        >>> nlp.add_pipe("xlt_translator", before="xlt_encoder")  # doctest: +SKIP
        >>> nlp.get_pipe("xlt_translator").initialize(source="opus-mt-sw-en")  # doctest: +SKIP
    """

    def __init__(
        self,
        name: str = "xlt_translator",
        *,
        translator: Translator,
        languages: Iterable[str] = (),
        to: str = "en",
        cache_size: int = 20_000,
    ) -> None:
        TextTranslator.__init__(self, name, translator, list(languages), to, cache_size)
        set_extensions(*EXTENSIONS)

    @property
    def saved(self) -> Translator:
        """The translator, with its dictionaries or weights."""
        return self.translator

    def _annotate(self, docs: list[Doc]) -> None:
        set_extensions(*EXTENSIONS)
        found = self.translate([doc.text for doc in docs], [language_of(doc) for doc in docs])
        for doc, translation in zip(docs, found):
            doc._.xlt_translation = translation

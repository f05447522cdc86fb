"""Translate data, to train in another language (translate-train) or to teach an encoder."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Union

from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, Reading, load_dataset
from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError, XltWarning
from spacy_xlt.languages import find_language
from spacy_xlt.pipeline.projection import check_texts
from spacy_xlt.progress import progress_bar
from spacy_xlt.translators.base import TextTranslator
from spacy_xlt.translators.dictionaries import DictionaryLike, make_glossary, read_dictionaries
from spacy_xlt.translators.find import TranslatorLike, find_translator

# The texts that are translated at a time.
BATCH = 128


@dataclass(frozen=True)
class TranslatedRecord(Record):
    """A translated text. Its language is that of the translation.

    Attributes:
        original: The text that was translated.
    """

    original: str


def translate(
    data: Data,
    *,
    to: str,
    translator: Union[TranslatorLike, Mapping[str, DictionaryLike]],
    labeled: bool = True,
    progress: bool = True,
    **reading: Unpack[Reading],
) -> Iterator[TranslatedRecord]:
    """Translate the texts of a dataset, and keep their labels.

    Train on the result to get a classifier for another language (translate-train). The pairs of originals and
    translations are parallel sentences.

    Args:
        data: Texts with their languages: whatever `load_dataset` takes.
        to: The language to translate to, a code or an English name. Texts that are already in it are left out.
        translator: A folder of Hugging Face or CTranslate2; the name `apertium`; a function of a text, its language and
            `to`; a translator of the registry `xlt_translators`; or dictionaries
            `{language of the texts: file or pairs (entry in the language to, word)}`.
        labeled: Whether each record must have a label.
        progress: Show a progress bar on a terminal or in a notebook.
        reading: Options of `load_dataset`, such as `language`, the language of all texts.

    Returns:
        An iterator over the translated records. A batch is translated when its first record is needed. Texts that
        cannot be translated are left out, and a warning at the end says how many.

    Raises:
        XltError: Texts have no language, a language is unknown, or the translator cannot be used.

    Example:
        >>> german = translate("tickets.csv", to="de", translator="opus-mt-en-de", language="en")  # doctest: +SKIP
        >>> nlp = xlt.train([*german])  # doctest: +SKIP
    """
    code = find_language(to)
    dataset = load_dataset(data, labeled=labeled, **reading)
    texts = dataset.by_language()
    check_texts(texts)
    languages = [language for language in dataset.languages if language != code]
    if not languages:
        raise XltError(f"There is no text to translate: all texts are in '{code}'.", parameter="to")
    notes: list[str] = []
    if isinstance(translator, Mapping):
        back_end = make_glossary(read_dictionaries(translator), to=code, texts=texts, notes=notes)
    else:
        back_end = find_translator(translator)  # type: ignore[assignment]
    for note in notes:
        warnings.warn(note, XltWarning, stacklevel=2)
    text_translator = TextTranslator("translate", back_end, languages, code, cache_size=0)
    records = [record for record in dataset.records if record.language != code]
    return _translated(records, text_translator, progress)


def _translated(records: Sequence[Record], translator: TextTranslator, progress: bool) -> Iterator[TranslatedRecord]:
    missing = 0
    with progress_bar(title="Translating", unit="text", total=len(records), show=progress) as bar:
        for start in range(0, len(records), BATCH):
            batch = records[start : start + BATCH]
            found = translator.translate([record.text for record in batch], [record.language for record in batch])
            for record, text in zip(batch, found):
                if text is None:
                    missing += 1
                else:
                    yield TranslatedRecord(text, record.labels, translator.to, record.location, record.text)
            bar.update(len(batch))
    if missing:
        warnings.warn(
            f"{missing} of {len(records)} texts were not translated and are left out.", XltWarning, stacklevel=2
        )

"""Add a translator, such as dictionaries, to a trained pipeline."""

from collections.abc import Mapping, Sequence
from typing import Any, Union

import numpy as np
from spacy.language import Language
from typing_extensions import Unpack

from spacy_xlt.data.dataset import Data, Reading, load_dataset, without_language
from spacy_xlt.data.records import Record
from spacy_xlt.errors import XltError
from spacy_xlt.languages import find_language
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe, has_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.projection import check_texts
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.pipeline.translator import DocTranslator
from spacy_xlt.result import Result, fingerprint
from spacy_xlt.training.examples import gold_matrix
from spacy_xlt.training.model_state import annotate, head_labels, read_head
from spacy_xlt.transfer.acceptance import accuracies, add_to_meta, check_languages, correct_rows
from spacy_xlt.transfer.in_place import in_place
from spacy_xlt.transfer.translation_weights import Embedded, weight_by_labels, weight_by_texts
from spacy_xlt.translators.base import Translator
from spacy_xlt.translators.dictionaries import DictionaryLike, make_glossary, read_dictionaries
from spacy_xlt.translators.find import TranslatorLike, find_translator
from spacy_xlt.translators.glossary import Glossary

# The texts of a language that are used to choose the weight of its translations.
MAX_TEXTS = 500


@in_place
def add_translator(
    nlp: Language,
    translator: Union[TranslatorLike, Mapping[str, DictionaryLike]],
    *,
    languages: Sequence[str] = (),
    texts: Data = (),
    dev: Data = (),
    **reading: Unpack[Reading],
) -> Result:
    """Add a translator, such as dictionaries, to a trained pipeline, in place.

    Texts of the chosen languages are then classified by their translation as well as by the text itself. Both
    embeddings are averaged. How much the translation counts in a language is chosen on `dev`, or else on `texts`, or
    else it is 0.5. Dictionaries help in languages that the encoder hardly knows.

    Args:
        nlp: A pipeline, or a model folder, which is written again.
        translator: Dictionaries `{language: file or pairs (entry, word)}`; a folder of Hugging Face or CTranslate2; the
            name `apertium`; or a translator of the registry `xlt_translators`. More dictionaries can be added later.
        languages: The languages to translate. Empty: all that the translator knows.
        texts: Unlabeled texts of these languages: whatever `load_dataset` takes. They are also used to check that the
            dictionaries belong to the languages.
        dev: Labeled development data of these languages.
        reading: Options of `load_dataset` for the texts, such as `language`, the language of all texts.

    Returns:
        The result. It is always accepted, because a weight of 0 is chosen where translations do harm on `dev`. The
        settings have the weight of each language.

    Raises:
        XltError: The pipeline has another translator, the columns of a dictionary are swapped, a language is unknown,
            the translator does not say which languages it knows and `languages` is empty, or texts have no language.

    Example:
        >>> add_translator(nlp, {"bo": "en_bo.tsv"}).settings["weights"]  # doctest: +SKIP
        {'bo': 0.5}
    """
    projector = find_pipe(nlp, Projector)
    if read_head(nlp).attribute != "xlt_projected":
        raise XltError("The text categorizer does not read the output of xlt_projector, so translations have no effect.")
    unlabeled = load_dataset(texts, labeled=False, **reading).by_language()
    check_texts(unlabeled)
    records = load_dataset(dev, **without_language(reading)).records
    check_languages(records)
    before = correct_rows(nlp, records)
    notes: list[str] = []
    if isinstance(translator, Mapping):
        dictionaries = read_dictionaries(translator)
        samples = _by_language(unlabeled, records)
        back_end: Translator = make_glossary(dictionaries, to=projector.source, texts=samples, notes=notes)
        languages = [*languages] or list(dictionaries)
    else:
        back_end = find_translator(translator)
    component = _put_component(nlp, back_end, [find_language(language) for language in languages])
    chosen = [find_language(language) for language in languages] or component.languages
    notes += _let_detect(nlp, chosen)
    projector.translation_weights.update(_choose_weights(nlp, chosen, unlabeled, records))
    weights = {language: projector.translation_weight(language) for language in chosen}
    result = Result(
        "add-translator",
        True,
        f"Texts in {', '.join(chosen)} are translated.",
        {"translator": type(back_end).__name__, "languages": chosen, "weights": weights},
        {
            "texts": fingerprint([Record(text, (), code, "") for code in sorted(unlabeled) for text in unlabeled[code]]),
            "dev": fingerprint(records),
        },
        accuracies(before, correct_rows(nlp, records), [record.language for record in records]),
        notes,
    )
    add_to_meta(nlp, result)
    return result

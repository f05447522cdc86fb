"""Add a translator, such as dictionaries, to a trained pipeline."""

from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np
from spacy.language import Language
from typing_extensions import Unpack

from spacy_xlt.alignment.projection import DEFAULT_TRANSLATION_WEIGHT
from spacy_xlt.data.dataset import Data, Reading, load_dataset, without_language
from spacy_xlt.data.dictionaries import WordPair
from spacy_xlt.data.records import Record
from spacy_xlt.encoders.tokenizer import unknown_shares
from spacy_xlt.errors import XltError
from spacy_xlt.languages import base_code, find_language
from spacy_xlt.pipeline.encoder import Encoder
from spacy_xlt.pipeline.find import find_pipe, has_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector
from spacy_xlt.pipeline.projection import check_texts
from spacy_xlt.pipeline.projector import Projector, language_mixture
from spacy_xlt.pipeline.translator import DocTranslator
from spacy_xlt.result import Result, fingerprint, fingerprint_texts
from spacy_xlt.training.examples import gold_matrix
from spacy_xlt.training.model_state import annotate, head_labels, read_head
from spacy_xlt.transfer.acceptance import accuracies, add_to_meta, check_languages, correct_rows
from spacy_xlt.transfer.in_place import in_place
from spacy_xlt.transfer.parallel_texts import PairsData, check_sides, read_parallel_texts
from spacy_xlt.transfer.translation_weights import Embedded, weight_by_labels
from spacy_xlt.translators.base import Translator
from spacy_xlt.translators.dictionaries import DictionaryLike, make_glossary, read_dictionaries
from spacy_xlt.translators.find import TranslatorLike, find_translator
from spacy_xlt.translators.glossary import Glossary
from spacy_xlt.translators.induction import induce_dictionary

# In a script whose letters the encoder does not know, half of the word pieces are unknown: the others are white space.
# In 200 languages with letters that it knows, the share is below .13.
MOST_UNKNOWN = 0.25


@in_place
def add_translator(
    nlp: Language,
    translator: Optional[Union[TranslatorLike, Mapping[str, DictionaryLike]]] = None,
    *,
    pairs: Optional[Mapping[str, PairsData]] = None,
    languages: Sequence[str] = (),
    texts: Data = (),
    dev: Data = (),
    **reading: Unpack[Reading],
) -> Result:
    """Add a translator, such as dictionaries, to a trained pipeline, in place.

    Texts of the chosen languages are then classified by their translation as well as by the text itself: both
    embeddings are averaged. The weight of the translation in a language is chosen on `dev`. It is 0.5 without
    development data, and where no other weight is clearly better; or 1 if the encoder does not know the letters of the
    language, as the default encoder does not know those of Tibetan. Dictionaries help in languages that the encoder
    hardly knows. Parallel sentences help there, too: their words are added to the dictionaries.

    Args:
        nlp: A pipeline, or a model folder, which is written again.
        translator: Dictionaries `{language: file or pairs (entry, word)}`; a folder of Hugging Face or CTranslate2; the
            name `apertium`; or a translator of the registry `xlt_translators`. More dictionaries can be added later.
        pairs: {language: parallel sentences}: a file with a source sentence, a tab and its translation per line, or a
            list of pairs. Some hundreds are enough to learn the frequent words.
        languages: The languages to translate. Empty: all that the translator knows. Dictionaries name their languages
            themselves.
        texts: Unlabeled texts of these languages: whatever `load_dataset` takes. They are used to check that the
            dictionaries belong to the languages.
        dev: Labeled development data of these languages.
        reading: Options of `load_dataset` for the texts, such as `language`, the language of all texts.

    Returns:
        The result. Its settings have the weight of each language. It is always accepted: where translations do harm on
        `dev`, their weight becomes 0.

    Raises:
        XltError: The pipeline has another translator, the columns of a dictionary or the sides of sentences are
            swapped, a language is unknown, the translator does not say which languages it knows and `languages` is
            empty, or texts have no language.

    Example:
        >>> result = add_translator(nlp, {"bo": "en_bo.tsv"}, pairs={"yo": "news.en-yo.tsv"})  # doctest: +SKIP
        >>> result.settings["weights"]  # doctest: +SKIP
        {'bo': 1.0, 'yo': 0.5}
    """
    projector = find_pipe(nlp, Projector)
    if read_head(nlp).attribute != "xlt_projected":
        raise XltError(
            "The text categorizer does not read the output of xlt_projector, so translations have no effect."
        )
    unlabeled = load_dataset(texts, labeled=False, **reading).by_language()
    check_texts(unlabeled)
    records = load_dataset(dev, **without_language(reading)).records
    check_languages(records)
    before = correct_rows(nlp, records)
    notes: list[str] = []
    seen = _by_language(unlabeled, records)
    if translator is None or isinstance(translator, Mapping):
        if languages:
            raise XltError("Dictionaries name their languages. Leave out the other languages.", parameter="languages")
        dictionaries = read_dictionaries(translator or {})
        if pairs:
            _add_induced(dictionaries, pairs, projector.source, reading.get("encoding"), notes)
        if not dictionaries:
            raise XltError("There is nothing to translate with. Give dictionaries, parallel sentences or a translator.")
        back_end: Translator = make_glossary(dictionaries, to=projector.source, texts=seen, notes=notes)
        _put_component(nlp, back_end, [])
        chosen = list(dictionaries)
        seen = {language: [word for _, word in entries] for language, entries in dictionaries.items()} | seen
    elif pairs:
        raise XltError(
            "Words of parallel sentences are added to dictionaries only. Leave out the translator or the pairs."
        )
    else:
        back_end = find_translator(translator)
        chosen = _choose_languages(back_end, languages, projector.source)
        _put_component(nlp, back_end, chosen)
    notes += _let_detect(nlp, chosen)
    unreadable = _unreadable(find_pipe(nlp, Encoder), seen, chosen)
    defaults = {language: 1.0 if language in unreadable else DEFAULT_TRANSLATION_WEIGHT for language in chosen}
    weights = _choose_weights(nlp, defaults, records)
    projector.translation_weights.update(weights)
    notes += [
        f"The encoder does not know the letters of '{language}', so only the translation of a text counts."
        for language in unreadable
        if weights[language] == 1.0
    ]
    result = Result(
        "add-translator",
        True,
        f"Texts in {', '.join(chosen)} are translated.",
        {"translator": type(back_end).__name__, "languages": chosen, "weights": weights},
        {
            "texts": fingerprint_texts(unlabeled),
            "dev": fingerprint(records),
        },
        accuracies(before, correct_rows(nlp, records), [record.language for record in records]),
        notes,
    )
    add_to_meta(nlp, result)
    return result


def _by_language(texts: Mapping[str, Sequence[str]], records: Sequence[Record]) -> dict[str, list[str]]:
    """The unlabeled and the labeled texts of each language."""
    found = {language: list(of_language) for language, of_language in texts.items()}
    for record in records:
        found.setdefault(record.language, []).append(record.text)
    return found


def _unreadable(encoder: Encoder, texts: Mapping[str, Sequence[str]], languages: Sequence[str]) -> list[str]:
    """The languages in whose texts many word pieces are unknown to the encoder."""
    tokenizer = getattr(encoder.encoder, "tokenizer_json", None)
    if tokenizer is None:
        return []
    shares = unknown_shares(tokenizer, {language: texts.get(language, ()) for language in languages})
    return [language for language, share in shares.items() if share > MOST_UNKNOWN]


def _add_induced(
    dictionaries: dict[str, list[WordPair]],
    pairs: Mapping[str, PairsData],
    source: str,
    encoding: Optional[str],
    notes: list[str],
) -> None:
    """Add the words of parallel sentences to the dictionaries of their languages."""
    parallel = read_parallel_texts(pairs, {}, source, encoding)
    notes += check_sides(parallel, source)
    for language, sentences in parallel.pairs.items():
        induced = induce_dictionary(sentences)
        if not induced and language not in dictionaries:
            raise XltError(
                f"No word was learned from the {len(sentences)} parallel sentences of '{language}'. Give some hundreds."
            )
        dictionaries[language] = [*dictionaries.get(language, []), *induced]
        notes.append(f"{len(induced)} words of '{language}' were learned from {len(sentences)} parallel sentences.")


def _choose_languages(translator: Translator, languages: Sequence[str], source: str) -> list[str]:
    """The base codes of the languages, or else of those that the translator knows."""
    chosen = [find_language(language) for language in languages] or translator.source_languages()
    if chosen is None:
        raise XltError(
            f"{type(translator).__name__} does not say which languages it translates. Name the languages to translate.",
            parameter="languages",
        )
    return [language for language in chosen if language != source]


def _put_component(nlp: Language, translator: Translator, languages: Sequence[str]) -> None:
    """Put a translator into the pipeline. If the pipeline has a glossary, add the new dictionaries to it."""
    if has_pipe(nlp, DocTranslator):
        component = find_pipe(nlp, DocTranslator)
        old = component.translator
        if not isinstance(old, Glossary) or not isinstance(translator, Glossary):
            raise XltError(
                f"The pipeline already has a translator ({type(old).__name__}). Remove it first with "
                f"nlp.remove_pipe('{component.name}')."
            )
        old.update(translator)
        component.forget()
        return
    config = {"translator": translator.config(), "languages": list(languages), "to": find_pipe(nlp, Projector).source}
    added: Any = nlp.add_pipe("xlt_translator", before=find_pipe(nlp, Encoder).name, config=config)
    added.translator = translator


def _let_detect(nlp: Language, languages: Sequence[str]) -> list[str]:
    """Make the language detector detect the languages, and return notes about what was changed."""
    if not has_pipe(nlp, LanguageDetector):
        return []
    component = find_pipe(nlp, LanguageDetector)
    known = getattr(component.detector, "languages", None)
    notes = [
        f"The language detector does not know '{language}', so texts are translated only if doc._.language is set."
        for language in languages
        if known is not None and language not in known
    ]
    allowed = {base_code(code) for code in component.prior}
    missing = [language for language in languages if language not in allowed] if allowed else []
    if missing:
        mean = sum(component.prior.values()) / len(component.prior)
        config = {**nlp.get_pipe_config(component.name)}
        config["languages"] = {**component.prior, **dict.fromkeys(missing, mean)}
        config.pop("factory")
        nlp.replace_pipe(component.name, "xlt_langdetect", config=config)
        notes.append(f"The language detector now also detects {', '.join(missing)}.")
    return notes


def _choose_weights(nlp: Language, defaults: Mapping[str, float], dev: Sequence[Record]) -> dict[str, float]:
    """The weight of each language: the default, or what development texts with translations favor."""
    head, labels = read_head(nlp), head_labels(nlp)
    weights = dict(defaults)
    for language, default in defaults.items():
        records = [record for record in dev if record.language == language]
        embedded, rows = _embed(nlp, records)
        if rows:
            gold = gold_matrix([records[row] for row in rows], labels)
            weights[language] = weight_by_labels(embedded, gold, head, default=default)
    return weights


def _embed(nlp: Language, records: Sequence[Record]) -> tuple[Embedded, list[int]]:
    """The embeddings of the texts that have a translation and of their translations, and the rows of these texts."""
    projector = find_pipe(nlp, Projector)
    docs = annotate(nlp, records)
    rows = [row for row, doc in enumerate(docs) if doc._.xlt_translation_embedding is not None]
    translated = np.array([docs[row]._.xlt_translation_embedding for row in rows], dtype=np.float32)
    vectors = np.array([docs[row]._.xlt_embedding for row in rows], dtype=np.float32)
    mixtures = [language_mixture(docs[row]) for row in rows]
    return Embedded(projector.project(vectors, mixtures) if rows else vectors, translated), rows

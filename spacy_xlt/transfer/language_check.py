"""Check whether texts are in the language that the data say."""

from collections.abc import Sequence

from spacy.language import Language

from spacy_xlt.data.records import Record
from spacy_xlt.languages import UNKNOWN, base_code
from spacy_xlt.pipeline.find import find_pipe, has_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector

# Texts of a language that are checked, at most and at least.
MAX_TEXTS, MIN_TEXTS = 50, 5


def wrong_languages(nlp: Language, records: Sequence[Record]) -> list[str]:
    """Return a warning for each language if more than half of its texts are detected as one other language."""
    if not has_pipe(nlp, LanguageDetector):
        return []
    detector = find_pipe(nlp, LanguageDetector)
    warnings = []
    for language in sorted({record.language for record in records} - {UNKNOWN}):
        texts = [record.text for record in records if record.language == language][:MAX_TEXTS]
        detected = [base_code(doc._.language) for doc in detector.pipe(nlp.make_doc(text) for text in texts)]
        for other in sorted(set(detected) - {language, UNKNOWN}):
            if len(texts) >= MIN_TEXTS and detected.count(other) > len(texts) / 2:
                warnings.append(
                    f"{detected.count(other)} of {len(texts)} texts of the language '{language}' look like '{other}'. "
                    "Check the file."
                )
    return warnings

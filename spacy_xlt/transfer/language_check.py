"""Whether texts are in the language that their file says."""

from collections.abc import Sequence

from spacy.language import Language

from spacy_xlt.data.records import Record
from spacy_xlt.languages import UNKNOWN, base_code
from spacy_xlt.pipeline.find import find_pipe, has_pipe
from spacy_xlt.pipeline.langdetect import LanguageDetector

# So many texts of a language are looked at, and no fewer than the second number.
SAMPLE, FEWEST = 50, 5


def wrong_languages(nlp: Language, records: Sequence[Record]) -> list[str]:
    """A sentence for each language of which more than half of the texts look like one other language."""
    if not has_pipe(nlp, LanguageDetector):
        return []
    detector = find_pipe(nlp, LanguageDetector)
    notes = []
    for language in sorted({record.language for record in records} - {UNKNOWN}):
        texts = [record.text for record in records if record.language == language][:SAMPLE]
        found = [base_code(doc._.language) for doc in detector.pipe(nlp.make_doc(text) for text in texts)]
        for other in sorted(set(found) - {language, UNKNOWN}):
            if len(texts) >= FEWEST and found.count(other) > len(texts) / 2:
                notes.append(
                    f"{found.count(other)} of {len(texts)} texts of language '{language}' look like '{other}': "
                    "is that the right file?"
                )
    return notes

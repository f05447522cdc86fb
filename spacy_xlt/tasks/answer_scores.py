"""Exact match and F1 of answers, with the normalization of MLQA for each language.

References:
    Lewis et al. (2020), "MLQA: Evaluating Cross-lingual Extractive Question Answering", section 5.1.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence

# The articles that MLQA leaves out. Its list for Vietnamese has classifiers and the word for "of".
ARTICLES = {
    "en": ("a", "an", "the"),
    "es": ("un", "una", "unos", "unas", "el", "la", "los", "las"),
    "de": ("ein", "eine", "einen", "einem", "eines", "einer", "der", "die", "das", "den", "dem", "des"),
    "vi": ("của", "là", "cái", "chiếc", "những"),
}
# The Arabic article is written as a part of the word. MLQA removes its letters wherever they are.
ARABIC_ARTICLE = "ال"
_ARTICLES = {code: re.compile(rf"\b(?:{'|'.join(words)})\b") for code, words in ARTICLES.items()}
# In these languages, words are not separated by spaces. MLQA has only Chinese.
UNSPACED = frozenset({"zh", "ja", "yue", "wuu", "th", "lo", "km", "my"})


def normalize_answer(text: str, language: str) -> str:
    """Return an answer in lower case, without punctuation, articles and superfluous spaces.

    Args:
        text: The answer.
        language: The base code of its language. Languages that are not in MLQA keep their articles.
    """
    kept = "".join(char for char in text.lower() if not _is_punctuation(char))
    if language in _ARTICLES:
        kept = _ARTICLES[language].sub(" ", kept)
    elif language == "ar":
        kept = kept.replace(ARABIC_ARTICLE, " ")
    return " ".join(kept.split())


def answer_tokens(text: str, language: str) -> list[str]:
    """Return the tokens of an answer: its words, or its characters if the language has no spaces between words.

    In a language without spaces, runs of Latin letters and digits are one token.
    """
    words = normalize_answer(text, language).split()
    if language not in UNSPACED:
        return words
    return [token for word in words for token in re.findall(r"[a-z0-9]+|\S", word)]


def exact_match(answer: str, gold: Sequence[str], language: str) -> float:
    """Return 1 if an answer is a correct one after normalization, else 0.

    Args:
        answer: The answer; empty for no answer.
        gold: The correct answers; empty if the text does not answer the question.
        language: The base code of the language of the text.
    """
    if not gold:
        return float(not answer)
    found = normalize_answer(answer, language)
    return float(bool(answer) and any(found == normalize_answer(each, language) for each in gold))


def answer_f1(answer: str, gold: Sequence[str], language: str) -> float:
    """Return the highest F1 of the tokens of an answer with those of a correct one. See `exact_match`.

    References:
        Rajpurkar et al. (2016), "SQuAD: 100,000+ Questions for Machine Comprehension of Text", section 6.1.
    """
    if not gold:
        return float(not answer)
    found = Counter(answer_tokens(answer, language))
    return max(_f1(found, Counter(answer_tokens(each, language))) for each in gold)


def _f1(one: Counter[str], other: Counter[str]) -> float:
    shared = (one & other).total()
    return 2 * shared / (one.total() + other.total()) if shared else 0.0


def _is_punctuation(char: str) -> bool:
    return char in string.punctuation or unicodedata.category(char).startswith("P")

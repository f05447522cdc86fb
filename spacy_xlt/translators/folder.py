"""What translators with a folder of weights share."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Optional

from spacy_xlt.translators.sentences import translate_sentences
from spacy_xlt.translators.tokens import Tokens, choose_tokens, names_targets_only
from spacy_xlt.weights_folder import WeightsFolder

# The word pieces of a batch, padding included, and of the longest sentence. Longer sentences are cut off.
BATCH_PIECES = 2048
MAX_PIECES = 510
# A translation has at most this many times the word pieces of the sentence, and this many more. Decoding is greedy,
# because beams take several times as long.
LONGER, MORE = 2, 10


class FolderTranslator(WeightsFolder):
    """A translator whose weights and tokenizer are in a folder."""

    def source_languages(self) -> Optional[list[str]]:
        """Return the languages of the model's tokens; None if its tokens do not name source languages."""
        tokens: Mapping[str, list[str]] = self.model.tokens
        return sorted(tokens) if tokens and not names_targets_only(tokens) else None

    def translate(self, texts: Sequence[str], languages: Sequence[str], to: str) -> list[Optional[str]]:
        """See `Translator.translate`. A text in a language that the model does not have is not translated."""
        result: list[Optional[str]] = [None] * len(texts)
        for language in sorted(set(languages)):
            tokens = choose_tokens(self.model.tokens, language, to)
            if tokens is None:
                continue
            rows = [row for row, each in enumerate(languages) if each == language]
            with self.in_use:
                found = translate_sentences(
                    [texts[row] for row in rows], partial(self.translate_sentences, tokens=tokens)
                )
            for row, translation in zip(rows, found):
                result[row] = translation
        return result

    def translate_sentences(self, sentences: list[str], tokens: Tokens) -> list[str]:
        """Translate sentences of one language.

        Args:
            sentences: The sentences.
            tokens: The language tokens of the source and the target.
        """
        raise NotImplementedError


def longest_translation(pieces: int, limit: int = MAX_PIECES) -> int:
    """Return the number of word pieces that the translation of a sentence has at most.

    Args:
        pieces: The word pieces of the sentence.
        limit: What the model can decode.
    """
    return min(LONGER * pieces + MORE, limit)

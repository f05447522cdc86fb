"""What back ends with a folder of an encoder-decoder share: they translate, summarize and answer."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Callable, NamedTuple, Optional

from spacy_xlt.generation.facts import FolderFacts
from spacy_xlt.generation.loops import find_loop
from spacy_xlt.generation.prompts import PROMPTS, TEXT, fill_languages, fill_text
from spacy_xlt.generation.settings import GREEDY, GenerationSettings, Output
from spacy_xlt.translators.sentences import generate_parts, split_parts, split_sentences
from spacy_xlt.translators.tokens import Tokens, choose_tokens, names_targets_only
from spacy_xlt.weights_folder import WeightsFolder

# The word pieces of a batch, padding included, and of the longest input. Longer inputs are cut off.
BATCH_PIECES = 2048
MAX_PIECES = 510
# What the decoder has besides the word pieces of an output: a start, a language token and an end.
ENDS = 3


class Request(NamedTuple):
    """What is the same for all inputs of a call: the language tokens and the settings."""

    tokens: Tokens
    settings: GenerationSettings


class FolderTranslator(WeightsFolder):
    """A back end whose encoder-decoder and tokenizer are in a folder.

    Its `model` has the attributes `tokens` (see `language_tokens`), `facts` (see `FolderFacts`) and `prompted`: whether
    the model has learned to follow the prompts of T5.
    """

    def source_languages(self) -> Optional[list[str]]:
        """Return the languages of the model's tokens; None if its tokens do not name source languages."""
        tokens: Mapping[str, list[str]] = self.model.tokens
        return sorted(tokens) if tokens and not names_targets_only(tokens) else None

    def translate(self, texts: Sequence[str], languages: Sequence[str], to: str) -> list[Optional[str]]:
        """See `Translator.translate`. A text in a language that the model does not have is not translated."""
        found = self.generate(texts, languages, [to] * len(texts), GREEDY)
        return [None if output is None else output.text for output in found]

    def generate(
        self,
        texts: Sequence[str],
        languages: Sequence[str],
        targets: Sequence[str],
        settings: GenerationSettings = GREEDY,
    ) -> list[Optional[Output]]:
        """Generate an output for each text.

        Args:
            texts: The texts.
            languages: The base code of the language of each text.
            targets: The base code of the language of each output.
            settings: How to generate.

        Returns:
            The outputs, in the order of the texts; None for a text if the model does not have one of its languages.
        """
        result: list[Optional[Output]] = [None] * len(texts)
        pairs = list(zip(languages, targets))
        for language, to in sorted(set(pairs)):
            tokens = choose_tokens(self.model.tokens, language, to)
            prompt = fill_languages(self.template(settings), language, to)
            if tokens is None or prompt is None:
                continue
            rows = [row for row, pair in enumerate(pairs) if pair == (language, to)]
            with self.in_use:
                found = generate_parts(
                    [texts[row] for row in rows],
                    self._splitter(settings, prompt),
                    partial(self._generate, Request(tokens, settings), prompt),
                )
            for row, output in zip(rows, found):
                result[row] = output
        return result

    def template(self, settings: GenerationSettings) -> str:
        """Return the prompt that is used, in which languages are not filled in."""
        default = PROMPTS.get(settings.task, TEXT) if self.model.prompted else TEXT
        return settings.template or self.model.facts.template or default

    def max_pieces(self) -> int:
        """Return the most word pieces of an input and of an output."""
        facts: FolderFacts = self.model.facts
        return min(MAX_PIECES, facts.max_pieces or MAX_PIECES)

    def _splitter(self, settings: GenerationSettings, prompt: str) -> Callable[[str], list[str]]:
        if settings.task == "translate":
            return split_sentences
        room = self.max_pieces() - self.count_pieces([fill_text(prompt, "")])[0]
        return partial(split_parts, count=self.count_pieces, limit=max(1, room))

    def _generate(self, request: Request, prompt: str, parts: Sequence[str]) -> list[Output]:
        found = self.generate_pieces([fill_text(prompt, part) for part in parts], request)
        outputs = []
        for pieces in found:
            kept = find_loop(pieces)
            outputs.append(Output(self.decode(pieces[:kept]).strip(), kept is not None))
        return outputs

    def count_pieces(self, texts: Sequence[str]) -> list[int]:
        """Return the number of word pieces of each text, with the special ones."""
        raise NotImplementedError

    def generate_pieces(self, texts: Sequence[str], request: Request) -> list[list[Any]]:
        """Return the word pieces of each output, without special ones at the start and the end.

        An output has at most `longest_output` word pieces, and does not depend on the other texts.

        Args:
            texts: The inputs, which are not split any more.
            request: The language tokens and the settings.
        """
        raise NotImplementedError

    def decode(self, pieces: Sequence[Any]) -> str:
        """Return the text of word pieces."""
        raise NotImplementedError

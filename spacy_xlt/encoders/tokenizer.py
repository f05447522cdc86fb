"""Tokenize texts into windows of word pieces, with the special word pieces and the prefix of an encoder folder."""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Optional

import numpy as np

from spacy_xlt.encoders.base import Floats2d, average_windows, choose_windows, spread
from spacy_xlt.encoders.folder import EncoderSettings
from spacy_xlt.errors import XltError
from spacy_xlt.text import replace_surrogates

# Neighboring windows share a quarter of their word pieces, so that nearly every sentence is complete in one of them.
OVERLAP_SHARE = 4
# The number of characters that are tokenized for each word piece of a window, if a text is far longer than its windows.
# Languages have 1.5 to 5 characters per word piece, so a slice of this length nearly always fills its window.
SLICE_CHARACTERS = 8
PARALLELISM = "TOKENIZERS_PARALLELISM"
_SPACE = re.compile(r"\s")

# The ids of all windows, the index of the text of each, and its length without the frame.
Windows = tuple[list[list[int]], list[int], list[int]]


@lru_cache(maxsize=1)
def _no_threads_after_a_fork() -> None:
    """Make `tokenizers` use one thread in forked processes. Otherwise they wait forever for threads of the parent.

    The environment variable must be set when the process forks. Otherwise `tokenizers` prints a warning in every worker
    of `nlp.pipe(n_process=...)`. The setting of the parent is restored after the fork.
    """
    if not hasattr(os, "register_at_fork"):
        return
    settings: list[Optional[str]] = []

    def before() -> None:
        settings.append(os.environ.get(PARALLELISM))
        os.environ[PARALLELISM] = "false"

    def after_in_parent() -> None:
        setting = settings.pop()
        if setting is None:
            os.environ.pop(PARALLELISM, None)
        else:
            os.environ[PARALLELISM] = setting

    os.register_at_fork(before=before, after_in_parent=after_in_parent)


def read_tokenizer(tokenizer_json: str) -> Any:
    """Return the tokenizer of a `tokenizer.json`, without padding and truncation, which are shared state."""
    from tokenizers import Tokenizer

    _no_threads_after_a_fork()
    tokenizer: Any = Tokenizer.from_str(tokenizer_json)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def unknown_shares(tokenizer_json: str, texts: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Return the share of the word pieces that a tokenizer does not know, for the texts of each language.

    It is 0 for a tokenizer that knows all bytes, and where there is no text.
    """
    model = json.loads(tokenizer_json)["model"]
    piece = model.get("unk_token")
    if piece is None and model.get("unk_id") is not None:
        piece = model["vocab"][model["unk_id"]][0]
    if piece is None:
        return dict.fromkeys(texts, 0.0)
    tokenizer = read_tokenizer(tokenizer_json)
    unknown = tokenizer.token_to_id(piece)
    shares = {}
    for language, of_language in texts.items():
        clean = [replace_surrogates(text) for text in of_language]
        found = tokenizer.encode_batch(clean, add_special_tokens=False)
        total = sum(len(each.ids) for each in found)
        shares[language] = sum(each.ids.count(unknown) for each in found) / total if total else 0.0
    return shares


def frame_of(tokenizer: Any) -> tuple[list[int], list[int]]:
    """Return the ids of the special word pieces before and after a single text."""
    probe = tokenizer.encode("a")
    is_special = list(probe.special_tokens_mask)
    n_opening = is_special.index(0) if 0 in is_special else 1
    n_closing = is_special[::-1].index(0) if 0 in is_special else 1
    return probe.ids[:n_opening], probe.ids[len(probe.ids) - n_closing :]


class WindowTokenizer:
    """Turn texts into windows of ids: opening special word pieces, prefix, word pieces, closing special word pieces.

    Args:
        tokenizer_json: The content of a `tokenizer.json`.
        settings: The settings of the encoder.

    Raises:
        XltError: The window is too short for the prefix.
    """

    def __init__(self, tokenizer_json: str, settings: EncoderSettings) -> None:
        self._tokenizer = read_tokenizer(tokenizer_json)
        opening, self.closing = frame_of(self._tokenizer)
        self.opening = opening + (self._pieces([settings.prefix])[0] if settings.prefix else [])
        self.settings = settings
        self.room = self._room(settings.window)

    @property
    def json(self) -> str:
        """The content of tokenizer.json. It is not stored, because it has 70 MB for a large vocabulary."""
        return str(self._tokenizer.to_str())

    def windows(self, texts: Sequence[str]) -> Windows:
        """Return the windows that the encoder reads of each text: `choose_windows` with the encoder's settings."""
        return self.choose_windows(texts, count=self.settings.max_windows, length=self.settings.window)

    def choose_windows(self, texts: Sequence[str], *, count: Optional[int], length: int) -> Windows:
        """Return at most `count` windows of each text, evenly spread over the text.

        A text of at most `count` windows is read as a whole. If a text is far longer, only evenly spread slices of it
        are tokenized, and a window is the beginning of each slice.

        Args:
            texts: The texts. Lone surrogates are read as U+FFFD.
            count: The number of windows per text. None returns all windows.
            length: The longest window in word pieces, special ones and prefix included.

        Returns:
            The windows as ids; the index of the text of each window; the length of each window without special word
            pieces and prefix. A text without word pieces (empty, blank) has no window.

        Raises:
            XltError: The window is too short for the prefix.
        """
        room = self._room(length)
        clean = [replace_surrogates(text) for text in texts]
        chosen = self._sliced(clean, room, count) if count is not None else {}
        whole = [index for index in range(len(clean)) if index not in chosen]
        for index, pieces in zip(whole, self._pieces([clean[index] for index in whole])):
            chosen[index] = choose_windows(pieces, room, room // OVERLAP_SHARE, count) if pieces else []
        windows: list[list[int]] = []
        owners: list[int] = []
        lengths: list[int] = []
        for owner in range(len(clean)):
            for window in chosen[owner]:
                windows.append(self.opening + window + self.closing)
                owners.append(owner)
                lengths.append(len(window))
        return windows, owners, lengths

    def _room(self, length: int) -> int:
        room = length - len(self.opening) - len(self.closing)
        if room < 8:
            raise XltError(
                f"A window of {length} word pieces leaves no room for the text beside the prefix and the special "
                "word pieces. Use a longer window or a shorter prefix."
            )
        return room

    def _pieces(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def _sliced(self, texts: Sequence[str], room: int, count: int) -> dict[int, list[list[int]]]:
        """Return the windows of very long texts by the index of the text.

        A text is left out if one of its slices does not fill a window, such as a long run of spaces. It is tokenized as
        a whole then, because it could have at most `count` windows.
        """
        size = room * SLICE_CHARACTERS
        long = [index for index, text in enumerate(texts) if len(text) > count * size]
        slices = [part for index in long for part in cut_slices(texts[index], size, count)]
        pieces = self._pieces(slices) if slices else []
        found = {}
        for number, index in enumerate(long):
            of_text = pieces[number * count : (number + 1) * count]
            if all(len(each) >= room for each in of_text):
                found[index] = [each[:room] for each in of_text]
        return found


def encode_texts(
    texts: Sequence[str], tokenizer: WindowTokenizer, encode_windows: Callable[[list[list[int]]], Floats2d]
) -> Floats2d:
    """Encode texts by averaging the vectors of their windows. Every encoder that reads word pieces calls this.

    Args:
        texts: The texts.
        tokenizer: The tokenizer, which chooses the windows of each text.
        encode_windows: A function that returns the vectors [n, d] of n windows of ids.

    Returns:
        The vectors [len(texts), d] of unit length. A text without word pieces has zeros.
    """
    windows, owners, lengths = tokenizer.windows(texts)
    return average_windows(
        encode_windows(windows),
        np.asarray(owners, dtype=np.int64),
        np.asarray(lengths, dtype=np.float32),
        len(texts),
    )


def cut_slices(text: str, size: int, count: int) -> list[str]:
    """Cut `count` evenly spread slices of at most `size` characters from a text of more than `count * size` characters.

    A slice does not begin or end within a word. In text without spaces, it begins and ends anywhere.
    """
    slices = []
    for start in spread(len(text) - size, count):
        part = text[start : start + size]
        first = _SPACE.search(part) if start > 0 else None
        # The space is kept, because byte-level tokenizers treat a word without it as the beginning of a text.
        begin = first.start() if first else 0
        end = len(part) if start + size == len(text) else _last_space(part)
        slices.append(part[begin:end] if end > begin else part[begin:])
    return slices


def _last_space(text: str) -> int:
    """Return the index of the last space, or the length of a text without one."""
    return next((index for index in range(len(text) - 1, -1, -1) if text[index].isspace()), len(text))

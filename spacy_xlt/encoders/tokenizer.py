"""Word pieces for the encoders: a `tokenizers` tokenizer with the specials and the prefix of an encoder folder."""

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Optional

from spacy_xlt.encoders.base import split_windows
from spacy_xlt.encoders.folder import EncoderSettings
from spacy_xlt.errors import XltError
from spacy_xlt.text import replace_surrogates

# Neighbouring windows share a quarter, so that no sentence is seen only in two halves.
OVERLAP_SHARE = 4
PARALLELISM = "TOKENIZERS_PARALLELISM"


@lru_cache(maxsize=1)
def _no_threads_after_a_fork() -> None:
    """Have `tokenizers` work in one thread in forked processes: it would wait for the parent's threads for ever.

    The environment has to say so when the process forks, or `tokenizers` prints a warning in every worker of
    `nlp.pipe(n_process=...)`. The parent gets its own setting back.
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


class WindowTokenizer:
    """Turns texts into windows of word-piece ids: opening specials, prefix, pieces, closing specials.

    Padding and truncation are set off once here: they are global state of a tokenizer.
    """

    def __init__(self, tokenizer_json: str, settings: EncoderSettings) -> None:
        from tokenizers import Tokenizer

        _no_threads_after_a_fork()
        self._tokenizer: Any = Tokenizer.from_str(tokenizer_json)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        probe = self._tokenizer.encode("a")
        is_special = list(probe.special_tokens_mask)
        n_opening = is_special.index(0) if 0 in is_special else 1
        n_closing = is_special[::-1].index(0) if 0 in is_special else 1
        prefix = self._pieces([settings.prefix])[0] if settings.prefix else []
        self.opening: list[int] = probe.ids[:n_opening] + prefix
        self.closing: list[int] = probe.ids[len(probe.ids) - n_closing :]
        self.room = settings.window - len(self.opening) - len(self.closing)
        if self.room < 8:
            raise XltError(f"A window of {settings.window} word pieces leaves no room beside prefix and specials.")

    @property
    def json(self) -> str:
        """The tokenizer's file. Not kept: of a large vocabulary it is 70 MB of text."""
        return str(self._tokenizer.to_str())

    def _pieces(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def windows(self, texts: Sequence[str]) -> tuple[list[list[int]], list[int], list[int]]:
        """Return all windows of all texts as ids, the text that each belongs to, and its length without the frame.

        A text without word pieces (empty, blank) has no window.
        """
        windows: list[list[int]] = []
        owners: list[int] = []
        lengths: list[int] = []
        for owner, pieces in enumerate(self._pieces([replace_surrogates(text) for text in texts])):
            for window in split_windows(pieces, self.room, self.room // OVERLAP_SHARE) if pieces else []:
                windows.append(self.opening + window + self.closing)
                owners.append(owner)
                lengths.append(len(window))
        return windows, owners, lengths

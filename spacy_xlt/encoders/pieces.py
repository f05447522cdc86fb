"""Windows of word pieces with their places in the text, for tasks that predict something for each piece."""

from collections.abc import Sequence
from dataclasses import dataclass

from spacy_xlt.encoders.base import split_windows
from spacy_xlt.encoders.tokenizer import frame_of, read_tokenizer
from spacy_xlt.errors import XltError
from spacy_xlt.text import replace_surrogates

# The least room for word pieces of the text in a window.
LEAST_ROOM = 8


@dataclass(frozen=True)
class PieceWindow:
    """A window of word pieces.

    Attributes:
        ids: The ids of all word pieces, special ones included.
        first: The place of the first word piece of the text among them.
        spans: The start and end of each word piece of the text, in characters of the text.
        offset: The number of word pieces of the text before this window.
    """

    ids: list[int]
    first: int
    spans: list[tuple[int, int]]
    offset: int = 0

    @property
    def text_places(self) -> slice:
        """The places of the word pieces of the text among `ids`."""
        return slice(self.first, self.first + len(self.spans))


@dataclass(frozen=True)
class Pieces:
    """The word pieces of a text: their ids, and their starts and ends in characters of the text."""

    ids: list[int]
    spans: list[tuple[int, int]]


@dataclass(frozen=True)
class PairWindow:
    """The word pieces of a pair of texts.

    Attributes:
        ids: The ids of all word pieces, special ones included.
        first: The places of the word pieces of the first text among them.
        second: The places of the word pieces of the second text.
    """

    ids: list[int]
    first: slice
    second: slice


class PieceTokenizer:
    """Split texts, and pairs of texts, into windows of word pieces with their places in the text.

    The special word pieces are those that the tokenizer puts around one text or a pair of texts, such as
    `<s> A </s>` and `<s> A </s> </s> B </s>`. The prefix of an encoder for sentence embeddings is not used.

    Args:
        tokenizer_json: The content of a `tokenizer.json`.
    """

    def __init__(self, tokenizer_json: str) -> None:
        self._tokenizer = read_tokenizer(tokenizer_json)
        self._opening, self._closing = frame_of(self._tokenizer)
        self._pair_opening, self._middle, self._pair_closing = self._pair_frame()

    def pieces(self, texts: Sequence[str]) -> list[Pieces]:
        """Return the word pieces of texts, without special ones. Lone surrogates are read as U+FFFD."""
        clean = [replace_surrogates(text) for text in texts]
        found = self._tokenizer.encode_batch(clean, add_special_tokens=False)
        return [
            Pieces(list(each.ids), [_trimmed(text, *span) for span in each.offsets]) for text, each in zip(clean, found)
        ]

    def windows(self, pieces: Pieces, *, length: int, overlap: int) -> list[PieceWindow]:
        """Return the windows of a text.

        Args:
            pieces: The word pieces of the text.
            length: The longest window in word pieces, special ones included.
            overlap: The number of word pieces that neighboring windows share.

        Returns:
            The windows. A text without word pieces has none.

        Raises:
            XltError: The window is too short.
        """
        return self._windows(self._opening, pieces, self._closing, length=length, overlap=overlap)

    def windows_after(self, first: Pieces, pieces: Pieces, *, length: int, overlap: int) -> list[PieceWindow]:
        """Return the windows of the second text of a pair. The first text, such as a question, is in each of them.

        Args:
            first: The word pieces of the first text. At most half a window is used.
            pieces: The word pieces of the second text.
            length: The longest window in word pieces, special ones included.
            overlap: The number of word pieces that neighboring windows share.

        Returns:
            The windows. A second text without word pieces has none.

        Raises:
            XltError: The window is too short.
        """
        opening = [*self._pair_opening, *first.ids[: length // 2], *self._middle]
        return self._windows(opening, pieces, self._pair_closing, length=length, overlap=overlap)

    def pair(self, first: Pieces, second: Pieces, *, length: int) -> PairWindow:
        """Return the window of a pair of texts. If the pair is too long, the longer text is cut.

        Args:
            first: The word pieces of the first text.
            second: The word pieces of the second text.
            length: The largest number of word pieces, special ones included.

        Raises:
            XltError: The window is too short.
        """
        room = length - len(self._pair_opening) - len(self._middle) - len(self._pair_closing)
        _check_room(room, length)
        kept = first.ids[: max(room - len(second.ids), room // 2)]
        rest = second.ids[: room - len(kept)]
        start = len(self._pair_opening)
        middle = start + len(kept) + len(self._middle)
        return PairWindow(
            [*self._pair_opening, *kept, *self._middle, *rest, *self._pair_closing],
            slice(start, start + len(kept)),
            slice(middle, middle + len(rest)),
        )

    def _windows(
        self, opening: list[int], pieces: Pieces, closing: list[int], *, length: int, overlap: int
    ) -> list[PieceWindow]:
        room = length - len(opening) - len(closing)
        _check_room(room, length)
        if not pieces.ids:
            return []
        overlap = min(overlap, room - 1)
        parts = split_windows(list(range(len(pieces.ids))), room, overlap)
        return [
            PieceWindow(
                [*opening, *(pieces.ids[number] for number in part), *closing],
                len(opening),
                [pieces.spans[number] for number in part],
                part[0],
            )
            for part in parts
        ]

    def _pair_frame(self) -> tuple[list[int], list[int], list[int]]:
        """Return the special word pieces before, between and after two texts."""
        probe = self._tokenizer.encode("a", "a")
        inside = [number for number, special in enumerate(probe.special_tokens_mask) if not special]
        count = len(self._tokenizer.encode("a", add_special_tokens=False).ids)
        middle = slice(inside[count - 1] + 1, inside[count])
        # Some tokenizers put nothing between the texts of a pair. Their text ends as a single text does.
        return probe.ids[: inside[0]], probe.ids[middle] or self._closing, probe.ids[inside[-1] + 1 :]


def _check_room(room: int, length: int) -> None:
    if room < LEAST_ROOM:
        raise XltError(f"A window of {length} word pieces leaves no room for the text. Use a longer window.")


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out the space before and after a word piece, which some tokenizers count as part of it."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end

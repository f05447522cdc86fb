"""Windows and features of pairs of texts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from spacy_xlt.encoders.pieces import Pieces, PieceTokenizer
from spacy_xlt.errors import XltError
from spacy_xlt.tasks.pairs import pair_features

WORDS = 60


def make_tokenizer(pair: str) -> PieceTokenizer:
    names = ["<s>", "</s>", "a", *(f"w{number}" for number in range(WORDS))]
    tokenizer = Tokenizer(models.WordLevel({name: number for number, name in enumerate(names)}, unk_token="a"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair=pair, special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    tokenizer.add_special_tokens(["<s>", "</s>"])
    return PieceTokenizer(tokenizer.to_str())


TOKENIZERS = {
    "roberta": (make_tokenizer("<s> $A </s> </s> $B </s>"), 4),
    "bert": (make_tokenizer("<s> $A </s> $B </s>"), 3),
    # A tokenizer that puts nothing between the texts: their text ends as a single text does.
    "t5": (make_tokenizer("<s> $A $B </s>"), 3),
}
sides = st.lists(st.integers(3, WORDS + 2), max_size=WORDS)


@pytest.mark.parametrize("kind", list(TOKENIZERS))
@given(first=sides, second=sides, length=st.integers(12, 140))
def test_a_pair_is_cut_to_its_length_and_the_longer_text_first(
    kind: str, first: list[int], second: list[int], length: int
) -> None:
    tokenizer, special = TOKENIZERS[kind]
    window = tokenizer.pair(Pieces(first, []), Pieces(second, []), length=length)
    one, two = window.ids[window.first], window.ids[window.second]
    assert one == first[: len(one)] and two == second[: len(two)]
    assert len(window.ids) == len(one) + len(two) + special == min(length, len(first) + len(second) + special)
    # What is cut is longer than what is left whole; two cut texts differ by at most one word piece.
    if len(one) < len(first) and len(two) == len(second):
        assert len(one) >= len(two) - 1
    if len(two) < len(second) and len(one) == len(first):
        assert len(two) >= len(one) - 1
    if len(one) < len(first) and len(two) < len(second):
        assert abs(len(one) - len(two)) <= 1


def test_a_pair_has_the_special_word_pieces_of_its_tokenizer() -> None:
    tokenizer, _ = TOKENIZERS["roberta"]
    first, second = tokenizer.pieces(["w1 w2", "w3"])
    assert tokenizer.pair(first, second, length=20).ids == [0, 4, 5, 1, 1, 6, 1]


def test_a_window_without_room_is_an_error() -> None:
    with pytest.raises(XltError, match="6"):
        TOKENIZERS["roberta"][0].pair(Pieces([3], []), Pieces([4], []), length=6)


def test_the_features_are_both_vectors_their_difference_and_their_product() -> None:
    first, second = np.array([[0.6, 0.8, 0, 0]], np.float32), np.array([[1, 0, 0, 0]], np.float32)
    expected = [0.6, 0.8, 0, 0, 1, 0, 0, 0, 0.4, 0.8, 0, 0, 1.2, 0, 0, 0]
    np.testing.assert_allclose(pair_features(first, second)[0], expected, atol=1e-6)

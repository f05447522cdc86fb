"""Dictionaries that are learned from parallel sentences."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_xlt.translators.induction import induce_dictionary

# Source words and their translations. The other words of a sentence are noise.
LEXICON = {f"source{number}": f"wort{number}" for number in range(120)}
TEXTS = st.text(alphabet="ab cd, 我你 བོད་", max_size=20)


def make_pairs(count: int, seed: int = 0, extra: str = "") -> list[tuple[str, str]]:
    """Sentences of six words, translated in another order; one word in eight is not translated."""
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(count):
        words = [list(LEXICON)[at] for at in rng.choice(len(LEXICON), 6, replace=False)]
        kept = [LEXICON[word] for word in words if rng.random() > 0.125]
        pairs.append((" ".join([*words, extra]), " ".join(rng.permutation([*kept, f"noise{rng.integers(9)}"]))))
    return pairs


def test_words_of_parallel_sentences_are_found() -> None:
    found = {word: entry for entry, word in induce_dictionary(make_pairs(900)) if word.startswith("wort")}
    assert found == {word: entry for entry, word in LEXICON.items()}


def test_a_word_that_is_everywhere_is_no_entry() -> None:
    entries = {entry for entry, _ in induce_dictionary(make_pairs(900, extra="the"))}
    assert "the" not in entries and "source1" in entries


def test_a_word_in_one_sentence_only_is_not_in_the_dictionary() -> None:
    assert induce_dictionary([("cat", "kato")]) == []
    assert induce_dictionary([("cat", "kato"), ("cat sees", "kato vidas")]) == [("cat", "kato")]


def test_scripts_without_spaces() -> None:
    pairs = [("cat dog", "猫犬"), ("cat bird", "鸟猫"), ("dog bird", "犬鸟")]
    assert sorted(induce_dictionary(pairs)) == [("bird", "鸟"), ("cat", "猫"), ("dog", "犬")]


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=8))
def test_any_texts(pairs: list[tuple[str, str]]) -> None:
    found = induce_dictionary(pairs)
    assert len({word for _, word in found}) == len(found)
    for entry, word in found:
        assert any(entry in source.lower() and word in text.lower() for source, text in pairs)

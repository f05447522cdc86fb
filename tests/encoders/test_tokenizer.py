"""Windows of word pieces, with the specials and the prefix of the encoder."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spacy_xlt.encoders.folder import EncoderSettings
from spacy_xlt.encoders.tokenizer import SLICE_CHARACTERS, WindowTokenizer, cut_slices
from spacy_xlt.errors import XltError
from tests.encoders.tiny import LINES

transformers = pytest.importorskip("transformers")

FORK = """
import os, sys, warnings
# From Python 3.12 on, Python itself warns of every fork of a process with threads.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
from pathlib import Path
from spacy_xlt.encoders.folder import EncoderSettings
from spacy_xlt.encoders.tokenizer import WindowTokenizer

tokenizer = WindowTokenizer(Path(sys.argv[1]).read_text(encoding="utf8"), EncoderSettings(window=128))
texts = ["My order has not arrived."] * 100
expected = tokenizer.windows(texts)
if child := os.fork():
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), os.environ.get("TOKENIZERS_PARALLELISM"))
else:
    os._exit(7 if tokenizer.windows(texts) == expected else 8)
"""
BLANK = ["", " ", "\n\t ", "\u3000\u00a0"]
LONG = " ".join(LINES * 4)


def make(folder: Path, **settings: Any) -> WindowTokenizer:
    return WindowTokenizer((folder / "tokenizer.json").read_text(encoding="utf8"), EncoderSettings(**settings))


def test_short_texts_have_one_window_that_is_hugging_faces(tiny_encoder: Path) -> None:
    windows, owners, _ = make(tiny_encoder, window=128).windows(LINES)
    reference = transformers.AutoTokenizer.from_pretrained(tiny_encoder)
    assert windows == [reference(line).input_ids for line in LINES]
    assert owners == list(range(len(LINES)))


def test_lengths_do_not_count_specials_and_prefix(tiny_encoder: Path) -> None:
    tokenizer = make(tiny_encoder, window=128, prefix="query: ")
    windows, _, lengths = tokenizer.windows(LINES)
    frame = len(tokenizer.opening) + len(tokenizer.closing)
    assert lengths == [len(window) - frame for window in windows]


def test_prefix_stands_before_every_window(tiny_encoder: Path) -> None:
    tokenizer = make(tiny_encoder, window=32, prefix="query: ")
    windows, _, _ = tokenizer.windows(["order", LONG])
    reference = transformers.AutoTokenizer.from_pretrained(tiny_encoder)
    assert windows[0] == reference("query: order").input_ids
    prefix = reference("query:").input_ids
    closing = reference("").input_ids[-1:]
    for window in windows:
        assert window[: len(prefix) - 1] == prefix[:-1]
        assert window[-1:] == closing


def test_a_long_text_is_cut_into_windows_that_fit_and_lose_nothing(tiny_encoder: Path) -> None:
    tokenizer = make(tiny_encoder, window=32)
    windows, owners, lengths = tokenizer.windows(["", LONG, "order"])
    assert max(map(len, windows)) == 32
    assert owners == [1] * (len(windows) - 1) + [2]
    opening, closing, overlap = len(tokenizer.opening), len(tokenizer.closing), tokenizer.room // 4
    bodies = [window[opening : len(window) - closing] for window in windows[:-1]]
    assert lengths[:-1] == list(map(len, bodies))
    joined = bodies[0] + [piece for body in bodies[1:] for piece in body[overlap:]]
    reference = transformers.AutoTokenizer.from_pretrained(tiny_encoder)
    assert joined == reference(LONG, add_special_tokens=False).input_ids


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_at_most_count_windows_are_chosen_and_short_texts_are_whole(tiny_encoder: Path, count: int) -> None:
    every, limited = make(tiny_encoder, window=64), make(tiny_encoder, window=64, max_windows=count)
    texts = ["", LINES[0], " ".join(LINES[:3]), LONG]
    of_each = [(every.windows([text])[0], limited.windows([text])[0]) for text in texts]
    assert any(len(all_windows) > count for all_windows, _ in of_each)
    for all_windows, chosen in of_each:
        assert len(chosen) == min(len(all_windows), count)
        if len(all_windows) <= count:
            assert chosen == all_windows
        else:
            assert chosen[0] == all_windows[0]
    assert limited.windows(texts)[0] == [window for _, chosen in of_each for window in chosen]
    assert every.choose_windows(texts, count=count, length=64) == limited.windows(texts)


class CountingTokenizer(WindowTokenizer):
    """Counts the characters that are tokenized."""

    def _pieces(self, texts: Sequence[str]) -> list[list[int]]:
        self.characters = getattr(self, "characters", 0) + sum(map(len, texts))
        return super()._pieces(texts)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_of_a_far_longer_text_only_slices_are_tokenized(tiny_encoder: Path, count: int) -> None:
    settings = EncoderSettings(window=32, max_windows=count)
    tokenizer = CountingTokenizer((tiny_encoder / "tokenizer.json").read_text(encoding="utf8"), settings)
    text = " ".join(LINES * 20)
    tokenizer.characters = 0
    windows, owners, lengths = tokenizer.windows(["app", text, "order"])
    assert tokenizer.characters <= count * tokenizer.room * SLICE_CHARACTERS + len("app") + len("order")
    assert owners == [0] + [1] * count + [2]
    assert lengths[1:-1] == [tokenizer.room] * count
    # The first window is that of the whole text; the slices begin with whole words.
    every = make(tiny_encoder, window=32).windows([text])[0]
    assert windows[1] == every[0]
    assert tokenizer.windows([text])[0] == windows[1:-1]


@pytest.mark.parametrize("blank", [" ", "\n"])
def test_a_long_text_of_few_word_pieces_is_read_as_a_whole(tiny_encoder: Path, blank: str) -> None:
    """More characters than the slices have, but no more than two windows."""
    text = LINES[0] + blank * 5000 + LINES[1]
    assert make(tiny_encoder, max_windows=2).windows([text]) == make(tiny_encoder).windows([text])
    assert len(text) > 2 * make(tiny_encoder, window=128).room * SLICE_CHARACTERS


def test_slices_do_not_begin_or_end_within_a_word() -> None:
    words = [f"word{number}" for number in range(1000)]
    text = " ".join(words)
    slices = cut_slices(text, 100, 5)
    assert slices[0].startswith("word0 ") and slices[-1].endswith(" word999")
    assert all(len(part) <= 100 and set(part.split()) <= set(words) for part in slices)
    starts = [text.index(part) for part in slices]
    assert np.diff(starts) == pytest.approx((len(text) - 100) / 4, abs=10)
    assert [len(part) for part in cut_slices("的" * 1000, 100, 3)] == [100] * 3


@pytest.mark.parametrize("text", BLANK)
def test_blank_text_has_no_window(tiny_encoder: Path, text: str) -> None:
    assert make(tiny_encoder, prefix="query: ").windows([text]) == ([], [], [])


def test_no_texts(tiny_encoder: Path) -> None:
    assert make(tiny_encoder).windows([]) == ([], [], [])


def test_a_lone_surrogate_is_a_replacement_character(tiny_encoder: Path) -> None:
    tokenizer = make(tiny_encoder)
    assert tokenizer.windows(["order \ud800 arrived"]) == tokenizer.windows(["order \ufffd arrived"])


def test_padding_and_truncation_of_the_file_are_off(tiny_bert: Path) -> None:
    content = json.loads((tiny_bert / "tokenizer.json").read_text(encoding="utf8"))
    content["truncation"] = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
    content["padding"] = {
        "strategy": {"Fixed": 64},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    changed = WindowTokenizer(json.dumps(content), EncoderSettings())
    assert changed.windows(LINES) == make(tiny_bert).windows(LINES)


def test_a_window_without_room_beside_the_prefix_is_an_error(tiny_encoder: Path) -> None:
    with pytest.raises(XltError, match="16"):
        make(tiny_encoder, window=16, prefix="order account password settings " * 3)
    assert make(tiny_encoder, window=16).room >= 8


@pytest.mark.parametrize(("setting", "value"), [("window", 15), ("pooling", "max"), ("max_windows", 0)])
def test_bad_settings_are_errors(setting: str, value: Any) -> None:
    with pytest.raises(XltError, match=str(value)):
        EncoderSettings(**{setting: value})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("chosen", [None, "true"])
def test_a_fork_neither_warns_nor_hangs_and_changes_no_setting_of_the_parent(
    chosen: str | None, tiny_bert: Path
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TOKENIZERS_PARALLELISM"}
    if chosen is not None:
        environment["TOKENIZERS_PARALLELISM"] = chosen
    finished = subprocess.run(
        [sys.executable, "-c", FORK, str(tiny_bert / "tokenizer.json")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (finished.stdout.split(), finished.stderr) == (["7", str(chosen)], "")

"""Windows of word pieces, with the specials and the prefix of the encoder."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spacy_xlt.encoders.folder import EncoderSettings
from spacy_xlt.encoders.tokenizer import WindowTokenizer
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
    with pytest.raises(XltError, match="16 word pieces leaves no room"):
        make(tiny_encoder, window=16, prefix="order account password settings " * 3)
    assert make(tiny_encoder, window=16).room >= 8


@pytest.mark.parametrize(("setting", "value"), [("window", 15), ("pooling", "max")])
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

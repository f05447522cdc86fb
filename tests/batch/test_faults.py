"""Killed, out of disk, a worker lost: run again, and everything is there once."""

import errno
import functools
import io
import multiprocessing
import os
import pickle
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch

from spacy_xlt.batch import parts, process
from spacy_xlt.batch.chunks import SeenIds
from spacy_xlt.batch.model import TextModel
from spacy_xlt.errors import XltError
from tests.batch.conftest import content, read_jsonl, tickets, write_jsonl

SMALL: dict[str, Any] = {"chunk": 8, "part_chunks": 2}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As workers have it: with more threads torch rounds the last digit of a score otherwise, which bytes show."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_jsonl([*tickets(300), {"bad": 1}, *tickets(600)[300:]], tmp_path_factory.mktemp("in") / "a.jsonl")


@pytest.fixture(scope="module")
def whole(model: Path, source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an undisturbed run leaves."""
    out = tmp_path_factory.mktemp("whole") / "out"
    process(model, source, out, **SMALL)
    return content(out)


@pytest.mark.parametrize("processes", [0, 2])
def test_kill_9_in_mid_run(model: Path, source: Path, whole: dict[str, bytes], tmp_path: Path, processes: int) -> None:
    out = tmp_path / "out"
    # Forked, since a new Python would need seconds for its imports; benchmarks/batch.py kills whole commands.
    options = {**SMALL, "workers": processes}
    run = multiprocessing.get_context("fork").Process(target=process, args=(model, source, out), kwargs=options)
    run.start()
    wanted = random.Random(processes).randrange(1, 15)
    while run.is_alive() and len(list(out.glob("part-*"))) < wanted:
        time.sleep(0.001)
    run.kill()
    run.join()
    assert run.exitcode == -signal.SIGKILL
    there = len(list(out.glob("part-*")))
    assert wanted <= there < len(whole) - 3
    process(model, source, out, workers=processes, **SMALL)
    assert content(out) == whole
    ids = [row["id"] for row in read_jsonl(out)]
    assert ids == [f"t{number}" for number in range(600)]


class SmallDisk(io.BufferedWriter):
    """Takes so many bytes of all files together."""

    left = 0

    def write(self, data: Any) -> int:
        SmallDisk.left -= len(data)
        if SmallDisk.left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


@pytest.mark.parametrize("room", [0, 3_000, 20_000])
@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_a_full_disk_leaves_nothing_half_written(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, format: Any
) -> None:
    if format == "parquet":
        pytest.importorskip("pyarrow")
    source = write_jsonl(tickets(100), tmp_path / "a.jsonl")
    process(model, source, tmp_path / "whole", format=format, **SMALL)
    SmallDisk.left = room

    def open_small(path: Path) -> BinaryIO:
        return SmallDisk(io.FileIO(path, "wb"))  # type: ignore[return-value]

    with monkeypatch.context() as patch:
        patch.setattr(parts, "open_scratch", open_small)
        with pytest.raises(XltError, match="out .*No space left on device"):
            process(model, source, tmp_path / "out", format=format, **SMALL)
    expected = content(tmp_path / "whole")
    for name, found in content(tmp_path / "out").items():
        assert name in ("manifest.json", "quarantine.jsonl") or found == expected[name]
    process(model, source, tmp_path / "out", format=format, **SMALL)
    assert content(tmp_path / "out") == expected


def test_two_workers_write_the_same(model: Path, source: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    process(model, source, tmp_path / "out", workers=2, **SMALL)
    assert content(tmp_path / "out") == whole


def test_a_worker_that_dies_ends_the_run_and_it_goes_on(
    model: Path, source: Path, whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = TextModel.__call__

    def dies(self: TextModel, texts: list[str]) -> Any:
        if any(text.endswith(" 400") for text in texts):
            os.kill(os.getpid(), signal.SIGKILL)
        return run(self, texts)

    with monkeypatch.context() as patch:
        patch.setattr(TextModel, "__call__", dies)
        with pytest.raises(XltError, match="worker process has died"):
            process(model, source, tmp_path / "out", workers=2, **SMALL)
    assert read_jsonl(tmp_path / "out")
    process(model, source, tmp_path / "out", workers=2, **SMALL)
    assert content(tmp_path / "out") == whole


def test_a_file_that_the_model_misses_is_no_full_disk(
    model: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: TextModel, texts: list[str]) -> Any:
        raise FileNotFoundError("profiles")

    monkeypatch.setattr(TextModel, "__call__", fails)
    with pytest.raises(FileNotFoundError, match="profiles"):
        process(model, source, tmp_path / "out", **SMALL)


def test_ids_that_cannot_be_kept(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: SeenIds, ids: list[str]) -> list[bool]:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(SeenIds, "add", full)
    with pytest.raises(XltError, match=r"\(database or disk is full\)"):
        process(model, [{"id": 1, "text": "a"}], print)


def test_a_mistake_in_a_worker_is_told_as_it_is(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: TextModel, texts: list[str]) -> Any:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(TextModel, "__call__", fails)
    with pytest.raises(RuntimeError, match="no such thing"):
        process(model, ["a"], print, workers=1)


def test_workers_end_with_a_parent_that_is_killed() -> None:
    code = """
import os, time, multiprocessing
from spacy_xlt.batch import workers
workers.PARENT_CHECK_SECONDS = 0.01
child = multiprocessing.get_context("fork").Process(target=lambda: (workers._begin(None, 1, parent), time.sleep(60)))
parent = os.getpid()
child.start()
print(child.pid, flush=True)
os.kill(parent, 9)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    child = int(run.stdout)
    for _ in range(1000):
        try:
            state = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":  # nobody collects it where there is no init
            return
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the worker lives on")


def test_workers_can_be_spawned(model: Path) -> None:
    """What they are given can be pickled; the model itself need not be."""
    load = pickle.loads(pickle.dumps(functools.partial(TextModel, model, docs=False)))
    assert load()(["a"]).of_texts

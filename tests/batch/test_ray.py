"""Batches on Ray Data, on this machine."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")
pytest.importorskip("psutil")

import psutil
import ray

from spacy_xlt.batch import process
from spacy_xlt.errors import XltError
from tests.batch.conftest import content, read_jsonl, tickets, write_jsonl

pytestmark = pytest.mark.filterwarnings("ignore")
SMALL: dict[str, Any] = {"chunk": 8, "part_chunks": 2}


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Ray with three CPUs (logical ones: how many there are does not matter)."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, object_store_memory=100_000_000)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_jsonl([*tickets(300), {"bad": 1}, *tickets(800)[300:]], tmp_path_factory.mktemp("in") / "a.jsonl")


def actors() -> list[int]:
    """The processes that run our actors, among those that this test has started."""
    found = []
    for each in psutil.Process().children(recursive=True):
        try:
            if "MapWorker" in " ".join(each.cmdline()):
                found.append(each.pid)
        except psutil.Error:
            pass
    return found


def test_the_same_bytes_with_an_actor_killed_in_mid_run(
    cluster: None, model: Path, source: Path, tmp_path: Path
) -> None:
    process(model, source, tmp_path / "local", **SMALL)
    out = tmp_path / "ray"
    killed: list[int] = []

    def kill() -> None:
        while len(list(out.glob("part-*"))) < 5:
            time.sleep(0.005)
        killed.extend(actors()[:1])
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    process(model, source, out, engine="ray", workers=2, **SMALL)
    assert killed and content(out) == content(tmp_path / "local")

    # What is missing is made again, on the other engine.
    (out / "part-00007.jsonl").unlink()
    process(model, source, out, **SMALL)
    assert content(out) == content(tmp_path / "local") and len(read_jsonl(out)) == 800


def test_what_ray_cannot_do(cluster: None, model: Path, source: Path, tmp_path: Path) -> None:
    with pytest.raises(XltError, match="3 CPUs, too few for 3 actors"):
        process(model, source, tmp_path / "out", engine="ray", workers=3)
    with pytest.raises(XltError, match="files"):
        process(model, ["a text"], tmp_path / "out2", engine="ray")

"""Fresh Python processes, and the worker processes of `nlp.pipe`."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NO_NETWORK = """
import socket
def refuse(*args, **kwargs):
    raise OSError("a test reached for the network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
"""
# The longest that a process may take: only one that hangs takes so long.
LIMIT_SECONDS = 120


def run_python(code: str, *arguments: object) -> Any:
    """Run code with its arguments in `sys.argv[1:]` and return the JSON that it prints in its last line.

    Nothing is imported, no network answers, and there is no default encoder.
    """
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    environment["SPACY_XLT_HOME"] = os.devnull
    finished = subprocess.run(
        [sys.executable, "-c", NO_NETWORK + code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


@contextmanager
def start_method(name: str) -> Iterator[None]:
    """Start worker processes by `fork` or `spawn`. If they hang, they are killed and a TimeoutError is raised."""

    def stop(*_: object) -> None:
        for child in multiprocessing.active_children():
            child.kill()
        raise TimeoutError(f"worker processes that were started by {name} hang")

    method_before = multiprocessing.get_start_method(allow_none=True)
    handler_before = signal.signal(signal.SIGALRM, stop)
    multiprocessing.set_start_method(name, force=True)
    signal.alarm(LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler_before)
        multiprocessing.set_start_method(method_before, force=True)

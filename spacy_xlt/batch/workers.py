"""Classify chunks in several processes, in order. Forked processes share the memory of the model."""

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Optional

from spacy_xlt.batch.chunks import Chunk
from spacy_xlt.batch.model import Predictions, TextModel
from spacy_xlt.encoders.cpu import usable_threads
from spacy_xlt.errors import XltError
from spacy_xlt.serving.classifier import Text

# Chunks per worker that wait or are being classified.
IN_FLIGHT = 3
PARENT_CHECK_SECONDS = 0.5

Load = Callable[[], TextModel]
_model: Optional[TextModel] = None


def map_in_process(chunks: Iterable[Chunk], load: Load) -> Iterator[tuple[Chunk, Predictions]]:
    """Yield each chunk with its predictions. One thread classifies while the others read and write."""
    model = load()
    at_work: deque[tuple[Chunk, Future[Predictions]]] = deque()
    with ThreadPoolExecutor(1) as pool:
        try:
            for chunk in chunks:
                at_work.append((chunk, pool.submit(model, chunk.inputs)))
                if len(at_work) == 3:
                    first, future = at_work.popleft()
                    yield first, future.result()
            for first, future in at_work:
                yield first, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def map_in_workers(chunks: Iterable[Chunk], load: Load, workers: int) -> Iterator[tuple[Chunk, Predictions]]:
    """Yield each chunk with its predictions, in order.

    Args:
        chunks: The chunks.
        load: Loads the model. If processes can be forked, it is called once, before the fork.
        workers: The number of processes.

    Raises:
        XltError: A worker dies.
    """
    global _model
    can_fork = "fork" in multiprocessing.get_all_start_methods() and os.uname().sysname != "Darwin"
    context = multiprocessing.get_context("fork" if can_fork else "spawn")
    _model = load() if can_fork else None
    others = set(multiprocessing.active_children())
    threads = max(1, usable_threads() // workers)
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin, initargs=(None if can_fork else load, threads, os.getpid())
    )
    at_work: deque[tuple[Chunk, Future[Predictions]]] = deque()
    try:
        for chunk in chunks:
            at_work.append((chunk, pool.submit(_run, chunk.inputs)))
            if len(at_work) >= IN_FLIGHT * workers:
                first, future = at_work.popleft()
                yield first, future.result()
        for first, future in at_work:
            yield first, future.result()
    except BrokenProcessPool as error:
        raise XltError(
            "A worker process has died: it was killed, or ran out of memory. The finished parts are kept. Run the same "
            "again to resume, with fewer workers if memory is short."
        ) from error
    finally:
        _model = None
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - others:
            child.kill()


def _begin(load: Optional[Load], threads: int, parent: int) -> None:
    global _model
    # Ctrl-C reaches all processes, and the parent ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    with suppress(ImportError):  # the threads that NumPy started before the fork
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if load is not None:
        _model = load()


def _end_with(parent: int) -> None:
    """End the worker when its parent has been killed with -9 and cannot end it."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(1)


def _run(texts: list[Text]) -> Predictions:
    assert _model is not None
    return _model(texts)

"""The ONNX Runtime back end: encoders of the BERT family on a CPU, float32 or int8, without torch.

`python -m spacy xlt export` writes its folder (see onnx_graph.py):

    encoder.onnx  model.safetensors  config.json  tokenizer.json  xlt_encoder.json

The weights of the graph are in model.safetensors, which is mapped into memory. So several processes share them, and
only those rows of the word embeddings are read that occur in the texts.
"""

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any, Optional

import numpy as np

from spacy_xlt.encoders.base import Floats2d, batches_of_like_length
from spacy_xlt.encoders.cpu import usable_threads
from spacy_xlt.encoders.folder import SETTINGS_FILE, WEIGHTS_FILE, EncoderSettings
from spacy_xlt.encoders.tensors import Buffer, map_file
from spacy_xlt.encoders.tokenizer import WindowTokenizer, encode_texts
from spacy_xlt.errors import XltError, first_line

GRAPH_FILE = "encoder.onnx"
FILES = (GRAPH_FILE, WEIGHTS_FILE, "config.json", "tokenizer.json", SETTINGS_FILE)
# The maximum number of word pieces in a batch. Their activations fit into the cache of one core. Larger batches are
# slower, and so are much smaller ones.
BATCH_PIECES = 256
SMALLEST_BATCH = 64


class OnnxEncoder:
    """Encode texts with ONNX Runtime. Registered as `spacy-xlt.OnnxEncoder.v1`.

    Batches run in parallel, with one thread each. This is faster than several threads per batch, and the vector of a
    text does not depend on the number of threads.

    Args:
        threads: The number of threads. None uses all CPUs that the process may use.

    Raises:
        XltError: The number of threads is smaller than 1.
    """

    extra = "serve"

    def __init__(self, threads: Optional[int] = None) -> None:
        if threads is not None and threads < 1:
            raise XltError(f"OnnxEncoder: threads is {threads}. It must be at least 1, or null to use all CPUs.")
        self.threads = threads
        self.settings = EncoderSettings()
        self._files: dict[str, Buffer] = {}
        self._tokenizer: Optional[WindowTokenizer] = None
        self._session: Any = None
        self._origin: tuple[Path, list[tuple[int, ...]]] = Path(), []
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._pool: Optional[ThreadPoolExecutor] = None

    @property
    def is_loaded(self) -> bool:
        return self._session is not None

    @property
    def width(self) -> int:
        return int(self._session.get_outputs()[0].shape[1]) if self.is_loaded else 0

    @property
    def tokenizer_json(self) -> str:
        """The content of tokenizer.json."""
        return self._files["tokenizer.json"][:].decode("utf8")

    def load(self, folder: Path) -> None:
        """See `TextEncoder.load`. Raises XltError if the folder is missing, incomplete or damaged."""
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise XltError(
                f"{folder} is not an ONNX encoder folder (missing: {', '.join(missing)}). "
                "Export a model with: python -m spacy xlt export MODEL OUT"
            )
        try:
            self._take({name: map_file(folder / name) for name in FILES}, folder)
        except XltError:
            raise
        except Exception as error:  # onnxruntime, tokenizers, json and mmap raise errors of many kinds.
            reason = first_line(error)
            raise XltError(
                f"The encoder in {folder} cannot be loaded ({type(error).__name__}: {reason}). "
                "Its files are damaged: export the model again."
            ) from error

    def _take(self, files: dict[str, Buffer], folder: Path) -> None:
        """Use the given files. The session maps the weights from the folder, which may be a temporary one."""
        settings = EncoderSettings(**json.loads(files[SETTINGS_FILE][:]))
        tokenizer = WindowTokenizer(files["tokenizer.json"][:].decode("utf8"), settings)
        session = _make_session(folder)
        self.settings, self._tokenizer, self._files = settings, tokenizer, files
        self._origin = folder, _identities(folder)
        self._process = os.getpid()
        # This comes last, because other threads check it to see whether everything is loaded.
        self._session = session

    def encode(self, texts: Sequence[str]) -> Floats2d:
        """See `TextEncoder.encode`. The vector of a long text is the mean of its windows, weighted by their lengths."""
        assert self._tokenizer is not None
        return encode_texts(texts, self._tokenizer, self.encode_windows)

    def encode_windows(self, windows: Sequence[list[int]]) -> Floats2d:
        """Return the pooled vectors of windows.

        Args:
            windows: The ids of each window, with special word pieces and prefix.

        Returns:
            The vectors [len(windows), width], not of unit length.
        """
        vectors = np.zeros((len(windows), self.width), dtype=np.float32)

        def run(batch: list[int]) -> None:
            vectors[batch] = self._run([windows[i] for i in batch], "pooled")

        self._run_batches([len(window) for window in windows], run)
        return vectors

    def encode_states(self, windows: Sequence[Sequence[int]]) -> list[Floats2d]:
        """Return the last hidden states of windows. See `TorchEncoder.encode_states`.

        Raises:
            XltError: The folder was exported by an older version, whose graph does not have this output.
        """
        if all(output.name != "states" for output in self._session.get_outputs()):
            raise XltError("This ONNX encoder has no vectors of word pieces. Export the model again.")
        result: list[Floats2d] = [np.zeros((0, self.width), dtype=np.float32) for _ in windows]

        def run(batch: list[int]) -> None:
            states = self._run([windows[i] for i in batch], "states")
            for row, i in enumerate(batch):
                result[i] = states[row, : len(windows[i])].copy()

        self._run_batches([len(window) for window in windows], run)
        return result

    def _run_batches(self, sizes: Sequence[int], run: Callable[[list[int]], None]) -> None:
        """Call `run` with batches of rows of similar sizes, in parallel."""
        threads = self._usable_threads()
        batches = list(batches_of_like_length(sizes, batch_budget(sum(sizes), threads)))
        if threads == 1 or len(batches) < 2:
            for batch in batches:
                run(batch)
        else:
            list(self._batch_pool(threads).map(run, batches))

    def _batch_pool(self, threads: int) -> ThreadPoolExecutor:
        """Return the pool that all callers share. With one pool per caller, there would be more threads than CPUs."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(threads, thread_name_prefix="OnnxEncoder")
            return self._pool

    def _run(self, batch: Sequence[Sequence[int]], output: str) -> Floats2d:
        """Return an output of the graph for a batch of windows, the longest first."""
        ids = np.zeros((len(batch), len(batch[0])), dtype=np.int64)
        for row, window in enumerate(batch):
            ids[row, : len(window)] = window
        lengths = np.array([len(window) for window in batch], dtype=np.int32)
        result: Floats2d = self._session.run([output], {"ids": ids, "lengths": lengths})[0]
        return result

    def _usable_threads(self) -> int:
        """Return the number of threads. In a forked process, make a new session first.

        A thread of the parent may have held locks of the session during the fork. They would never be released. The new
        session has one thread, because other workers use the other CPUs.
        """
        if os.getpid() != self._process:
            folder, identities = self._origin
            if _identities(folder) == identities:
                self._session = _make_session(folder)
            else:  # The folder was removed, or it has another model now.
                with _as_folder(self._files) as folder:
                    self._session = _make_session(folder)
            self._process = os.getpid()
            self.threads = 1
        return self.threads or usable_threads()

    def to_disk(self, folder: Path) -> None:
        """Write the encoder folder. It may be the folder that the weights are mapped from, so files are replaced."""
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            for name, content in self._files.items():
                with (Path(scratch) / name).open("wb") as file:
                    file.write(content)
                os.replace(Path(scratch) / name, folder / name)

    def to_bytes(self) -> bytes:
        """See `TextEncoder.to_bytes`."""
        import srsly

        if not self.is_loaded:
            return b""
        return bytes(srsly.msgpack_dumps({name: content[:] for name, content in self._files.items()}))

    def from_bytes(self, data: bytes) -> None:
        """See `TextEncoder.from_bytes`."""
        import srsly

        if data:
            files = srsly.msgpack_loads(data)
            with _as_folder(files) as folder:
                self._take({name: map_file(folder / name) for name in FILES}, folder)

    # Sessions and locks cannot be pickled. Spawned workers receive the weights as bytes.
    def __getstate__(self) -> dict[str, Any]:
        return {"threads": self.threads, "data": self.to_bytes()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(threads=state["threads"])  # type: ignore[misc]
        self.from_bytes(state["data"])


def batch_budget(pieces: int, threads: int) -> int:
    """Return the size of a batch that gives all threads the same amount of work.

    Args:
        pieces: The number of word pieces in all windows.
        threads: The number of threads.

    Returns:
        The maximum number of word pieces in a batch.
    """
    rounds = ceil(pieces / (BATCH_PIECES * threads)) or 1
    return max(SMALLEST_BATCH, ceil(pieces / (rounds * threads)))


def _identities(folder: Path) -> list[tuple[int, ...]]:
    """Return device, inode, size and time of each file, to notice changes. The list is empty if a file is missing."""
    try:
        stats = [(folder / name).stat() for name in FILES]
    except OSError:
        return []
    return [(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats]


@contextmanager
def _as_folder(files: Mapping[str, Buffer]) -> Iterator[Path]:
    """Write the files to a temporary folder. Files that were mapped from it stay readable when it is removed."""
    with tempfile.TemporaryDirectory(prefix="spacy_xlt_", ignore_cleanup_errors=True) as scratch:
        for name in FILES:
            with (Path(scratch) / name).open("wb") as file:
                file.write(files[name])
        yield Path(scratch)


def _make_session(folder: Path) -> Any:
    """Return a session with one thread. Its weights are mapped from the folder."""
    try:
        import onnxruntime as ort
    except ImportError as error:
        raise XltError("OnnxEncoder needs onnxruntime. Install it with: pip install 'spacy-xlt[serve]'") from error
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # With memory patterns, the session would keep memory for each new shape of a batch.
    options.enable_mem_pattern = False
    # Higher levels fuse the addition and LayerNormalization into one operator, which is slower.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return ort.InferenceSession(str(folder / GRAPH_FILE), options, providers=["CPUExecutionProvider"])

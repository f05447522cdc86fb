"""What back ends with a folder of weights share."""

import os
import shutil
import threading
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Optional
from weakref import finalize

from spacy_xlt.errors import NotInstalledError, UnusableError, XltError, first_line


class WeightsFolder:
    """A back end whose weights and tokenizer are in a folder.

    The model is loaded when it is first used, in each process. Until then, only the path of the folder is held, so the
    folder must stay where it is.
    """

    # The files that belong to the model, as patterns.
    patterns: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.folder: Optional[Path] = None
        self._model: Any = None
        self._process = os.getpid()
        # The model of the parent process. To delete it would stop threads that a forked process does not have.
        self._inherited: Any = None
        self._lock = threading.Lock()
        # One thread uses the model at a time: tokenizers have a state, such as the language of the text.
        self.in_use = threading.Lock()

    @property
    def is_loaded(self) -> bool:
        """Whether there is a folder."""
        return self.folder is not None

    @property
    def model(self) -> Any:
        """The model. It is loaded at first use, and again in a new process.

        Raises:
            XltError: There is no folder, the folder is damaged, or a package is not installed.
        """
        with self._lock:
            if self._process != os.getpid():
                self._inherited, self._model, self._process = self._model, None, os.getpid()
                self.in_use = threading.Lock()
                self.prepare_fork()
            if self._model is None:
                if self.folder is None:
                    raise UnusableError(f"{type(self).__name__} has no folder with weights. Load one.")
                self._model = self._read(self.folder)
            return self._model

    def prepare_fork(self) -> None:
        """Prepare the use of the model's package in a forked process."""

    def load(self, folder: Path) -> None:
        """Take the model of a folder.

        Raises:
            XltError: Files are missing or damaged, or a package is not installed.
        """
        folder = Path(folder).resolve()
        self.check(folder)
        with self._lock:
            self.folder, self._model = folder, None

    def check(self, folder: Path) -> None:
        """Raise XltError if a folder cannot hold a model of this kind."""
        raise NotImplementedError

    def read(self, folder: Path) -> Any:
        """Return the model of a folder, which `check` has accepted."""
        raise NotImplementedError

    def to_disk(self, folder: Path) -> None:
        """Copy the files of the model to a folder. Raises XltError if they are no longer where they were."""
        folder.mkdir(parents=True, exist_ok=True)
        for file in self.files():
            if file.resolve() != (folder / file.name).resolve():
                shutil.copyfile(file, folder / file.name)

    def to_bytes(self) -> bytes:
        """Return the files of the model."""
        import srsly

        return bytes(srsly.msgpack_dumps(self.contents()))

    def contents(self) -> dict[str, bytes]:
        """Return the content of each file that belongs to the model."""
        return {file.name: file.read_bytes() for file in self.files()}

    def from_bytes(self, data: bytes) -> None:
        """Take the files that `to_bytes` has returned. They are written to a temporary folder."""
        import srsly

        if not data:
            return
        scratch = self.make_scratch()
        for name, content in srsly.msgpack_loads(data).items():
            (scratch / Path(name).name).write_bytes(content)
        self.load(scratch)

    def make_scratch(self) -> Path:
        """Make a temporary folder that is removed with this object."""
        scratch = Path(mkdtemp(prefix="spacy_xlt_"))
        finalize(self, _remove, scratch, os.getpid())
        return scratch

    def files(self) -> list[Path]:
        """Return the files of the model, sorted. Raises XltError if there are none."""
        folder = self.folder
        found = {file for pattern in self.patterns for file in folder.glob(pattern)} if folder is not None else set()
        if not found:
            raise XltError(f"The files of the model are no longer in {folder}. Load them from another folder.")
        return sorted(found)

    def _read(self, folder: Path) -> Any:
        try:
            return self.read(folder)
        except XltError:
            raise
        except ImportError as error:
            raise NotInstalledError(f"{type(self).__name__} needs a package that is not installed: {error}.") from error
        except Exception as error:  # The packages raise exceptions of many kinds.
            raise UnusableError(
                f"The model in {folder} cannot be loaded ({type(error).__name__}: {first_line(error)}). "
                "Give another folder."
            ) from error

    # Neither a model nor a lock can be pickled. A spawned worker loads the model from the folder.
    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_model": None, "_inherited": None, "_lock": None, "in_use": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._process, self._lock, self.in_use = os.getpid(), threading.Lock(), threading.Lock()


def _remove(folder: Path, process: int) -> None:
    """Remove a folder, but not in a forked process: the parent still uses it."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)

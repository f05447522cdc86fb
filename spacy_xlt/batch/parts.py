"""Files that are complete or absent, even after kill -9, a full disk or a power cut."""

import json
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Optional

SCRATCH = ".part"


class PartFile:
    """A file that gets its name only when it is completely on the disk. Its SHA-256 is known then.

    with PartFile(path) as part: part.write(b"...")
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._dropped = False
        self._scratch = path.with_name(f".{path.name}{SCRATCH}")
        self._digest = sha256()
        self._file: BinaryIO = open_scratch(self._scratch)

    @property
    def closed(self) -> bool:
        return self._file.closed and not self._dropped

    def write(self, content: Any) -> int:
        data = bytes(content)
        if self._dropped:  # the writer of pyarrow writes a footer when it is deleted
            return len(data)
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        if not self._dropped:
            self._file.flush()

    def writable(self) -> bool:
        return True

    def hexdigest(self) -> str:
        return self._digest.hexdigest()

    def finish(self) -> None:
        """Give the file its name.

        Raises:
            OSError: It could not be written completely, and has no name.
        """
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._scratch, self.path)
        sync_folder(self.path.parent)

    def drop(self) -> None:
        """Remove the file, and ignore what is written from now on."""
        self._dropped = True
        with suppress(OSError):  # the disk may be too full for the rest of the buffer
            self._file.close()
        with suppress(OSError):
            self._scratch.unlink()

    def __enter__(self) -> "PartFile":
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if kind is None:
            try:
                self.finish()
            except BaseException:
                self.drop()
                raise
        else:
            self.drop()


def open_scratch(path: Path) -> BinaryIO:
    return path.open("wb", buffering=1 << 16)


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk, if the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_json_durably(content: dict[str, Any], path: Path) -> None:
    """Write a JSON file that replaces the old one in one step."""
    with PartFile(path) as part:
        part.write((json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode("utf8", "replace"))

"""The output folder of a run: parts, quarantine, manifest and summary."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Optional

from spacy_xlt.batch.chunks import Chunk
from spacy_xlt.batch.expected import Estimator
from spacy_xlt.batch.manifest import MANIFEST_FILE, Manifest, Part, check_settings, keep_whole_parts, read_manifest
from spacy_xlt.batch.parts import SCRATCH, PartFile, write_json_durably
from spacy_xlt.batch.sinks import ENDINGS, Row, Sink
from spacy_xlt.batch.summary import Summary, join
from spacy_xlt.data.rows import BadRecord
from spacy_xlt.errors import XltError
from spacy_xlt.text import replace_surrogates

QUARANTINE_FILE, SUMMARY_FILE, LOCK_FILE = "quarantine.jsonl", "summary.json", ".lock"


class OutputFolder:
    """with OutputFolder(...) as out: ...; out.add(chunk, ...) for every chunk from out.manifest.chunks on.

    Args:
        folder: The folder.
        settings: Everything that the output depends on.
        make_sink: Makes the writer of a part's file.
        format: The format of the parts.
        part_chunks: The number of chunks in a part.
        estimator: Estimates the accuracy in each language.

    Raises:
        XltError: The folder holds other files or a run with other settings, or another process writes it.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Any],
        make_sink: Callable[[PartFile], Sink],
        format: str,
        part_chunks: int,
        estimator: Estimator,
    ) -> None:
        self.folder = folder
        self._make_sink = make_sink
        self._ending = ENDINGS[format]
        self._part_chunks = part_chunks
        self._estimator = estimator
        self._part: Optional[PartFile] = None
        self._sink: Optional[Sink] = None
        self._counts = Summary()
        self._chunks = 0
        self._digest = ""
        self._lock = _lock(folder)
        try:
            manifest = read_manifest(folder)
            if manifest is None:
                self._check_empty()
                manifest = Manifest(dict(settings))
                manifest.save(folder)
            check_settings(manifest, settings, folder)
            keep_whole_parts(manifest, folder, folder / QUARANTINE_FILE)
            self.manifest = manifest
            # A complete run is not changed.
            self._quarantine: IO[bytes] = (folder / QUARANTINE_FILE).open("ab") if not manifest.complete else BytesIO()
            if not manifest.complete:
                self._quarantine.truncate(manifest.quarantine_bytes)
                self._quarantine.seek(0, os.SEEK_END)
                self._remove_leftovers()
        except BaseException:
            self._lock.close()
            raise

    def _check_empty(self) -> None:
        others = [name for name in os.listdir(self.folder) if name != LOCK_FILE and not name.endswith(SCRATCH)]
        if others:
            raise XltError(
                f"{self.folder} holds other files (no {MANIFEST_FILE}). Choose another output folder, or empty it."
            )

    def _remove_leftovers(self) -> None:
        """Remove the parts that a killed run wrote and the manifest does not name."""
        known = {part.file for part in self.manifest.parts}
        for path in self.folder.iterdir():
            is_part = path.name.startswith("part-") and path.suffix == self._ending and path.name not in known
            if is_part or path.name.endswith(SCRATCH):
                path.unlink()

    @property
    def summary(self) -> Summary:
        """The counts of all finished parts, and the estimates from them."""
        summary = join(Summary.from_dict(part.summary) for part in self.manifest.parts)
        summary.expected = self._estimator.estimate(summary.confidence)
        return summary

    def add(
        self, chunk: Chunk, rows: Sequence[Row], abstained: Sequence[bool], bad: Sequence[BadRecord], docs: Any
    ) -> None:
        """Write the results of the next chunk, and finish the part with its last chunk.

        Raises:
            OSError: The results cannot be written.
        """
        if rows:
            if self._sink is None:
                number = len(self.manifest.parts)
                self._part = PartFile(self.folder / f"part-{number:05d}{self._ending}")
                self._sink = self._make_sink(self._part)
            self._sink.write(rows, docs)
        self._counts.add_rows(rows, abstained, self._estimator)
        if bad:
            self._quarantine.write("".join(map(quarantine_line, bad)).encode("utf8"))
            for record in bad:
                self._counts.add_bad(record.reason)
        self._chunks, self._digest = chunk.number + 1, chunk.digest
        if self._chunks % self._part_chunks == 0:
            self._finish_part()

    def _finish_part(self, complete: bool = False) -> None:
        """Write the files first, then the manifest that names them. A kill in between loses one part."""
        self._quarantine.flush()
        os.fsync(self._quarantine.fileno())
        part = self._part
        if part is not None and self._sink is not None:
            self._sink.close()
            part.finish()
        self._part = self._sink = None
        self.manifest.parts.append(
            Part(
                file=part.path.name if part else None,
                size=part.size if part else 0,
                sha256=part.hexdigest() if part else "",
                chunks=self._chunks,
                digest=self._digest,
                quarantine_bytes=self._quarantine.tell(),
                summary=self._counts.to_dict(),
            )
        )
        self.manifest.complete = complete
        self.manifest.save(self.folder)
        self._counts = Summary()

    def finish(self) -> None:
        """Finish the last part and write summary.json.

        Raises:
            OSError: They cannot be written.
        """
        if self._chunks > self.manifest.chunks:
            self._finish_part()
        if not self.manifest.complete:
            settings = self.manifest.settings
            about = {name: settings[name] for name in ("model", "version", "model_sha256")}
            content = self.summary.to_dict()
            del content["confidence"]
            write_json_durably({**about, **content}, self.folder / SUMMARY_FILE)
            self.manifest.complete = True
            self.manifest.save(self.folder)
        if not self.manifest.quarantine_bytes:
            (self.folder / QUARANTINE_FILE).unlink(missing_ok=True)

    def __enter__(self) -> "OutputFolder":
        return self

    def __exit__(self, *error: Any) -> None:
        if self._part is not None:
            self._part.drop()
        try:
            self._quarantine.close()
        except OSError:  # a full disk, which was reported before
            pass
        finally:
            self._lock.close()


def quarantine_line(record: BadRecord) -> str:
    """Return a line of quarantine.jsonl: file, line (null for a whole file), reason and the start of the content."""
    file, _, line = record.location.rpartition(":")
    is_line = bool(file) and line.isdigit()
    content = {
        "file": file if is_line else record.location,
        "line": int(line) if is_line else None,
        "reason": record.reason,
        "content": record.content,
    }
    return replace_surrogates(json.dumps(content, ensure_ascii=False)) + "\n"


def _lock(folder: Path) -> IO[bytes]:
    """Lock the folder against other processes. The lock ends with the process, however that ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK_FILE).open("ab")
    except OSError as error:
        raise XltError(f"{folder} could not be written: {error.strerror or error}. Choose another folder.") from error
    try:
        import fcntl
    except ImportError:  # Windows
        return file
    try:
        # Unlike a lock by flock, a POSIX lock is not inherited by workers, which may end after this process.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise XltError(f"Another process is writing {folder}. Wait for it, or choose another folder.") from error
    return file

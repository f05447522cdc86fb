"""`manifest.json` in an output folder: the settings of the run, and its finished parts."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Optional

from spacy_xlt.batch.parts import write_json_durably
from spacy_xlt.errors import XltError
from spacy_xlt.files import file_digest

MANIFEST_FILE = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class Part:
    """A finished part.

    Attributes:
        file: The name of the file; null if no record of the part could be classified.
        size: The size of the file in bytes.
        sha256: The SHA-256 of the file.
        chunks: The number of chunks up to the end of the part.
        digest: A digest of all records up to the end of the part.
        quarantine_bytes: The length of quarantine.jsonl after the part.
        summary: The counts of the part.
    """

    file: Optional[str]
    size: int
    sha256: str
    chunks: int
    digest: str
    quarantine_bytes: int
    summary: dict[str, Any]


@dataclass
class Manifest:
    """The state of a run. `settings` holds everything that the output depends on."""

    settings: dict[str, Any]
    parts: list[Part] = field(default_factory=list)
    complete: bool = False

    def save(self, folder: Path) -> None:
        """Write the manifest durably.

        Raises:
            OSError: It cannot be written.
        """
        write_json_durably({"format": FORMAT, **asdict(self)}, folder / MANIFEST_FILE)

    @property
    def chunks(self) -> int:
        return self.parts[-1].chunks if self.parts else 0

    @property
    def digest(self) -> Optional[str]:
        return self.parts[-1].digest if self.parts else None

    @property
    def quarantine_bytes(self) -> int:
        return self.parts[-1].quarantine_bytes if self.parts else 0


def read_manifest(folder: Path) -> Optional[Manifest]:
    """Read the manifest of a folder; None if there is none.

    Raises:
        XltError: The manifest is damaged.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf8"))
        if content.pop("format") != FORMAT:
            raise ValueError("it has another version")
        content["parts"] = [Part(**part) for part in content["parts"]]
        return Manifest(**content)
    except (ValueError, KeyError, TypeError) as error:
        raise XltError(f"{path} is damaged ({error}). Remove {folder}, or choose another output folder.") from error


def check_settings(manifest: Manifest, settings: Mapping[str, Any], folder: Path) -> None:
    """Check that a run is resumed with its own settings.

    Raises:
        XltError: A setting, the input or the model has changed. The message says which.
    """
    changed = [name for name in settings if manifest.settings.get(name) != settings[name]]
    if not changed:
        return
    name = changed[0]
    if name in ("input", "model_sha256"):
        what = "The input has" if name == "input" else "The model has"
        raise XltError(
            f"{what} changed since {folder} was started, so the run cannot be resumed. Restore it, or choose another "
            "output folder."
        )
    raise XltError(
        f"{folder} was started with {name} = {manifest.settings.get(name)!r}, and now it is {settings[name]!r}. "
        "Use the same value, or choose another output folder."
    )


def keep_whole_parts(manifest: Manifest, folder: Path, quarantine: Path) -> None:
    """Drop the first part whose file has changed since it was written, and all later parts, so that they are redone."""
    there = quarantine.stat().st_size if quarantine.is_file() else 0
    for number, part in enumerate(manifest.parts):
        if part.quarantine_bytes > there or not _is_whole(part, folder):
            del manifest.parts[number:]
            manifest.complete = False
            return


def _is_whole(part: Part, folder: Path) -> bool:
    if part.file is None:
        return True
    path = folder / part.file
    return path.is_file() and path.stat().st_size == part.size and file_digest(path) == part.sha256

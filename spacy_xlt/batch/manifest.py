"""`manifest.json` in the folder of a batch: what it was begun with, and which parts of it are finished."""

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
    """A finished part. file: null if no record of it was good. chunks: how many there are up to its end.
    digest: of all records up to its end. quarantine_bytes: the length of quarantine.jsonl after it."""

    file: Optional[str]
    size: int
    sha256: str
    chunks: int
    digest: str
    quarantine_bytes: int
    summary: dict[str, Any]


@dataclass
class Manifest:
    """settings: all that the output depends on."""

    settings: dict[str, Any]
    parts: list[Part] = field(default_factory=list)
    complete: bool = False

    def save(self, folder: Path) -> None:
        """Write it durably. Raises OSError."""
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
    """The manifest of a folder; None if there is none. Raises XltError if it is damaged."""
    path = folder / MANIFEST_FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf8"))
        if content.pop("format") != FORMAT:
            raise ValueError("of another version")
        content["parts"] = [Part(**part) for part in content["parts"]]
        return Manifest(**content)
    except (ValueError, KeyError, TypeError) as error:
        raise XltError(f"{path} is damaged ({error}): remove {folder}, or choose another --output.") from error


def check_settings(manifest: Manifest, settings: Mapping[str, Any], folder: Path) -> None:
    """Raise XltError that says what is not as it was when the batch was begun."""
    changed = [name for name in settings if manifest.settings.get(name) != settings[name]]
    if not changed:
        return
    name = changed[0]
    if name in ("input", "model_sha256"):
        what = "The input has" if name == "input" else "The model has"
        raise XltError(
            f"{what} changed since {folder} was begun, so it cannot go on: put it back as it was, "
            "or choose another --output."
        )
    raise XltError(
        f"{folder} was begun with {name} = {manifest.settings.get(name)!r}, now it is {settings[name]!r}: "
        "say the same again, or choose another --output."
    )


def keep_whole_parts(manifest: Manifest, folder: Path, quarantine: Path) -> None:
    """Forget the first part whose files are not as they were written, and all after it: they will be made again."""
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

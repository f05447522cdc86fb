"""Looking at a model folder before it is loaded: what it is, and that nothing in it is dangerous or damaged."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from spacy_xlt.errors import XltError, first_line
from spacy_xlt.files import file_digest

# The file by which a model folder is known.
MARKER = "config.cfg"
# {file: SHA-256}, written with a model by `xlt`; what people edit by hand is not in it.
HASHES_FILE = "hashes.json"
CARD_FILE = "README.md"
EDITED = (MARKER, "meta.json", HASHES_FILE, CARD_FILE)
PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".bin.index", ".joblib", ".dill", ".ckpt")
# The first bytes of pickle protocols 2 to 5; and of a zip file, which torch puts pickles in.
PICKLE_STARTS = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
ENTITIES = "xlt_ner"
OTHER_CLASSIFIERS = ("xlt_zeroshot", "xlt_pairs")
HEADS = ("xlt_textcat", "textcat", "xlt_textcat_multilabel", "textcat_multilabel")


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model before it is loaded.

    Attributes:
        name: The name of the pipeline.
        version: Its version.
        sha256: The hash of all files but the card.
        labels: The labels of the text categorizer.
        several: Whether a text can have several labels.
        entities: Whether the model finds named entities.
        classifies: Whether the model classifies texts.
    """

    name: str
    version: str
    sha256: str
    labels: tuple[str, ...]
    several: bool
    entities: bool = False
    classifies: bool = True


def check_model(folder: Path) -> ModelFacts:
    """Look at all files of a model folder; nothing of it is run.

    Raises XltError that names the file: for a pickle, a link or a name that leads out of the folder, and a file that
    is not as HASHES_FILE says.
    """
    components = _components(folder)
    whole = sha256()
    expected = _read_json(folder / HASHES_FILE) if (folder / HASHES_FILE).is_file() else {}
    there = set()
    for name, path in _files(folder):
        _check_pickle(name, path, folder)
        digest = file_digest(path)
        there.add(name)
        if name in expected and expected[name] != digest:
            raise XltError(
                f"{folder}: {name} is not as it was written ({HASHES_FILE} has another hash): it is damaged, or was "
                f"changed. Copy the model again; if the change was meant, remove {HASHES_FILE}."
            )
        if name not in (HASHES_FILE, CARD_FILE):
            whole.update(f"{name}\0{digest}\n".encode("utf8", "surrogateescape"))
    if missing := sorted(set(expected) - there):
        raise XltError(f"{folder}: {missing[0]} is missing ({HASHES_FILE} names it): copy the model again.")
    meta = read_meta(folder)
    head = next((name for name, part in components.items() if part.get("factory") in HEADS), None)
    cfg = _read_json(folder / head / "cfg") if head and (folder / head / "cfg").is_file() else {}
    factories = {part.get("factory") for part in components.values()}
    return ModelFacts(
        name=f"{meta.get('lang', 'xx')}_{meta.get('name', folder.resolve().name)}",
        version=str(meta.get("version", "0.0.0")),
        sha256=whole.hexdigest(),
        labels=tuple(map(str, cfg.get("labels", ()))),
        several=bool(head) and str(components[str(head)].get("factory")).endswith("_multilabel"),
        entities=ENTITIES in factories,
        classifies=ENTITIES not in factories or bool(factories & {*HEADS, *OTHER_CLASSIFIERS}),
    )


def write_hashes(folder: Path) -> None:
    """Write the hashes of a model folder that has just been saved."""
    hashes = {name: file_digest(path) for name, path in _files(folder) if name not in EDITED}
    (folder / HASHES_FILE).write_text(json.dumps(hashes, indent=1) + "\n", encoding="utf8")


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files with their names in the folder, sorted. Raises XltError for what leads out of it."""
    root = folder.resolve()
    for above, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted([*files, *folders]):
            path = Path(above) / name
            inside = path.relative_to(folder).as_posix()
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise XltError(
                    f"{folder}: {inside} is a link that leads out of the model folder ({os.readlink(path)}). "
                    "Such a model is not loaded: put the file itself in its place."
                )
            if name in files:
                if not path.is_file():
                    raise XltError(f"{folder}: {inside} is no ordinary file. Such a model is not loaded: remove it.")
                yield inside, path


def read_config(folder: Path) -> Mapping[str, Any]:
    """Read the config.cfg of a model folder, without spaCy.

    Raises:
        XltError: The folder is not a model folder, or the file is damaged.
    """
    from confection import Config

    if not (folder / MARKER).is_file():
        raise XltError(f"{folder} is not a model folder: it has no {MARKER}. Train a model first.")
    try:
        config: Mapping[str, Any] = Config().from_disk(folder / MARKER)
        if not isinstance(config["nlp"]["pipeline"], list):
            raise ValueError("nlp.pipeline is not a list")
        if not all(isinstance(section, dict) for section in config["components"].values()):
            raise ValueError("a component has no section of its own")
        return config
    except Exception as error:  # configparser and confection each raise kinds of their own
        raise XltError(
            f"{folder / MARKER} cannot be read: {first_line(error)}. Copy or train the model again."
        ) from error


def read_meta(folder: Path) -> dict[str, Any]:
    """Read the meta.json of a model folder; an empty dictionary if there is none.

    Raises:
        XltError: The file is damaged.
    """
    return _read_json(folder / "meta.json") if (folder / "meta.json").is_file() else {}


def _components(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """The sections of config.cfg. Raises XltError for a component whose name leads out of the folder."""
    config = read_config(folder)
    for name in [*config["components"], *config["nlp"]["pipeline"]]:
        parts = PurePosixPath(str(name).replace("\\", "/")).parts
        if len(parts) != 1 or parts[0] in ("..", "/"):
            raise XltError(
                f"{folder / MARKER}: the component name '{name}' leads out of the model folder. "
                "Such a model is not loaded."
            )
    return dict(config["components"])


def _check_pickle(name: str, path: Path, folder: Path) -> None:
    with path.open("rb") as file:
        start = file.read(4)
    is_zip = start == b"PK\x03\x04" and path.suffix != ".npz"
    if path.suffix in PICKLES or start[:2] in PICKLE_STARTS or is_zip:
        raise XltError(
            f"{folder}: {name} is a pickle, or may hold one: loading it could run any code. Such a model is not "
            "loaded: save it with spaCy's to_disk and safetensors."
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf8"))
        if not isinstance(content, dict):
            raise ValueError("not a JSON object")
        return content
    except ValueError as error:
        raise XltError(f"{path} cannot be read ({error}): copy or train the model again.") from error

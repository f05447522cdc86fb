"""What a model folder may not hold, said by name before anything of it is loaded."""

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_xlt.batch import process
from spacy_xlt.errors import XltError
from spacy_xlt.model_folder import HASHES_FILE, check_model, write_hashes
from tests.toy import LABELS


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("something of the model was run",))


def put_pickle(folder: Path) -> None:
    (folder / "xlt_textcat" / "extra.bin").write_bytes(pickle.dumps(Bomb()))


def put_torch(folder: Path) -> None:
    with zipfile.ZipFile(folder / "xlt_encoder" / "weights.bin", "w") as file:
        file.writestr("data.pkl", pickle.dumps(Bomb()))


def put_named(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(b"")


def link_file(folder: Path) -> None:
    (folder / "secret").symlink_to("/etc/passwd")


def link_folder(folder: Path) -> None:
    (folder / "xlt_encoder" / "up").symlink_to(folder.parent)


def dots(folder: Path) -> None:
    config = (folder / "config.cfg").read_text()
    (folder / "config.cfg").write_text(config.replace("xlt_encoder]", "../evil]"))


def dots_in_pipeline(folder: Path) -> None:
    config = (folder / "config.cfg").read_text()
    (folder / "config.cfg").write_text(config.replace('["xlt_langdetect"', '["/tmp/evil"'))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (put_pickle, "xlt_textcat/extra.bin is a pickle"),
        (put_torch, "xlt_encoder/weights.bin is a pickle, or may hold one"),
        (put_named, "model.pkl is a pickle"),
        (link_file, r"secret is a link that leads out of the model folder \(/etc/passwd\)"),
        (link_folder, "xlt_encoder/up is a link that leads out"),
        (dots, "config.cfg cannot be read"),
        (dots_in_pipeline, "the component name '/tmp/evil' leads out of the model folder"),
    ],
)
def test_a_dangerous_folder_is_refused(model: Path, tmp_path: Path, harm: Callable[[Path], None], message: str) -> None:
    shutil.copytree(model, tmp_path / "m")
    harm(tmp_path / "m")
    with pytest.raises(XltError, match=message):
        process(tmp_path / "m", ["text"], print)


def test_a_damaged_file_is_known_by_its_hash(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    shutil.copytree(model, folder)
    write_hashes(folder)
    assert check_model(folder) == check_model(folder)
    weights = folder / "xlt_encoder" / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(XltError, match=r"xlt_encoder/model.safetensors is not as it was written \(hashes.json"):
        process(folder, ["text"], print)
    weights.unlink()
    with pytest.raises(XltError, match="xlt_encoder/model.safetensors is missing"):
        check_model(folder)
    weights.write_bytes(content)
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, "version": "2.0.0"}))
    facts = check_model(folder)
    assert (facts.version, facts.labels, facts.several) == ("2.0.0", LABELS, False)
    assert facts.sha256 != check_model(model).sha256
    (folder / HASHES_FILE).write_text("[]")
    with pytest.raises(XltError, match="hashes.json cannot be read"):
        check_model(folder)


def test_any_pipeline_has_facts(tmp_path: Path) -> None:
    nlp = spacy.blank("de")
    nlp.add_pipe("textcat_multilabel").add_label("x")  # type: ignore[attr-defined]
    nlp.initialize()
    nlp.to_disk(tmp_path / "m")
    facts = check_model(tmp_path / "m")
    assert (facts.name, facts.labels, facts.several) == ("de_pipeline", ("x",), True)


def test_a_model_may_be_a_link_itself(model: Path, tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(model)
    assert check_model(tmp_path / "latest") == check_model(model)

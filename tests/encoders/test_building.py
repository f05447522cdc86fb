"""The folder of an encoder: known by its settings file, readable as other files are."""

import os
from pathlib import Path

import pytest
from safetensors import SafetensorError

from spacy_xlt.encoders.building import encoder_folder
from spacy_xlt.encoders.folder import EncoderSettings
from spacy_xlt.errors import XltError


def fill(out: Path, content: str = "new") -> None:
    with encoder_folder(out) as part:
        EncoderSettings().save(part)
        (part / "file").write_text(content)


def test_an_old_encoder_is_replaced_and_only_at_the_end(tmp_path: Path) -> None:
    out = tmp_path / "encoder"
    fill(out, "old")
    with pytest.raises(KeyboardInterrupt), encoder_folder(out) as part:
        (part / "file").write_text("half")
        raise KeyboardInterrupt
    assert (out / "file").read_text() == "old"
    fill(out, "new")
    assert (out / "file").read_text() == "new"
    assert os.listdir(tmp_path) == ["encoder"]


def test_a_folder_that_holds_no_encoder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "config.cfg").write_text("mine")
    with pytest.raises(XltError, match=r"holds something else \(no xlt_encoder\.json\): choose another folder"):
        fill(tmp_path / "thesis")
    assert os.listdir(tmp_path / "thesis") == ["config.cfg"]


def test_weights_that_cannot_be_written_are_an_error_with_the_place(tmp_path: Path) -> None:
    with (
        pytest.raises(XltError, match=r"could not be written to .*encoder: No space left"),
        encoder_folder(tmp_path / "encoder"),
    ):
        raise SafetensorError("No space left")
    assert os.listdir(tmp_path) == []


def test_files_are_readable_as_others_are(tmp_path: Path) -> None:
    with encoder_folder(tmp_path / "encoder") as part:
        EncoderSettings().save(part)
        (part / "model.safetensors").touch(mode=0o600)
    modes = {file.stat().st_mode for file in (tmp_path / "encoder").iterdir()}
    assert len(modes) == 1

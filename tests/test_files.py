"""Files and folders that are whole or not there."""

import json
import os
from pathlib import Path

import pytest

from spacy_xlt.errors import XltError
from spacy_xlt.files import check_replaceable, whole_file, whole_folder, write_json

MARKER = "card.json"


def fill(out: Path, content: str = "new") -> None:
    with whole_folder(out, MARKER) as part:
        (part / MARKER).write_text("{}")
        (part / "file").write_text(content)


# Folders


def test_a_finished_folder_is_in_place_and_nothing_else(tmp_path: Path) -> None:
    fill(tmp_path / "a" / "out")
    assert os.listdir(tmp_path / "a") == ["out"]
    assert sorted(os.listdir(tmp_path / "a" / "out")) == [MARKER, "file"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_an_exception_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), whole_folder(tmp_path / "out", MARKER) as part:
        (part / "file").write_text("half")
        raise error
    assert os.listdir(tmp_path) == []


def test_an_old_folder_is_replaced_only_at_the_end(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fill(out, "old")
    with pytest.raises(KeyboardInterrupt), whole_folder(out, MARKER) as part:
        (part / "file").write_text("half")
        assert (out / "file").read_text() == "old"
        raise KeyboardInterrupt
    assert (out / "file").read_text() == "old"
    fill(out, "new")
    assert (out / "file").read_text() == "new"
    assert os.listdir(tmp_path) == ["out"]


def test_when_the_new_folder_cannot_be_moved_the_old_one_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    fill(out, "old")
    rename = Path.rename

    def no_part(self: Path, target: Path) -> Path:
        if self.name.endswith(".part"):
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", no_part)
    with pytest.raises(KeyboardInterrupt):
        fill(out, "new")
    assert (out / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    fill(tmp_path / "out")
    assert (tmp_path / "out" / "file").is_file()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "out"
    link.symlink_to(tmp_path / "disk" / "out")
    fill(link, "old")
    fill(link, "new")
    assert link.is_symlink() and (tmp_path / "disk" / "out" / "file").read_text() == "new"


def test_what_is_not_ours_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    (tmp_path / "note").write_text("mine")
    for out in (tmp_path / "thesis", tmp_path / "note"):
        with pytest.raises(XltError, match=rf"holds something else \(no {MARKER}\): choose another folder"):
            fill(out)
        with pytest.raises(XltError, match="choose another folder"):
            check_replaceable(out, MARKER)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["note", "thesis"]


def test_an_unwritable_place_is_an_error_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(XltError, match="out could not be written"):
        fill(tmp_path / "file" / "out")


def test_leftovers_of_killed_builds_go_young_ones_stay(tmp_path: Path) -> None:
    old, young, other = (tmp_path / name for name in (".out.1.part", ".out.2.part", ".other.1.part"))
    for folder in (old, young, other):
        folder.mkdir()
    for folder in (old, other):
        os.utime(folder, (0, 0))
    fill(tmp_path / "out")
    assert not old.exists() and young.exists() and other.exists()


# Files


def test_a_file_is_replaced_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    with whole_file(path) as scratch:
        scratch.write_text("old")
        assert not path.exists()
    with pytest.raises(KeyboardInterrupt), whole_file(path) as scratch:
        scratch.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("place", ["folder", "file/inside"])
def test_a_place_for_a_file_that_cannot_be_written(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(XltError, match=rf"{place} could not be written: .*\. Choose another place"):
        write_json({}, tmp_path / place)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_json_is_for_people_too(tmp_path: Path) -> None:
    write_json({"name": "é", "n": [1]}, tmp_path / "a.json")
    text = (tmp_path / "a.json").read_text(encoding="utf8")
    assert json.loads(text) == {"name": "é", "n": [1]}
    assert '"é"' in text and text.endswith("}\n")

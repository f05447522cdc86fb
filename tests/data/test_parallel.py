"""Line-aligned files."""

from pathlib import Path

import pytest

from spacy_xlt.data.parallel import read_parallel
from spacy_xlt.errors import EncodingError, XltError


def write(folder: Path, ours: bytes, theirs: bytes) -> tuple[Path, Path]:
    (folder / "a.eng").write_bytes(ours)
    (folder / "a.deu").write_bytes(theirs)
    return folder / "a.eng", folder / "a.deu"


def test_lines_make_pairs_and_blank_ones_none(tmp_path: Path) -> None:
    files = write(tmp_path, b"\xef\xbb\xbfOne.\r\n\nThree.\n  Four.\n", "Eins.\nZwei.\n \nVier.\u2028Noch.".encode())
    assert read_parallel(*files) == [("One.", "Eins."), ("Four.", "Vier.\u2028Noch.")]


@pytest.mark.parametrize(
    ("ours", "theirs", "message"),
    [
        (b"One.\nTwo.\n", b"Eins.\n", "{0} has 2 lines and {1} has 1"),
        (b"One.\nTwo.\n", b"Eins.\nZw\xffei.\n", "{1}:2: not UTF-8"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, ours: bytes, theirs: bytes, message: str) -> None:
    files = write(tmp_path, ours, theirs)
    with pytest.raises(XltError) as error:
        read_parallel(*files)
    assert message.format(*files) in str(error.value)


def test_each_side_has_its_encoding(tmp_path: Path) -> None:
    ours, theirs = write(tmp_path, "Café.\n".encode("utf-16"), "Café.\n".encode("cp1252"))
    assert read_parallel(str(ours), theirs, encoding="cp1252") == [("Café.", "Café.")]
    with pytest.raises(EncodingError, match="not UTF-8"):
        read_parallel(ours, theirs)


def test_a_missing_file(tmp_path: Path) -> None:
    files = write(tmp_path, b"One.\n", b"Eins.\n")
    with pytest.raises(XltError, match="no.txt does not exist."):
        read_parallel(files[0], tmp_path / "no.txt")

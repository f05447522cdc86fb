"""The layouts of benchmarks: labels in a file of their own, and one token per line."""

from pathlib import Path

import pytest

from spacy_xlt.data.dataset import load_dataset
from spacy_xlt.errors import XltError


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf8")
    return path


def test_texts_and_labels_in_two_files(tmp_path: Path) -> None:
    texts = write(tmp_path / "spanish" / "test_text.txt", "hola\n\nmuy bien\n")
    write(tmp_path / "spanish" / "test_labels.txt", "0\n1\n2\n")
    found = load_dataset(texts)
    assert [(each.text, each.labels, each.language) for each in found] == [
        ("hola", ("0",), "es"),
        ("", ("1",), "es"),
        ("muy bien", ("2",), "es"),
    ]
    assert found.records[2].location == f"{texts}:3"
    assert load_dataset(str(tmp_path / "*" / "test_text.txt"), language="pt").languages == ["pt"]
    assert load_dataset(texts, text="body", label="polarity").labels == ["0", "1", "2"]


def test_without_a_folder_of_a_language_the_language_is_unknown(tmp_path: Path) -> None:
    texts = write(tmp_path / "tweets-2017" / "test_text.txt", "hola\n")
    write(tmp_path / "tweets-2017" / "test_labels.txt", "0\n")
    assert load_dataset(texts).languages == ["xx"]


def test_files_with_another_number_of_lines_are_refused(tmp_path: Path) -> None:
    texts = write(tmp_path / "val_text.txt", "a\nb\n")
    write(tmp_path / "val_labels.txt", "0\n")
    with pytest.raises(XltError, match="val_labels.txt"):
        load_dataset(texts)


def test_a_text_file_without_labels_is_still_refused(tmp_path: Path) -> None:
    with pytest.raises(XltError, match="val_text.txt"):
        load_dataset(write(tmp_path / "val_text.txt", "a\nb\n"))


CONLLU = """\
# newdoc id = 1
# sent_id = s1
# text = Im Haus.
# label = home
1-2\tIm\t_
1\tIn\tADP
2\tdem\tDET
3\tHaus\tNOUN
4\t.\tPUNCT

# label = away
1\tWeg\tNOUN
1.1\tist\tVERB
2\t!\tPUNCT
"""


@pytest.mark.parametrize("ending", ["conllu", "iob2"])
def test_sentences_with_ids(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"de.{ending}", CONLLU)
    found = load_dataset(path, language="de")
    assert [(each.text, each.labels) for each in found] == [("Im Haus.", ("home",)), ("Weg !", ("away",))]
    assert [each.location for each in found] == [f"{path}:1", f"{path}:11"]


def test_sentences_without_ids(tmp_path: Path) -> None:
    path = write(tmp_path / "en.conll", "-DOCSTART- -X- O O\n\nEU NNP B-ORG\nrejects VBZ O\n\nPeter NNP B-PER\n")
    assert load_dataset(path, labeled=False).texts == ["EU rejects", "Peter"]

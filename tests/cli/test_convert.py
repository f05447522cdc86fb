"""`xlt convert`."""

import json
import os
from pathlib import Path

import pytest

from spacy_xlt.data.dataset import Dataset
from tests.cli.running import fail, run, succeed
from tests.records import make_records, write_csv


def test_csv_to_spacy(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "tickets.spacy"
    assert f"24 texts, 2 labels, 1 languages: {out}" in succeed("convert", data, "-o", out)
    found = [(record.text, record.labels, record.language) for record in Dataset.load([out]).records]
    assert found == [(record.text, record.labels, record.language) for record in make_records()]
    assert os.listdir(out.parent) == ["tickets.spacy"]


def test_folders_of_sib200_become_one_file_with_the_language_of_each(tmp_path: Path) -> None:
    for folder in ("eng_Latn", "swh_Latn"):
        (tmp_path / "sib200" / folder).mkdir(parents=True)
        (tmp_path / "sib200" / folder / "test.tsv").write_text("index_id\tcategory\ttext\n1\tsports\tHabari\n")
    assert "2 texts, 1 labels, 2 languages" in succeed("convert", tmp_path / "sib200", "-o", tmp_path / "sib.spacy")
    records = Dataset.load([tmp_path / "sib.spacy"]).records
    assert [(record.language, record.labels) for record in records] == [("en", ("sports",)), ("sw", ("sports",))]


def test_columns_and_language_by_option(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("body,queue,code\nHello,x,fr\n")
    options = ["--text", "body", "--label", "queue"]
    succeed("convert", tmp_path / "a.csv", "-o", tmp_path / "a.spacy", *options, "--lang", "code")
    assert [record.language for record in Dataset.load([tmp_path / "a.spacy"]).records] == ["fr"]
    succeed("convert", tmp_path / "a.csv", "-o", tmp_path / "a.spacy", *options, "--language", "deu_Latn")
    assert [record.language for record in Dataset.load([tmp_path / "a.spacy"]).records] == ["de"]


BAD = '{"text": "fine \\ud800", "label": "x"}\n{"text": null, "label": "x"}\n{"text"\n{"text": "t", "label": "y"}\n'


def test_bad_records_go_to_quarantine_and_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(BAD)
    result = run("convert", path, "-o", tmp_path / "a.spacy")
    quarantine = tmp_path / "a.quarantine.jsonl"
    assert result.exit_code == 0 and "2 texts, 2 labels" in result.stdout
    assert result.stderr == (f"⚠ 2 bad records left out (first: {path}:2: 'text' is null); all are in {quarantine}\n")
    first, second = (json.loads(line) for line in quarantine.read_text(encoding="utf8").splitlines())
    assert first == {
        "location": f"{path}:2",
        "reason": "'text' is null",
        "content": '{"text": null, "label": "x"}',
    }
    assert second["location"] == f"{path}:3" and second["reason"].startswith("not JSON")
    assert [record.text for record in Dataset.load([tmp_path / "a.spacy"]).records] == ["fine \ufffd", "t"]


def test_strict_exits_with_1_and_a_good_file_clears_the_quarantine(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(BAD)
    arguments = ["convert", path, "-o", tmp_path / "a.spacy", "--strict"]
    assert run(*arguments).exit_code == 1
    assert (tmp_path / "a.quarantine.jsonl").is_file()
    path.write_text('{"text": "t", "label": "y"}\n')
    assert run(*arguments).exit_code == 0
    assert not (tmp_path / "a.quarantine.jsonl").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "body,label\nt,x\n", "body, label. Use --text."),
        ("a.csv", "text,queue\nt,x\n", "text, queue. Use --label."),
        ("a.jsonl", '{"body": "t", "label": "x"}\n', "a.jsonl:1: no field 'text'"),
        ("a.jsonl", "", "no usable record"),
        ("a.csv", "text,label\n", "no usable record"),
        ("a.txt", "t\n", "labels"),
        ("a.doc", "t\n", ".jsonl"),
        ("a.spacy", "t\n", "damaged"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    line = fail("convert", tmp_path / name, "-o", tmp_path / "out.spacy")
    assert message in line and str(tmp_path / name) in line
    assert os.listdir(tmp_path) == [name]


def test_a_missing_file_and_an_empty_folder(tmp_path: Path) -> None:
    assert fail("convert", tmp_path / "no.csv", "-o", tmp_path / "out.spacy") == f"{tmp_path}/no.csv does not exist."
    assert f"{tmp_path} holds no file" in fail("convert", tmp_path, "-o", tmp_path / "out.spacy")


def test_an_output_that_is_a_folder(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.spacy"
    out.mkdir()
    result = run("convert", data, "-o", out)
    assert result.exit_code == 1 and result.stderr.startswith(f"✘ {out} could not be written: ")
    assert os.listdir(tmp_path) == ["out.spacy"] and os.listdir(out) == []


def test_a_second_run_on_a_folder_that_holds_its_own_quarantine_reads_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.jsonl").write_text(BAD)
    arguments = ["convert", folder, "-o", tmp_path / "out.spacy"]
    first = run(*arguments).stdout
    (tmp_path / "out.quarantine.jsonl").rename(folder / "out.quarantine.jsonl")
    assert "2 texts" in first and run(*arguments).stdout == first


def test_other_labels_of_other_files_join(data: Path, tmp_path: Path) -> None:
    other = write_csv(make_records(2, "de"), tmp_path / "de.csv")
    assert "26 texts, 2 labels, 2 languages" in succeed("convert", data, other, "-o", tmp_path / "all.spacy")

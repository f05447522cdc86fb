"""What the commands say of files as people have them, and the options for these."""

from pathlib import Path
from typing import Any

import pytest

from spacy_xlt.data.dataset import Dataset
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.evaluate import evaluate
from spacy_xlt.models import load_model
from spacy_xlt.pipeline.find import find_pipe
from spacy_xlt.pipeline.projection import fit_projection
from spacy_xlt.pipeline.projector import Projector
from spacy_xlt.training.train import train
from spacy_xlt.transfer.distill import distill
from spacy_xlt.transfer.few_shot import few_shot
from spacy_xlt.transfer.self_train import self_train
from tests.cli.running import fail, run, succeed


def test_convert_says_which_line_has_the_unclosed_quote(tmp_path: Path) -> None:
    rows = [f"payment,text {number}" for number in range(120)]
    rows[2] = 'payment,"I was charged twice'
    (tmp_path / "a.csv").write_text("label,text\n" + "\n".join(rows) + "\n")
    result = run("convert", tmp_path / "a.csv", "-o", tmp_path / "a.spacy")
    assert "119 texts" in result.stdout
    assert f"{tmp_path}/a.csv:4" in result.stderr and "117 lines" in result.stderr


def test_convert_says_which_delimiter_it_found(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text;label\none, two;x\n")
    result = run("convert", tmp_path / "a.csv", "-o", tmp_path / "a.spacy")
    assert result.exit_code == 0 and "semicolons" in result.stderr
    assert Dataset.load(tmp_path / "a.spacy").records[0].text == "one, two"


def test_an_encoding_is_named_and_never_guessed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("text,label\ncafé,x\nfine,x\n".encode("cp1252"))
    arguments = ["convert", tmp_path / "a.csv", "-o", tmp_path / "a.spacy"]
    result = run(*arguments)
    assert "1 texts" in result.stdout and "--encoding" in result.stderr
    assert "2 texts" in succeed(*arguments, "--encoding", "cp1252")
    assert Dataset.load(tmp_path / "a.spacy").records[0].text == "café"
    assert "latin-99" in fail(*arguments, "--encoding", "latin-99")
    (tmp_path / "a.csv").write_bytes("text,label\ncafé,x\n".encode("utf-16-le"))
    assert "--encoding" in fail(*arguments)


def test_several_labels(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\none,a|b\n")
    succeed("convert", tmp_path / "a.csv", "-o", tmp_path / "a.spacy", "--label-separator", "|")
    assert Dataset.load(tmp_path / "a.spacy").records[0].labels == ("a", "b")
    (tmp_path / "b.csv").write_text("text,label_a,label_b\none,1,0\ntwo,1,1\n")
    succeed("convert", tmp_path / "b.csv", "-o", tmp_path / "b.spacy", "--labels", "a,b")
    assert [record.labels for record in Dataset.load(tmp_path / "b.spacy").records] == [("a",), ("a", "b")]
    both = ["--labels", "a,b", "--label-separator", ";"]
    assert "label_separator" in fail("convert", tmp_path / "b.csv", "-o", tmp_path / "b.spacy", *both)
    assert "label_c" in fail("convert", tmp_path / "b.csv", "-o", tmp_path / "b.spacy", "--labels", "a,c")


def test_patterns_and_names_of_languages(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("text,label\none,x\n")
    out = tmp_path / "out.spacy"
    assert "2 texts" in succeed("convert", tmp_path / "*.csv", "-o", out, "--language", "German")
    assert {record.language for record in Dataset.load(out).records} == {"de"}
    assert "German" in fail("convert", tmp_path / "a.csv", "-o", out, "--language", "germna")


def skip_without_extra(command: str) -> None:
    """Skip the test of a command whose extra is not installed."""
    if command == "flatten":
        pytest.importorskip("spacy_transformers")


@pytest.mark.parametrize("command", ["train", "flatten", "export"])
def test_a_mistyped_language_is_refused_before_any_work(tmp_path: Path, command: str) -> None:
    skip_without_extra(command)
    (tmp_path / "a.csv").write_text("text,label\none,x\ntwo,y\n")
    line = fail(command, tmp_path / "a.csv", tmp_path / "out", "--languages", "en,germna")
    assert "'germna'" in line and "German" in line and not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["transfer project", "export", "flatten", "train", "evaluate"])
def test_commands_that_embed_texts_take_a_gpu(tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    skip_without_extra(command)
    (tmp_path / "a.csv").write_text("text,label\none,x\ntwo,y\n")
    seen: list[Any] = []

    def stop(gpu_id: int) -> None:
        seen.append(gpu_id)
        raise XltError("stopped")

    monkeypatch.setattr("spacy_xlt.models.use_gpu", stop)
    output = ["--texts", tmp_path / "a.csv"] if command == "transfer project" else []
    assert fail(*command.split(), tmp_path / "a.csv", tmp_path / "out", *output, "--gpu-id", 3) == "stopped"
    assert seen == [3]


def test_detect_reads_by_the_mark_and_names_what_it_cannot_read(tmp_path: Path) -> None:
    line = "Wo bleibt das Paket, das ich für morgen bestellt hätte?\n"
    (tmp_path / "a.txt").write_bytes((line + "\n" + line).encode("utf-16"))
    output = succeed("detect", "--languages", "de,en", tmp_path / "a.txt")
    assert [row.split("\t")[0] for row in output.splitlines()] == ["de", "xx", "de"]
    (tmp_path / "a.txt").write_bytes(line.encode("cp1252"))
    result = run("detect", tmp_path / "a.txt")
    assert result.stdout.startswith("xx") and f"{tmp_path}/a.txt:1: not UTF-8" in result.stderr
    assert succeed("detect", "--encoding", "cp1252", tmp_path / "a.txt").startswith("de")


def test_functions_take_files_too(model: Path, data: Path, tmp_path: Path) -> None:
    nlp = load_model(model)
    records = Dataset.load(data).records
    from_path, from_list = (
        evaluate(nlp, given).model_copy(update={"docs_per_second": None}) for given in (str(data), [data])
    )
    assert from_path == from_list
    assert evaluate(nlp, str(data)).languages == evaluate(nlp, records).languages
    (tmp_path / "german.txt").write_text("Wo ist mein Paket?\nDie Karte ist weg.\n")
    fit_projection(nlp, {"German": str(tmp_path / "german.txt")})
    assert find_pipe(nlp, Projector).counts["de"] == 2
    fit_projection(nlp, data.parent)
    assert find_pipe(nlp, Projector).counts["en"] == len(records)


def test_methods_of_training_take_files_too(model: Path, data: Path, tmp_path: Path) -> None:
    """Each is stopped by what is in the file, so that nothing is trained."""
    other = tmp_path / "other.csv"
    other.write_text("text,label,lang\nHallo,unheard,de\nHola,unheard,German\n")
    nlp = load_model(model)
    with pytest.raises(XltError, match="2 texts of unheard"):
        train(str(other))
    with pytest.raises(XltError, match=r"other\.csv.*'unheard'"):
        train(data, dev=[other])
    with pytest.raises(XltError, match=r"'germna'.*German"):
        train(data, languages=["en", "germna"])
    with pytest.raises(XltError, match=r"other\.csv.*unheard"):
        few_shot(nlp, str(other))
    with pytest.raises(XltError, match="'de' there are 2"):
        self_train(nlp, str(other))
    with pytest.raises(XltError, match=r"other\.csv.*unheard"):
        distill(nlp, {"German": [other]}, dev=other)

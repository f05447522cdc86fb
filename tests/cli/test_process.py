"""`xlt process`."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers")

from spacy_xlt.batch import engine
from spacy_xlt.cli.process import default_workers
from spacy_xlt.encoders import cpu
from tests.batch.conftest import model as model
from tests.batch.conftest import read_jsonl, tickets, write_jsonl
from tests.cli.running import fail, run, succeed


def test_files_to_parts_with_a_table_at_the_end(model: Path, tmp_path: Path) -> None:
    write_jsonl(tickets(20), tmp_path / "in" / "a.jsonl")
    (tmp_path / "in" / "b.txt").write_text("a document")
    result = run("process", model, tmp_path / "in", "-o", tmp_path / "out", "--text", "body", "--max-errors", 1)
    assert result.exit_code == 0, result.output
    assert result.stderr == (
        f"ℹ The text is in 'body', the id in 'id' (guessed).\n⚠ 1 bad records are in {tmp_path}/out/quarantine.jsonl\n"
    )
    assert "classified" in result.stdout and "language German (de)" in result.stdout
    assert f"✔ 20 documents in {tmp_path}/out" in result.stdout
    assert [row["id"] for row in read_jsonl(tmp_path / "out")] == [f"t{number}" for number in range(20)]


def test_stdin(model: Path, tmp_path: Path) -> None:
    succeed("process", model, "-", "-o", tmp_path / "lines", stdin="one\n\ntwo\n")
    rows = read_jsonl(tmp_path / "lines")
    assert [(row["id"], row["text"]) for row in rows] == [("-:1", "one"), ("-:3", "two")]
    succeed("process", model, "-", "-o", tmp_path / "objects", "--format", "jsonl", stdin='{"id": 7, "text": "a"}\n')
    assert [row["id"] for row in read_jsonl(tmp_path / "objects")] == [7]


def test_strict_exits_with_1_but_everything_is_written(model: Path, tmp_path: Path) -> None:
    path = write_jsonl([*tickets(3), {"id": 1}], tmp_path / "a.jsonl")
    arguments = ["process", model, path, "-o", tmp_path / "out"]
    assert run(*arguments, "--strict").exit_code == 1
    assert len(read_jsonl(tmp_path / "out")) == 3
    assert run(*arguments, "--strict").exit_code == 1 and run(*arguments).exit_code == 0


def test_ctrl_c_leaves_whole_files_and_exits_with_130(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_jsonl(tickets(60), tmp_path / "a.jsonl")
    monkeypatch.setattr(engine, "CHUNK", 8)
    into_folder = engine._into_folder

    def interrupts(out: Any, mapped: Any, *others: Any) -> None:
        def some() -> Any:
            for number, each in enumerate(mapped):
                if number == 5:
                    raise KeyboardInterrupt
                yield each

        into_folder(out, some(), *others)

    with monkeypatch.context() as patch:
        patch.setattr(engine, "_into_folder", interrupts)
        patch.setattr(engine.process, "__kwdefaults__", {**engine.process.__kwdefaults__, "chunk": 8, "part_chunks": 2})
        result = run("process", model, path, "-o", tmp_path / "out")
        assert result.exit_code == 130
        assert f"{tmp_path}/out" in result.stderr.splitlines()[-1]
        assert len(read_jsonl(tmp_path / "out")) == 32 and not list((tmp_path / "out").glob(".*.part"))
        patch.setattr(engine, "_into_folder", into_folder)
        succeed("process", model, path, "-o", tmp_path / "out")
    assert [row["id"] for row in read_jsonl(tmp_path / "out")] == [f"t{number}" for number in range(60)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "xml"], "xml"),
        (["--to", "xml"], "xml"),
        (["--abstain-below", 2], "2.0"),
        (["--engine", "spark"], "spark"),
        (["--workers", -1], "-1"),
    ],
)
def test_options_that_cannot_be(model: Path, tmp_path: Path, options: list[Any], message: str) -> None:
    line = fail("process", model, tmp_path / "a.txt", "-o", tmp_path / "out", *options)
    assert options[0] in line and message in line
    assert not (tmp_path / "out").exists()


def test_what_is_missing(model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    missing = fail("process", model, tmp_path / "no.txt", "-o", tmp_path / "out")
    assert f"{tmp_path}/no.txt" in missing
    assert "is not a model folder" in fail("process", tmp_path, tmp_path / "a.txt", "-o", tmp_path / "out")


def test_summary_is_written(model: Path, tmp_path: Path) -> None:
    path = write_jsonl(tickets(6), tmp_path / "a.jsonl")
    succeed("process", model, path, "-o", tmp_path / "out", "--abstain-below", 1.0, "--to", "csv", "--keep", "")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf8"))
    assert summary["documents"] == 6 and summary["abstained"] + sum(summary["labels"].values()) == 6
    header = (tmp_path / "out" / "part-00000.csv").read_text("utf8").splitlines()[0]
    assert header == "id,language,language_score,label,score,probabilities,model,version,input_other"


def test_models_of_the_preset_fast_get_a_worker_for_each_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "usable_threads", lambda: 3)
    (tmp_path / "config.cfg").write_text('encoder = {"@xlt_encoders":"spacy-xlt.StaticEncoder.v1"}')
    assert default_workers(tmp_path, "local", -1) == 3
    assert default_workers(tmp_path, "ray", -1) == default_workers(tmp_path, "local", 0) == 0
    (tmp_path / "config.cfg").write_text('encoder = {"@xlt_encoders":"spacy-xlt.TorchEncoder.v1"}')
    assert default_workers(tmp_path, "local", -1) == default_workers(tmp_path / "missing", "local", -1) == 0

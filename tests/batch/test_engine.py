"""`spacy_xlt.batch.process`: rows, formats, quarantine, resuming."""

import csv
import gzip
import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin

from spacy_xlt import Classifier
from spacy_xlt.batch import process
from spacy_xlt.batch.manifest import read_manifest
from spacy_xlt.batch.parts import PartFile
from spacy_xlt.batch.sinks import ParquetSink
from spacy_xlt.data.rows import MAX_CHARS
from spacy_xlt.errors import XltError
from tests.batch.conftest import content, read_jsonl, tickets, write_jsonl
from tests.toy import LABELS

SMALL: dict[str, Any] = {"chunk": 8, "part_chunks": 2}


# Rows


def test_rows_hold_what_the_classifier_says_and_the_fields_of_the_input(model: Path, tmp_path: Path) -> None:
    rows = tickets(20)
    sentences: list[str] = []
    summary = process(model, write_jsonl(rows, tmp_path / "a.jsonl"), tmp_path / "out", say=sentences.append, **SMALL)
    found = read_jsonl(tmp_path / "out")
    expected = Classifier.load(model).predict([row["body"] for row in rows])
    assert [row["id"] for row in found] == [row["id"] for row in rows]
    assert [(row["body"], row["priority"]) for row in found] == [(row["body"], row["priority"]) for row in rows]
    assert [row["label"] for row in found] == expected.labels
    assert [row["language"] for row in found] == expected.languages
    for row, probabilities in zip(found, expected.probabilities):
        assert list(row["probabilities"].values()) == pytest.approx(probabilities.tolist(), abs=1e-5)
        assert row["score"] == max(row["probabilities"].values()) and 0 <= row["language_score"] <= 1
        assert (row["model"], row["version"]) == ("xx_pipeline", "0.0.0")
    assert sentences == ["The text is in 'body' (guessed), the id in 'id' (guessed)."]
    assert summary.documents == 20 and sum(summary.languages.values()) == 20 and set(summary.labels) <= set(LABELS)
    written = json.loads((tmp_path / "out" / "summary.json").read_text("utf8"))
    assert written["documents"] == 20 and written["labels"] == dict(summary.labels)
    assert sorted(content(tmp_path / "out")) == [
        "manifest.json",
        "part-00000.jsonl",
        "part-00001.jsonl",
        "summary.json",
    ]


def test_a_field_of_the_input_with_one_of_our_names_is_renamed(model: Path, tmp_path: Path) -> None:
    process(model, write_jsonl([{"text": "hello", "label": "gold", "score": 3}], tmp_path / "a.jsonl"), tmp_path / "o")
    (row,) = read_jsonl(tmp_path / "o")
    assert (row["input_label"], row["input_score"]) == ("gold", 3) and row["label"] in LABELS
    assert row["id"] == f"{tmp_path}/a.jsonl:1"


def test_fields_are_kept_as_asked(model: Path, tmp_path: Path) -> None:
    path = write_jsonl(tickets(2), tmp_path / "a.jsonl")
    process(model, path, tmp_path / "o", keep=["priority"], id="id", text="body")
    assert set(read_jsonl(tmp_path / "o")[0]) & {"body", "priority"} == {"priority"}


def test_an_unsure_label_is_withheld(model: Path, tmp_path: Path) -> None:
    sure: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    texts = [row["body"] for row in tickets(20)]
    process(model, texts, sure.append)
    bound = sorted(row["score"] for row in sure)[10]
    summary = process(model, texts, rows.append, abstain_below=bound)
    assert [row["label"] for row in rows] == [row["label"] if row["score"] >= bound else None for row in sure]
    assert [row["score"] for row in rows] == [row["score"] for row in sure]
    assert summary.abstained == sum(row["label"] is None for row in rows) > 0


def test_a_generator_and_dicts_into_a_function(model: Path) -> None:
    rows: list[dict[str, Any]] = []
    summary = process(model, (row for row in [*tickets(3), {"body": 3}, 4]), rows.append)
    assert [row["id"] for row in rows] == ["t0", "t1", "t2"]
    assert dict(summary.quarantine) == {"... is not a text but int": 1, "not a text, a dict or a pair but int": 1}


def test_a_pipeline_that_is_not_ours_alone_runs_in_spacy(model: Path, tmp_path: Path) -> None:
    nlp = spacy.load(model)
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "other")
    path = write_jsonl(tickets(20), tmp_path / "a.jsonl")
    process(model, path, tmp_path / "ours", **SMALL)
    process(tmp_path / "other", path, tmp_path / "spacy", **SMALL)
    for one, other in zip(read_jsonl(tmp_path / "ours"), read_jsonl(tmp_path / "spacy")):
        assert one.pop("probabilities") == pytest.approx(other.pop("probabilities"), abs=1e-5)
        assert one.pop("score") == pytest.approx(other.pop("score"), abs=1e-5)
        assert one.pop("language_score") == pytest.approx(other.pop("language_score"), abs=1e-5)
        assert one == other


# Formats


def test_csv_has_the_same_columns_for_all_rows(model: Path, tmp_path: Path) -> None:
    rows = [*tickets(120), {"id": "late", "body": "=1+1", "new": [1]}]
    process(model, write_jsonl(rows, tmp_path / "a.jsonl"), tmp_path / "o", format="csv", csv_safe=True)
    with (tmp_path / "o" / "part-00000.csv").open(encoding="utf8", newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 121 and found[0]["priority"] == "0" and found[0]["input_other"] == ""
    assert (found[-1]["body"], found[-1]["input_other"]) == ("'=1+1", '{"new": [1]}')
    assert json.loads(found[0]["probabilities"]).keys() == set(LABELS)


def test_parquet_in_and_out(model: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = write_jsonl([*tickets(20), {"id": "x", "body": "hello", "priority": "high"}], tmp_path / "a.jsonl")
    process(model, path, tmp_path / "one", format="parquet", **SMALL)
    process(model, path, tmp_path / "lines", **SMALL)
    table = parquet.read_table(sorted((tmp_path / "one").glob("*.parquet")))
    expected = read_jsonl(tmp_path / "lines")
    assert table["probabilities"].to_pylist() == [row["probabilities"] for row in expected]
    assert table["label"].to_pylist() == [row["label"] for row in expected]
    assert table["priority"].to_pylist()[-2:] == ["1", "high"]
    process(model, tmp_path / "one" / "part-00000.parquet", tmp_path / "two", text="body")
    assert [row["input_label"] for row in read_jsonl(tmp_path / "two")] == [row["label"] for row in expected[:16]]


def test_parquet_of_labels_that_are_not_known_beforehand(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    with PartFile(tmp_path / "a.parquet") as part:
        sink = ParquetSink(part, ["id", "probabilities"], (), False)
        sink.write([{"id": 1, "probabilities": {"x": 0.5}}], None)
        sink.close()
    assert parquet.read_table(tmp_path / "a.parquet").to_pylist() == [{"id": "1", "probabilities": '{"x": 0.5}'}]


def test_docbin_keeps_what_the_components_wrote(model: Path, tmp_path: Path) -> None:
    path = write_jsonl(tickets(20), tmp_path / "a.jsonl")
    process(model, path, tmp_path / "o", format="docbin", **SMALL)
    process(model, path, tmp_path / "lines", **SMALL)
    nlp = spacy.load(model)
    docs = [
        doc for part in sorted((tmp_path / "o").glob("*.spacy")) for doc in DocBin().from_disk(part).get_docs(nlp.vocab)
    ]
    for doc, row in zip(docs, read_jsonl(tmp_path / "lines"), strict=True):
        assert (doc.text, doc._.language) == (row["body"], row["language"])
        assert doc.cats == pytest.approx(row["probabilities"], abs=1e-5)
        assert json.loads(doc.user_data["row"])["id"] == row["id"] and doc._.xlt_embedding.any()


def test_values_that_json_does_not_know(model: Path, tmp_path: Path) -> None:
    circle: list[Any] = []
    circle.append(circle)
    values = [math.nan, [math.inf, 1.5], datetime(2026, 1, 2), {(1, 2): "x"}, {"deep": {"key": [math.nan]}}, circle]
    source = [{"text": "hello", "value": value, "more": "\ud800"} for value in values]
    for format in ("jsonl", "csv"):
        process(model, iter(source), tmp_path / format, format=format)  # type: ignore[arg-type]
    found = [row["value"] for row in read_jsonl(tmp_path / "jsonl")]
    assert found[:5] == [None, [None, 1.5], "2026-01-02 00:00:00", {"(1, 2)": "x"}, {"deep": {"key": [None]}}]
    assert "NaN" not in (tmp_path / "jsonl" / "part-00000.jsonl").read_text("utf8")
    with (tmp_path / "csv" / "part-00000.csv").open(encoding="utf8", newline="") as file:
        assert [row["value"] for row in csv.DictReader(file)][1:4] == [
            "[null, 1.5]",
            "2026-01-02 00:00:00",
            '{"(1, 2)": "x"}',
        ]


def test_a_data_frame(model: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(tickets(5))
    rows: list[dict[str, Any]] = []
    process(model, frame.to_dict("records"), rows.append)
    joined = frame.merge(pandas.DataFrame(rows)[["id", "language", "label", "score"]], on="id")
    assert list(joined["label"]) == [row["label"] for row in rows] and len(joined) == 5


# Quarantine


def test_every_kind_of_bad_record_is_in_quarantine_with_its_line(model: Path, tmp_path: Path) -> None:
    lines = [
        b'{"id": 1, "text": "good"}',
        b'{"id": 2, "text": "caf\xe9"}',
        b'{"id": 3, "text": ',
        b'["a list"]',
        b'{"id": 5, "title": "no text"}',
        b'{"id": 6, "text": null}',
        b'{"id": 7, "text": 12}',
        b'{"id": 8, "text": ["a"]}',
        json.dumps({"id": 9, "text": "x" * (MAX_CHARS + 1)}).encode(),
        b'{"id": 1, "text": "again"}',
        b"",
        b'{"id": 12, "text": "good \\ud800"}',
    ]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    (tmp_path / "b.csv").write_text("id,text\n20,good\n21,good,too many\n22\n")
    summary = process(model, [tmp_path / "a.jsonl", tmp_path / "b.csv"], tmp_path / "o", chunk=4)
    found = [json.loads(line) for line in (tmp_path / "o" / "quarantine.jsonl").read_text("utf8").splitlines()]
    assert [(Path(row["file"]).name, row["line"]) for row in found] == [
        *(("a.jsonl", line) for line in range(2, 11)),
        ("b.csv", 3),
        ("b.csv", 4),
    ]
    reasons = ["not UTF-8", "not JSON (", "not a JSON object", "no field 'text'", "'text' is null"]
    reasons += ["'text' is not a text but int", "'text' is not a text but list", "1000001 characters, more than"]
    reasons += ["the id 1 has come before", "3 columns where the header has 2", "1 columns where the header has 2"]
    for row, reason in zip(found, reasons, strict=True):
        assert row["reason"].startswith(reason)
    assert [row["id"] for row in read_jsonl(tmp_path / "o")] == [1, 12, "20"]
    assert summary.quarantined == 11 and sum(summary.quarantine.values()) == 11


def test_a_damaged_file_is_told_of_and_the_next_one_read(model: Path, tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(b'{"text": "line %d"}\n' % n for n in range(20_000)))
    (tmp_path / "a.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    write_jsonl([{"text": "last"}], tmp_path / "b.jsonl")
    rows: list[dict[str, Any]] = []
    summary = process(model, tmp_path / "*.jsonl*", rows.append, max_errors=1, keep=[])
    assert dict(summary.quarantine) == {"the file could not be read on from here": 1}
    assert summary.documents > 100 and rows[-1]["id"] == f"{tmp_path}/b.jsonl:1"


def test_too_many_bad_records_stop_and_more_may_be_allowed_later(model: Path, tmp_path: Path) -> None:
    path = write_jsonl([*tickets(20), {"no": 1}, {"no": 2}, *tickets(40)[20:]], tmp_path / "a.jsonl")
    with pytest.raises(XltError, match=r"^2 .* 1 .*a\.jsonl:22: no field"):
        process(model, path, tmp_path / "o", max_errors=1, **SMALL)
    assert process(model, path, tmp_path / "o", max_errors=2, **SMALL).documents == 40


def test_a_text_that_the_model_cannot_take_is_quarantined_alone(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored = Classifier.scored

    def fails(self: Classifier, texts: list[str]) -> Any:
        if any("poison" in text for text in texts):
            raise RuntimeError("cannot take poison")
        return scored(self, texts)

    monkeypatch.setattr(Classifier, "scored", fails)
    rows: list[dict[str, Any]] = []
    summary = process(model, ["fine", "poison", "fine too"], rows.append)
    assert [row["text"] for row in rows] == ["fine", "fine too"]
    assert dict(summary.quarantine) == {"the model failed": 1}
    with pytest.raises(RuntimeError, match="cannot take poison"):
        process(model, ["poison", "poison too"], rows.append)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.one_of(st.text(), st.binary().map(lambda data: data.decode("utf8", "surrogateescape")))))
def test_any_string_gives_a_well_formed_row_in_its_place(model: Path, texts: list[str]) -> None:
    rows: list[dict[str, Any]] = []
    # A list of nothing but names of data files, such as "0.JSON", could mean the files, and is an error.
    texts = ["Where is my parcel?", *texts]
    summary = process(model, texts, rows.append, chunk=4)
    assert summary.quarantined == 0 and [row["text"] for row in rows] == texts
    for row in rows:
        assert row["label"] in LABELS and math.isclose(sum(row["probabilities"].values()), 1, abs_tol=1e-4)
        assert 0 <= row["language_score"] <= 1


# Resuming


class Stop(Exception):
    pass


def interrupted(
    model: Path, path: Path, out: Path, after: int, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> None:
    """Run until `after` calls of the model."""
    scored, calls = Classifier.scored, iter(range(after))

    def stops(self: Classifier, texts: list[str]) -> Any:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return scored(self, texts)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Classifier, "scored", stops)
        process(model, path, out, **SMALL, **options)


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("after", [0, 1, 3, 5])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: Any, after: int
) -> None:
    if format == "parquet":
        pytest.importorskip("pyarrow")
    rows = [*tickets(25), {"bad": 1}, *tickets(30), *tickets(60)[30:]]
    path = write_jsonl(rows, tmp_path / "a.jsonl")
    process(model, path, tmp_path / "whole", format=format, **SMALL)
    interrupted(model, path, tmp_path / "out", after, monkeypatch, format=format)
    assert not list((tmp_path / "out").glob(".*.part"))
    process(model, path, tmp_path / "out", format=format, **SMALL)
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    said: list[str] = []
    process(model, path, tmp_path / "out", format=format, say=said.append, **SMALL)
    assert f"{tmp_path}/out" in said[-1] and "complete" in said[-1]
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_a_complete_batch_is_left_as_it_is(model: Path, tmp_path: Path) -> None:
    path = write_jsonl(tickets(20), tmp_path / "a.jsonl")
    process(model, path, tmp_path / "out", **SMALL)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert process(model, path, tmp_path / "out", **SMALL).documents == 20
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before


def test_a_damaged_part_is_made_again_with_all_after_it(model: Path, tmp_path: Path) -> None:
    path = write_jsonl(tickets(60), tmp_path / "a.jsonl")
    process(model, path, tmp_path / "out", **SMALL)
    before = content(tmp_path / "out")
    part = tmp_path / "out" / "part-00001.jsonl"
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    said: list[str] = []
    process(model, path, tmp_path / "out", say=said.append, **SMALL)
    assert said[-1].startswith("1 parts are finished") and content(tmp_path / "out") == before


def test_what_is_not_as_it_was_is_refused(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_jsonl(tickets(60), tmp_path / "a.jsonl")
    out = tmp_path / "out"
    interrupted(model, path, out, 5, monkeypatch)
    with pytest.raises(XltError, match=r"abstain_below = 0\.0.*0\.5"):
        process(model, path, out, abstain_below=0.5, **SMALL)
    nlp = spacy.load(model)
    nlp.meta["version"] = "1.0.0"
    nlp.to_disk(tmp_path / "other")
    with pytest.raises(XltError, match="version"):
        process(tmp_path / "other", path, out, **SMALL)
    write_jsonl(tickets(61), path)
    with pytest.raises(XltError, match="input has changed"):
        process(model, path, out, **SMALL)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").write_text("")
    with pytest.raises(XltError, match=r"full .*manifest\.json"):
        process(model, path, tmp_path / "full")


def test_a_stream_goes_on_if_it_begins_the_same(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [row["body"] for row in tickets(60)]
    interrupted(model, texts, tmp_path / "out", 5, monkeypatch)  # type: ignore[arg-type]
    for others in (["other", *texts[1:]], texts[:10]):
        with pytest.raises(XltError, match="input"):
            process(model, others, tmp_path / "out", **SMALL)
    assert process(model, iter(texts), tmp_path / "out", **SMALL).documents == 60
    assert [row["text"] for row in read_jsonl(tmp_path / "out")] == texts


def test_a_second_process_is_kept_away(model: Path, tmp_path: Path) -> None:
    from tests.processes import run_python

    path = write_jsonl(tickets(10), tmp_path / "a.jsonl")
    message: list[str] = []

    def try_to_run(_: str) -> None:
        message.append(run_python(LOCKED, tmp_path / "out"))

    # `say` is called for the last time while the folder is locked.
    process(model, path, tmp_path / "out", **SMALL)
    (tmp_path / "out" / "part-00000.jsonl").write_text("")
    process(model, [path], tmp_path / "out", **SMALL)
    with (tmp_path / "out" / ".lock").open("ab") as file:
        import fcntl

        fcntl.lockf(file, fcntl.LOCK_EX)
        try_to_run("")
    assert len(message) == 1 and f"process is writing {tmp_path}/out" in message[0]


LOCKED = """
import json, sys
from pathlib import Path
from spacy_xlt.batch.output import _lock
try:
    _lock(Path(sys.argv[1]))
except ValueError as error:
    print(json.dumps(str(error)))
"""


def test_the_manifest_names_what_is_there(model: Path, tmp_path: Path) -> None:
    process(model, write_jsonl(tickets(20), tmp_path / "a.jsonl"), tmp_path / "out", **SMALL)
    manifest = read_manifest(tmp_path / "out")
    assert manifest is not None and manifest.complete
    assert [(part.file, part.chunks) for part in manifest.parts] == [("part-00000.jsonl", 2), ("part-00001.jsonl", 3)]
    (tmp_path / "out" / "manifest.json").write_text("{")
    with pytest.raises(XltError, match=r"manifest\.json is damaged"):
        process(model, tmp_path / "a.jsonl", tmp_path / "out", **SMALL)

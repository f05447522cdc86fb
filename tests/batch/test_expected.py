"""The expected accuracy in the summary of a run, and the option `min_expected`."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from spacy_xlt import estimate
from spacy_xlt.batch import process
from spacy_xlt.batch.manifest import read_manifest
from spacy_xlt.batch.summary import Summary, join, print_table
from spacy_xlt.errors import XltError
from tests.batch.conftest import content, read_jsonl, tickets, write_jsonl

SMALL: dict[str, Any] = {"chunk": 8, "part_chunks": 2}
# 30 texts in each of English, German and Russian.
ROWS = tickets(90)


@pytest.fixture(scope="module")
def summary(model: Path) -> Summary:
    return process(model, ROWS, lambda row: None, text="body")


def accuracies(summary: Summary) -> dict[str, float]:
    return {code: each.accuracy for code, each in summary.expected.items() if each.accuracy is not None}


def test_the_summary_has_the_estimates_of_the_function(model: Path, summary: Summary) -> None:
    found = estimate(model, [row["body"] for row in ROWS]).languages
    assert set(found) == set(summary.expected)
    for code, each in found.items():
        assert summary.expected[code].n == each.n == summary.languages[code]
        # The probabilities in the rows are rounded.
        assert summary.expected[code].accuracy == pytest.approx(each.accuracy, abs=1e-3)


def test_a_folder_has_the_same_estimates(model: Path, summary: Summary, tmp_path: Path) -> None:
    path = write_jsonl(ROWS, tmp_path / "a.jsonl")
    found = process(model, path, tmp_path / "out", **SMALL)
    assert accuracies(found) == pytest.approx(accuracies(summary))
    written = json.loads((tmp_path / "out" / "summary.json").read_text("utf8"))
    assert {code: each["accuracy"] for code, each in written["expected"].items()} == pytest.approx(accuracies(summary))
    assert "confidence" not in written
    assert accuracies(process(model, path, tmp_path / "out", **SMALL)) == pytest.approx(accuracies(summary))


def test_the_table_shows_the_estimates(summary: Summary) -> None:
    out = io.StringIO()
    print_table(summary, out)
    for accuracy in accuracies(summary).values():
        assert f"{accuracy:.2f}" in out.getvalue()


def test_the_share_in_quarantine_is_of_all_records() -> None:
    out = io.StringIO()
    print_table(Summary(documents=1, quarantined=3), out)
    assert "75.0%" in out.getvalue()


def test_summaries_of_manifests_without_sums_can_be_joined(summary: Summary) -> None:
    old = {name: value for name, value in summary.to_dict().items() if name not in ("confidence", "expected")}
    del old["abstain_reasons"]
    joined = join([Summary.from_dict(old), Summary.from_dict(json.loads(json.dumps(summary.to_dict())))])
    assert joined.documents == 2 * summary.documents and joined.confidence.keys() == summary.confidence.keys()


# min_expected


def between(summary: Summary) -> tuple[float, set[str]]:
    """A bound between the highest and the lowest accuracy, and the languages below it."""
    found = accuracies(summary)
    assert max(found.values()) - min(found.values()) > 1e-3
    bound = (max(found.values()) + min(found.values())) / 2
    return bound, {code for code, accuracy in found.items() if accuracy < bound}


def test_languages_below_get_no_label(model: Path, summary: Summary) -> None:
    bound, low = between(summary)
    rows: list[dict[str, Any]] = []
    found = process(model, ROWS, rows.append, text="body", min_expected=bound)
    for row in rows:
        assert row["abstain_reason"] == ("low expected accuracy" if row["language"] in low else None)
        assert (row["label"] is None) == (row["language"] in low)
        assert row["probabilities"]
    assert found.abstained == sum(summary.languages[code] for code in low) > 0
    assert found.abstain_reasons == {"low expected accuracy": found.abstained}
    assert accuracies(found) == pytest.approx(accuracies(summary))
    out = io.StringIO()
    print_table(found, out)
    assert "low expected accuracy" in out.getvalue()


def test_a_language_with_too_few_texts_in_the_sample_gets_no_label(model: Path) -> None:
    rows: list[dict[str, Any]] = []
    process(model, [row["body"] for row in ROWS[:9]], rows.append, min_expected=0.01)
    assert {(row["label"], row["abstain_reason"]) for row in rows} == {(None, "no estimate")}


def test_a_low_score_is_named_as_the_reason(model: Path) -> None:
    rows: list[dict[str, Any]] = []
    process(model, ROWS, rows.append, text="body", abstain_below=1.0, min_expected=0.01)
    assert {row["abstain_reason"] for row in rows if row["score"] < 1.0} == {"low score"}


def test_without_the_option_rows_have_no_reason(model: Path) -> None:
    rows: list[dict[str, Any]] = []
    process(model, ROWS[:3], rows.append, text="body", abstain_below=1.0)
    assert all("abstain_reason" not in row for row in rows)


def test_a_field_of_the_input_with_the_name_of_the_reason_is_renamed(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,abstain_reason\nhello,mine\n")
    process(model, path, tmp_path / "out", format="csv", min_expected=0.5)
    (row,) = csv.DictReader((tmp_path / "out" / "part-00000.csv").read_text("utf8").splitlines())
    assert (row["abstain_reason"], row["input_abstain_reason"]) == ("no estimate", "mine")


def test_a_stopped_run_is_resumed_with_the_same_bytes(model: Path, summary: Summary, tmp_path: Path) -> None:
    bound, _ = between(summary)
    path = write_jsonl(ROWS, tmp_path / "a.jsonl")
    options = {**SMALL, "min_expected": bound}
    process(model, path, tmp_path / "whole", **options)
    process(model, path, tmp_path / "stopped", **options)
    manifest = read_manifest(tmp_path / "stopped")
    assert manifest is not None
    del manifest.parts[2:]
    manifest.complete = False
    manifest.save(tmp_path / "stopped")
    process(model, path, tmp_path / "stopped", **options)
    assert content(tmp_path / "stopped") == content(tmp_path / "whole")
    assert {row["label"] is None for row in read_jsonl(tmp_path / "whole")} == {True, False}


def test_another_bound_does_not_resume_a_run(model: Path, tmp_path: Path) -> None:
    path = write_jsonl(ROWS[:9], tmp_path / "a.jsonl")
    for first, second in ((0.0, 0.5), (0.5, 0.0)):
        process(model, path, tmp_path / f"out{first}", min_expected=first, **SMALL)
        with pytest.raises(XltError, match="min_expected"):
            process(model, path, tmp_path / f"out{first}", min_expected=second, **SMALL)


@pytest.mark.parametrize("bound", [-0.1, 70.0])
def test_a_bound_that_is_no_accuracy(model: Path, tmp_path: Path, bound: float) -> None:
    with pytest.raises(XltError, match=str(bound)) as error:
        process(model, ["hello"], tmp_path / "out", min_expected=bound)
    assert error.value.parameter == "min_expected"

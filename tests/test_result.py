"""The result of functions that change a model."""

import json

from spacy_xlt.data.records import Record
from spacy_xlt.result import Result, fingerprint

RESULT = Result(
    "few-shot",
    False,
    "The accuracy in 'sw' dropped by 0.100 on 20 development texts; 0.050 is allowed.",
    {"method": "frozen", "l2": 3.0},
    {"target": {"texts": 16, "sha256": "0" * 64}},
    {"sw": {"n": 20, "before": 0.8, "after": 0.7}},
    ["8 of 8 texts of the language '<de>' look like 'en'. Check the file."],
)


def test_the_dictionary_is_json_and_gives_the_result_again() -> None:
    assert Result(**json.loads(json.dumps(RESULT.to_dict()))) == RESULT


def test_the_text_has_the_decision_the_reason_the_metrics_and_the_notes() -> None:
    shown = str(RESULT)
    for fragment in ("few-shot", "rejected", RESULT.reason, "0.800", "0.700", "20", RESULT.notes[0]):
        assert fragment in shown
    assert "rejected" not in str(Result("project", True, "Fitted.", {}))


def test_the_html_is_escaped() -> None:
    html = RESULT._repr_html_()
    assert "<td>sw</td><td>0.800</td><td>0.700</td><td>20</td>" in html and "&lt;de&gt;" in html
    assert "<de>" not in html


def test_a_fingerprint_does_not_depend_on_the_location() -> None:
    records = [Record("Text", ("a",), "en", "one.csv:2")]
    assert fingerprint(records) == fingerprint([Record("Text", ("a",), "en", "other.csv:9")])
    assert fingerprint(records)["texts"] == 1


def test_a_fingerprint_depends_on_the_order() -> None:
    records = [Record(text, ("a",), "en", "") for text in ("one", "two")]
    assert fingerprint(records)["sha256"] != fingerprint(records[::-1])["sha256"]

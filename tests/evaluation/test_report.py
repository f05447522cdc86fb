import io
import json
import re
import sys
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from spacy_xlt.cli.report import report_cli
from spacy_xlt.errors import XltError
from spacy_xlt.evaluation.details import WordEffect
from spacy_xlt.evaluation.document import Calibration
from spacy_xlt.evaluation.page import html_page, markdown_page, signed
from spacy_xlt.evaluation.page_labels import label_views, merge_calibrations
from spacy_xlt.evaluation.page_view import group_rows, split_text
from spacy_xlt.evaluation.report import Report, write_report
from spacy_xlt.evaluation.table import language_rows

from .documents import document, figures, make_report, source_only, without_projection
from .large_report import large_document

VOID = {"meta", "br", "input"}
EVIL = "<script>alert('x')</script>"


class Page(HTMLParser):
    """What a page holds; fails on a tag that is closed wrongly."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def attributes(self, name: str) -> list[str]:
        return [str(attributes[name]) for _, attributes in self.tags if name in attributes]


@pytest.fixture(scope="module")
def page_text() -> str:
    return html_page([("first", make_report()), ("second", make_report(without_projection()))])


def test_the_page_loads_nothing(page_text: str) -> None:
    page = Page(page_text)
    assert not re.search(r"https?:|//[\w-]+\.|@import|url\((?!#)", page_text)
    assert not {"link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not page.attributes("src")
    assert page.attributes("href")
    assert all(address.startswith("#") for address in page.attributes("href"))


def test_the_only_script_is_the_one_that_the_policy_names(page_text: str) -> None:
    [script] = re.findall(r"<script>(.*?)</script>", page_text, re.DOTALL)
    [allowed] = re.findall(r"script-src 'sha256-([^']+)'", page_text)
    assert b64encode(sha256(script.encode("utf-8")).digest()).decode() == allowed
    assert not re.search(r"\son[a-z]+=|javascript:", page_text)


def test_ids_are_unique_and_every_reference_has_a_target(page_text: str) -> None:
    page = Page(page_text)
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    references = [address[1:] for address in page.attributes("href")] + page.attributes("aria-labelledby")
    references += re.findall(r"url\(#([^)]+)\)", page_text)
    assert set(references) <= set(ids)


def test_the_page_is_accessible(page_text: str) -> None:
    page = Page(page_text)
    assert page.attributes("lang") == ["en"]
    assert {attributes.get("scope") for tag, attributes in page.tags if tag == "th"} == {"col", "row"}
    images = [attributes for _, attributes in page.tags if attributes.get("role") == "img"]
    assert len(images) == 2
    assert set(page.attributes("aria-labelledby")) and page.attributes("aria-label")
    assert "Swahili 82.0 (76.0–87.0), 75.5 before projection" in str(images[0]["aria-label"])


def test_the_page_has_the_figures_and_both_color_schemes(page_text: str) -> None:
    text = " ".join(Page(page_text).text)
    for figure in ("Swahili", "82.0", "76.0–87.0", "75.5", "+6.5", "Mean of targets", "Overview", "first", "second"):
        assert figure in text
    assert "prefers-color-scheme: dark" in page_text
    assert "@media print" in page_text


def test_untrusted_text_is_escaped_everywhere() -> None:
    languages = {"en": figures(0.9, 0.0), EVIL: figures(0.8, 0.1)}
    changes: dict[str, Any] = {"model": EVIL, "labels": [EVIL], "data": [EVIL], "languages": languages}
    content = large_document(examples=3, **changes)
    details = content["details"]
    details["embedding_map"]["labels"][0] = details["embedding_map"]["languages"][0] = EVIL
    details["detected"] = {EVIL: {EVIL: 1}}
    details["examples"][0].update(
        text=EVIL,
        language=EVIL,
        detected="nl",
        gold=[EVIL],
        predicted=[EVIL + '"'],
        probabilities={EVIL: 0.1},
        words=[{"start": 0, "end": 8, "effect": 0.2}],
        neighbors=[{"text": EVIL, "labels": [EVIL], "language": EVIL, "similarity": 1.0}],
    )
    text = make_report(content).to_html()
    page = Page(text)
    assert len(re.findall("<script", text)) == 1
    assert any(EVIL in each for each in page.text)
    assert json.dumps([EVIL]) in page.attributes("data-gold")


def test_the_same_metrics_give_the_same_bytes() -> None:
    assert make_report().to_html() == make_report().to_html()


@pytest.mark.parametrize("metrics", [source_only(), document(source="fr"), document(multilabel=True, data=[])])
def test_other_shapes_of_documents(metrics: dict[str, Any]) -> None:
    assert "312" in " ".join(Page(make_report(metrics).to_html()).text)


def test_the_error_browser_is_only_there_with_texts() -> None:
    content = large_document(examples=0)
    assert 'class="filters"' not in make_report(content).to_html()
    assert "Where is the parcel" not in make_report(content).to_html()
    assert 'class="filters"' in make_report(large_document(examples=1)).to_html()


def test_examples_say_what_the_model_did() -> None:
    content = large_document(examples=2)
    content["details"]["examples"][1].update(
        text="Hello dear shop",
        words=[{"start": 6, "end": 10, "effect": 0.25}, {"start": 11, "end": 15, "effect": -0.1}],
    )
    text = make_report(content).to_html()
    assert '<mark style="--share:1.0" title="+25.0 points">dear</mark> ' in text
    assert '<mark class="against" style="--share:0.4" title="−10.0 points">shop</mark>' in text
    assert "2 of the 341 test texts" in text and "detected as Dutch" in text and "0.93" in text


@settings(deadline=None)
@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70), st.floats(-1, 1)), max_size=9))
def test_the_pieces_of_a_text_are_the_text(text: str, spans: list[tuple[int, int, float]]) -> None:
    words = [WordEffect(start=start, end=end, effect=effect) for start, end, effect in spans if start < end]
    pieces = split_text(text, words)
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text and 0.0 <= piece.strength <= 1.0 for piece in pieces)


def test_contamination_and_speed_are_shown() -> None:
    contamination = {"train": 500, "n": 12, "languages": {"en": 12}, "examples": []}
    text = make_report(large_document(contamination=contamination, docs_per_second=123.4)).to_html()
    assert re.search(r"<b>12</b> of the 1456 test documents", text) and "<b>123.4</b> documents per second" in text
    contamination["n"] = 0
    assert 'class="warning"' not in make_report(large_document(contamination=contamination)).to_html()


def test_labels_are_summed_over_languages_and_rated() -> None:
    report = make_report(large_document(examples=0, points=14))
    views = {view.title: view for view in label_views(report)}
    assert list(views)[:3] == ["All targets", "All languages", "English"] and len(views) == 16
    german = views["German"].rows[0]
    assert german.n == sum(cell.n for cell in german.cells) == 13
    assert views["All targets"].rows[0].n == 13 * 13 and views["All languages"].rows[0].n == 14 * 13
    confusion = report.languages["de"].confusion
    assert confusion is not None
    right, said = confusion["account"]["account"], sum(row.get("account", 0) for row in confusion.values())
    assert (german.recall, german.precision) == (right / 13, right / said)
    assert german.f1 == pytest.approx(2 * right / (13 + said))


def test_many_labels_are_listed_and_not_drawn() -> None:
    labels = [f"label {number:02}" for number in range(30)]
    content = large_document(examples=0, points=14, labels=labels)
    for figures_ in content["languages"].values():
        figures_["confusion"] = {labels[0]: {labels[0]: 5, labels[1]: 3}, labels[2]: {labels[3]: 7}}
    text = make_report(content).to_html()
    assert "label 29" not in text.partition("<main")[2].partition('id="labels-1"')[2].partition("</section>")[0]
    assert re.search(r"label 02</th><td>label 03</td><td>91</td>", text)


def test_calibrations_of_languages_are_merged_by_their_numbers() -> None:
    def part(n: int, confidence: float, accuracy: float) -> Calibration:
        return Calibration.model_validate(
            {"ece": 0, "bins": [{"lower": 0.8, "upper": 0.9, "n": n, "confidence": confidence, "accuracy": accuracy}]}
        )

    merged = merge_calibrations([part(10, 0.85, 0.6), part(30, 0.81, 1.0)])
    [found] = merged.bins
    assert (found.n, found.confidence, found.accuracy) == (40, pytest.approx(0.82), pytest.approx(0.9))
    assert merged.ece == pytest.approx(0.08)


def test_languages_are_grouped_by_script_where_the_document_has_it() -> None:
    report = make_report(large_document(examples=0, points=14))
    groups = group_rows(report, language_rows(report))
    assert [name for name, _ in groups] == ["", "Latin", "Other", "Arabic"]
    assert [row.name for row in groups[0][1]][0] == "English" and [row.name for row in groups[3][1]] == ["Arabic"]
    assert sum(len(rows) for _, rows in groups) == 14
    plain = make_report()
    assert [name for name, _ in group_rows(plain, language_rows(plain))] == [""]


def test_a_report_of_14_languages_with_200_texts_is_below_3_mb() -> None:
    assert len(make_report(large_document()).to_html().encode("utf-8")) < 3_000_000


def test_markdown_has_a_section_for_each_document() -> None:
    text = markdown_page([("one", make_report()), ("<two>", make_report())])
    assert re.findall(r"^## .*$", text, re.MULTILINE) == ["## one", r"## \<two\>"]
    assert text.count("| Swahili (sw) | 104 |") == 2
    assert "- Projection gain: **+3.2** (points, from 81.8)" in text


def test_a_report_is_written_in_all_forms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = make_report()
    for path, text in (
        (tmp_path / "new" / "r.html", report.to_html(tmp_path / "new" / "r.html")),
        (tmp_path / "r.md", report.to_markdown(str(tmp_path / "r.md"))),
    ):
        assert path.read_text(encoding="utf-8") == text and "Swahili" in text
    report.to_json(tmp_path / "m.json")
    assert json.loads((tmp_path / "m.json").read_text(encoding="utf-8")) == document() == report.to_dict()
    assert Report.load(tmp_path / "m.json") == report
    assert capsys.readouterr().out == ""
    report.table()
    assert "Swahili (sw)" in capsys.readouterr().out
    assert "<td>Swahili (sw)</td>" in report._repr_html_()


def test_lists_of_numbers_stay_on_one_line(tmp_path: Path) -> None:
    content = large_document(examples=1)
    content["details"]["examples"][0]["text"] = "[\n 1,\n 2\n]"
    make_report(content).to_json(tmp_path / "m.json")
    text = (tmp_path / "m.json").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 5000 and '"ci95": [ 0.89, 1.0 ]' in text
    assert Report.load(tmp_path / "m.json").to_dict() == content


def test_a_table_goes_to_the_given_console(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    make_report().table(Console(file=stream))
    assert "Swahili (sw)" in stream.getvalue() and capsys.readouterr().out == ""


def test_files_are_complete_and_nothing_is_left_beside_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "r.html"
    place.write_text("old")

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_report([make_report()], place)
    assert place.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    for write in (make_report().to_html, make_report().to_markdown, make_report().to_json):
        with pytest.raises(XltError, match="taken"):
            write(tmp_path / "taken")


def test_no_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(XltError):
        write_report([], tmp_path / "r.html")
    with pytest.raises(XltError):
        markdown_page([])
    assert not list(tmp_path.iterdir())


def test_reports_of_one_model_are_told_apart(tmp_path: Path) -> None:
    make_report(model="same").to_json(tmp_path / "m.json")
    markdown = tmp_path / "r.md"
    write_report([make_report(model="other"), make_report(model="same"), tmp_path / "m.json"], tmp_path / "r", markdown)
    titles = re.findall(r"^## (.*)$", markdown.read_text(encoding="utf-8"), re.MULTILINE)
    assert titles[:2] == ["other", "same (2)"] and titles[2].endswith("m.json)")


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(XltError, match=r"jinja2.*spacy-xlt\[report\]"):
        write_report([make_report()], tmp_path / "r.html")
    assert "Swahili" in make_report().to_markdown()


def test_signed_changes() -> None:
    assert [signed(value) for value in (0.031, -0.031, 0.0)] == ["+3.1", "−3.1", "0.0"]


def run_cli(*arguments: Any) -> Any:
    app = typer.Typer()
    app.command("report")(report_cli)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_writes_a_page_and_markdown(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps(document()), encoding="utf-8")
    page, markdown = tmp_path / "page.html", tmp_path / "page.md"
    result = run_cli(tmp_path / "a.json", tmp_path / "b.json", "-o", page, "--markdown", markdown)
    assert result.exit_code == 0
    assert str(page) in result.output
    # Two documents of one model are distinguished by their files.
    assert "b.json)" in page.read_text(encoding="utf-8")
    assert "b.json)" in markdown.read_text(encoding="utf-8")


def test_the_command_names_a_file_that_it_cannot_use(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text('{"cats_score": 1}')
    result = run_cli(tmp_path / "m.json", "-o", tmp_path / "page.html")
    assert isinstance(result.exception, XltError)
    assert re.search(r"m\.json.*'model'", str(result.exception))
    assert not (tmp_path / "page.html").exists()

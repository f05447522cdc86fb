import io
from typing import Any

from rich.console import Console

from spacy_xlt.evaluation.document import Metrics
from spacy_xlt.evaluation.table import escape_markdown, html_table, markdown_table, points, print_table

from .documents import document, figures, source_only, without_projection


def parse(content: dict[str, Any]) -> Metrics:
    return Metrics.parse(content, "test")


def printed(content: dict[str, Any], width: int = 80, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    print_table(parse(content), Console(file=stream, width=width))
    stream.flush()
    return raw.getvalue().decode(encoding)


def cells(markdown: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.splitlines()]


def test_markdown_has_the_source_first_then_the_others_by_name_then_the_mean() -> None:
    header, rule, *rows = cells(markdown_table(parse(document())))
    assert header == ["Language", "n", "Accuracy", "Macro-F1", "Gap", "Before projection", "Language detected"]
    assert len(rule) == len(header)
    assert [row[0] for row in rows] == ["English (en)", "German (de)", "Swahili (sw)", "Mean of targets"]
    assert rows[2] == ["Swahili (sw)", "104", "82.0 (76.0–87.0)", "82.0 (76.0–87.0)", "10.0", "75.5", "98.0"]
    assert rows[3] == ["Mean of targets", "", "85.0", "85.0", "7.0", "81.8", "98.0"]


def test_the_projection_column_needs_a_projection() -> None:
    assert "Before" not in markdown_table(parse(without_projection()))
    assert "Before" not in printed(without_projection())


def test_a_language_without_figures_before_shows_none() -> None:
    metrics = document()
    del metrics["before_projection"]["languages"]["sw"]
    assert cells(markdown_table(parse(metrics)))[4][5] == "–"


def test_a_document_of_the_source_alone_has_no_mean() -> None:
    assert "Mean" not in markdown_table(parse(source_only()))
    assert "Mean" not in printed(source_only())


def test_null_figures_are_dashes() -> None:
    mean = {"languages": 1, "accuracy": 0.8, "macro_f1": 0.8, "gap": None, "langid_accuracy": None}
    metrics = without_projection(languages={"de": figures(0.8, None, langid=None)}, mean=mean)
    assert cells(markdown_table(parse(metrics)))[2][4:] == ["–", "–"]


def test_the_terminal_table_fits_80_columns() -> None:
    text = printed(document())
    assert all(len(line) <= 80 for line in text.splitlines())
    for word in ("training/tickets/transfer", "English (en)", "82.0 (76.0–87.0)", "75.5", "Mean of targets"):
        assert word in text


def test_the_terminal_table_prints_where_the_encoding_is_poor() -> None:
    better_than_source = figures(0.93, -0.01)
    metrics = document(languages={"en": figures(0.92, 0.0), "de": better_than_source})
    assert "-1.0" in printed(metrics, encoding="cp437")


def test_untrusted_names_are_shown_as_they_are() -> None:
    languages = {"en": figures(0.9, 0.0), "[red]|<b>": figures(0.8, 0.1), "\x1b[2J": figures(0.8, 0.1)}
    metrics = document(model="[bold]m[/nope]\n\x1b[2J", languages=languages)
    text = printed(metrics, width=120)
    assert "[bold]m[/nope]" in text
    assert "[red]|<b>" in text
    assert "\x1b" not in text
    assert r"\[red\]\|\<b\>" in markdown_table(parse(metrics))


def test_escape_markdown_keeps_a_text_on_one_line() -> None:
    assert escape_markdown("a\n# b|c") == r"a \# b\|c"


def test_points_have_a_minus_sign_and_no_negative_zero() -> None:
    assert [points(value) for value in (0.031, -0.031, -0.0001, None)] == ["3.1", "−3.1", "0.0", "–"]


def test_the_html_table_has_the_same_rows_escaped() -> None:
    html = html_table(parse(document(model="<b>m</b>")))
    assert "&lt;b&gt;m&lt;/b&gt;, 312 documents" in html and "<b>" not in html
    assert "<tr><td>Swahili (sw)</td><td>104</td><td>82.0 (76.0–87.0)</td>" in html
    assert html.count("<tr>") == 1 + 3 + 1

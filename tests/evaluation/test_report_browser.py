"""The page of a report in headless Chromium: filters, keyboard, contrast, and nothing that it loads."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spacy_xlt.evaluation.report import write_report

from .documents import make_report
from .large_report import LABELS, LANGUAGES, large_document

pytestmark = pytest.mark.browser
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
EXAMPLES = 28
SHOWN = 10
# The rules of WCAG 2.0 to 2.2 at the levels A and AA, with the contrast of texts.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    driver = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with driver.sync_playwright() as started:
        # A sandbox needs rights that containers lack. The page is our own.
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    make_report(large_document(EXAMPLES, points=140)).to_html(path)
    return Path(path).as_uri()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The open page. A message on the console, an exception or a request is an error."""
    problems: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: problems.append(request.url) if request.url != address else None)
    page.goto(address)
    yield page
    context.close()
    assert problems == []


def shown(page: Any) -> int:
    return page.locator(".example:visible").count()


def filter_by(page: Any, name: str) -> Any:
    return page.locator(f"select[name={name}]")


def count(page: Any) -> str:
    return page.locator(".found").inner_text()


def test_the_first_examples_are_shown_and_then_more(page: Any) -> None:
    assert (shown(page), count(page)) == (SHOWN, f"{EXAMPLES} of {EXAMPLES} texts, the first {SHOWN} are shown")
    page.get_by_role("button", name="Show more").click()
    assert shown(page) == 2 * SHOWN
    assert page.evaluate("[...document.querySelectorAll('.example')].indexOf(document.activeElement)") == SHOWN
    page.get_by_role("button", name="Show more").click()
    assert shown(page) == EXAMPLES and not page.get_by_role("button", name="Show more").is_visible()


def test_the_filters_can_be_combined(page: Any) -> None:
    filter_by(page, "language").select_option("de")
    assert shown(page) == EXAMPLES // len(LANGUAGES)
    assert set(page.locator(".example:visible .top b").all_inner_texts()) == {"German"}
    filter_by(page, "kind").select_option("language")
    assert (shown(page), count(page)) == (0, f"0 of {EXAMPLES} texts")
    filter_by(page, "language").select_option("")
    assert shown(page) == len(range(0, EXAMPLES, 7))


def test_labels_are_filtered_by_their_exact_name(page: Any) -> None:
    for name, tag in (("gold", "correct"), ("predicted", "predicted")):
        menu = filter_by(page, name)
        label = LABELS[3]
        menu.select_option(label)
        named = [f"{label} {tag}"] * shown(page)
        assert named and len(page.locator(".example:visible .label", has_text=tag).all()) >= len(named)
        menu.select_option("")


def test_the_search_finds_all_words_in_any_order(page: Any) -> None:
    page.get_by_role("searchbox").fill("paket WOCHEN")
    assert shown(page) == EXAMPLES // len(LANGUAGES)
    page.get_by_role("searchbox").fill("(#13)")
    assert (shown(page), count(page)) == (1, f"1 of {EXAMPLES} texts")
    page.get_by_role("searchbox").fill("no such text")
    assert shown(page) == 0


def test_a_table_is_sorted_by_the_column_that_is_chosen(page: Any) -> None:
    table = page.locator("table.sortable")
    for direction in ("descending", "ascending"):
        table.get_by_role("button", name="Accuracy").press("Enter")
        values = [float(value) for value in table.locator("tbody td:nth-child(3)").evaluate_all(VALUES)]
        assert values == sorted(values, reverse=direction == "descending")
        assert table.locator("th[aria-sort]").get_attribute("aria-sort") == direction
    table.get_by_role("button", name="Language", exact=True).press("Space")
    assert table.locator("tbody th").first.inner_text().startswith("Vietnamese")


VALUES = "cells => cells.map(cell => cell.dataset.value)"


def test_the_map_shows_labels_or_languages_and_highlights_one(page: Any) -> None:
    assert page.locator(".of-label.points").count() == 2
    page.get_by_role("radio", name="By label").press("ArrowRight")
    assert page.get_by_role("radio", name="By language").is_checked()
    assert not page.locator(".of-label.points").first.is_visible()
    key = page.get_by_role("button", name="Swahili")
    key.press("Space")
    assert key.get_attribute("aria-pressed") == "true"
    assert page.locator(".points g.on title").all_text_contents() == ["Swahili", "Swahili"]
    page.get_by_role("button", name="Thai").press("Enter")
    assert page.locator(".points g.on title").all_text_contents() == ["Thai", "Thai"]
    page.get_by_role("button", name="Thai").press("Enter")
    assert page.locator(".points g.on").count() == 0


def test_everything_is_reachable_by_keyboard_in_the_order_of_the_page(page: Any) -> None:
    page.evaluate("""() => {
        window.reached = [];
        document.addEventListener("focusin", event => window.reached.push(event.target));
    }""")
    total = page.evaluate(f"{FOCUSABLE}.length")
    for _ in range(total):
        page.keyboard.press("Tab")
    assert (
        page.evaluate(f"{FOCUSABLE}.filter(element => !window.reached.includes(element)).map(e => e.outerHTML)") == []
    )
    assert page.evaluate(f"JSON.stringify(window.reached.map(e => {FOCUSABLE}.indexOf(e)))") == str(
        list(range(total))
    ).replace(" ", "")


# A group of radio buttons is one stop.
FOCUSABLE = """[...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
    .filter(element => element.checkVisibility() && !(element.type === "radio" && !element.checked))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_and_roles_meet_wcag_aa(browser: Any, tmp_path: Path, scheme: str) -> None:
    make_report(large_document(examples=4, points=14)).to_html(tmp_path / "r.html")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto((tmp_path / "r.html").as_uri())
    page.evaluate("() => document.querySelectorAll('details').forEach(details => { details.open = true; })")
    results = axe.run(page, options=RULES)
    context.close()
    assert [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in results.response["violations"]] == []
    passed = {each["id"]: len(each["nodes"]) for each in results.response["passes"]}
    assert passed["color-contrast"] > 100


@pytest.mark.parametrize("width", [320, 390, 768])
def test_the_page_fits_narrow_screens(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_paper_has_all_texts_and_no_controls(page: Any) -> None:
    filter_by(page, "language").select_option("")
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert shown(page) == EXAMPLES
    assert not page.get_by_role("searchbox").is_visible() and not page.locator("nav").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert shown(page) == SHOWN


def test_several_models_have_controls_of_their_own(browser: Any, tmp_path: Path) -> None:

    write_report(
        [make_report(large_document(EXAMPLES, points=14, model=model)) for model in ("one", "two")], tmp_path / "r.html"
    )
    page = browser.new_page()
    page.goto((tmp_path / "r.html").as_uri())
    first, second = page.locator(".model").all()
    first.get_by_role("searchbox").fill("(#13)")
    assert (shown(first), shown(second)) == (1, SHOWN)
    second.get_by_role("radio", name="By language").check(force=True)
    assert first.get_by_role("radio", name="By label").is_checked()
    page.close()

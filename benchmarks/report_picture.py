"""Take the pictures of a report: docs/report.png, which the README shows, and docs/report-errors.png.

    python -m spacy project run all
    python benchmarks/report_picture.py metrics/tickets.html

It needs the extra `browser` and Chromium (Debian's package `chromium`, or the path in the variable CHROMIUM).
"""

import os
import shutil
import sys
from pathlib import Path

from common import PROJECT

WIDTH, HEIGHT = 1200, 1600
# Nothing may stand in front of what is photographed.
STYLE = "nav { position: static !important } .example:nth-of-type(n + 4), .more { display: none !important }"


def find_chromium() -> str:
    """Return the path of Chromium."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, (shutil.which(name) for name in names if name)), None)
    if found is None:
        sys.exit("Chromium is not installed. Install it, or name its path in the variable CHROMIUM.")
    return found


def main(page: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        tab.goto(page.resolve().as_uri())
        tab.add_style_tag(content=STYLE)
        chart = tab.locator("section:has(> #accuracy-1)").bounding_box()
        if chart is None:
            sys.exit(f"{page} has no plot.")
        top = {"x": 0, "y": 0, "width": WIDTH, "height": round(chart["y"] + chart["height"] + 24)}
        tab.screenshot(path=PROJECT / "docs" / "report.png", clip=top, full_page=True)  # type: ignore[arg-type]
        tab.locator(".example details").first.evaluate("details => { details.open = true; }")
        tab.locator("section:has(> #errors-1)").screenshot(path=PROJECT / "docs" / "report-errors.png")
        browser.close()
    for name in ("report.png", "report-errors.png"):
        print(f"docs/{name}: {(PROJECT / 'docs' / name).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

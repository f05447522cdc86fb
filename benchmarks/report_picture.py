"""Take the pictures of a report for the README: docs/report.png and docs/report-dark.png.

    python -m spacy project run all
    python benchmarks/report_picture.py metrics/tickets.html

It needs the extra `browser` and Chromium (Debian's package `chromium`, or the path in the variable CHROMIUM).
"""

import os
import shutil
import sys
from pathlib import Path

from common import PROJECT

WIDTH, HEIGHT = 1200, 1500


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
        for scheme, name in (("light", "report.png"), ("dark", "report-dark.png")):
            tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)  # type: ignore[arg-type]
            tab.goto(page.resolve().as_uri())
            picture = PROJECT / "docs" / name
            tab.screenshot(path=picture)
            print(f"{picture}: {picture.stat().st_size / 1000:.0f} kB")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

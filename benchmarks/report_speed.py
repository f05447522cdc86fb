"""How long a report takes to write and to open in Chromium, and how large it is.

    python benchmarks/report_speed.py metrics/sib200.json

The metrics file should have many languages and many examples. It needs the extra `browser` and Chromium. If other
programs use the machine, give this one a real-time priority for its few seconds: `chrt -r 1 python ...`.
"""

import os
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from common import write_results
from report_picture import find_chromium

from spacy_xlt.evaluation.report import Report

RUNS = 7
# Until the page has run its script and is complete; and until its first content is painted.
TIMES = """() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done({
    complete: performance.getEntriesByType("navigation")[0].loadEventEnd / 1000,
    painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime / 1000,
}), 100)))"""


def open_page(address: str) -> list[dict[str, float]]:
    """Return the times of each run in seconds. Each run has a new context, so nothing is cached.

    `processor` is the time that the main thread of the page worked, which does not depend on other programs.
    """
    from playwright.sync_api import sync_playwright

    times = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        for _ in range(RUNS):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            page = context.new_page()
            session = context.new_cdp_session(page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            page.goto(address)
            found = page.evaluate(TIMES)
            metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
            times.append({**found, "processor": metrics["TaskDuration"]})
            context.close()
        browser.close()
    return times


def main(metrics: Path) -> None:
    report = Report.load(metrics)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        report.to_html(path)
        start = perf_counter()
        report.to_html(path)
        seconds = perf_counter() - start
        times = open_page(path.as_uri())
        megabytes = path.stat().st_size / 1e6
    details = report.details
    result = {
        "languages": len(report.languages),
        "test texts": report.n,
        "examples": len(details.examples) if details else 0,
        "size, MB": round(megabytes, 2),
        "write, s": round(seconds, 2),
        "first paint, s": _median(times, "painted"),
        "complete, s": _median(times, "complete"),
        "processor time of the page, s": _median(times, "processor"),
        "load of the machine": round(os.getloadavg()[0], 1),
    }
    rows = "\n".join(f"| {key} | {value} |" for key, value in result.items())
    write_results("report_speed", result, f"| Report | |\n|---|---:|\n{rows}")


def _median(times: list[dict[str, float]], key: str) -> float:
    return round(statistics.median(each[key] for each in times), 2)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

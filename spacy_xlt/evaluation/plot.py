"""A dot plot of the accuracy of each language, as inline SVG for a page or as a PNG file.

The colors of the SVG are CSS variables (`--ink`, `--muted`, `--line`, `--surface`, `--after`, `--before`), so that one
plot fits the light and the dark page. Its text stays text, in the font of the page. The same rows give the same bytes.
"""

import re
from collections.abc import Sequence
from io import StringIO
from math import floor
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spacy_xlt.evaluation.table import Row, percent

# matplotlib does not know CSS variables. It draws in these placeholder colors, which are then replaced.
INK, MUTED, LINE, SURFACE, AFTER, BEFORE = ("#010101", "#020202", "#030303", "#040404", "#050505", "#060606")
VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", SURFACE: "surface", AFTER: "after", BEFORE: "before"}

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "spacy-xlt",
    "text.parse_math": False,  # A language code is untrusted, and "$\foo$" would be an error.
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": INK,
}
ROW_INCHES = 0.34
FRAME_INCHES = 0.75


def dot_plot(rows: Sequence[Row], width: float, prefix: str) -> str:
    """Draw the rows as an `<svg>` element.

    Args:
        rows: The rows, the first one at the top. Every row needs an accuracy and its interval.
        width: The width in inches. The plot scales with the page, and its text with it.
        prefix: A prefix for every id, because ids must be unique in a page.
    """
    # The user's matplotlib settings do not affect the plot, and the plot does not change them.
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        figure = Figure(figsize=(width, FRAME_INCHES + ROW_INCHES * len(rows)), layout="constrained")
        _draw(figure.add_subplot(), rows)
        buffer = StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    return _for_a_page(buffer.getvalue(), prefix)


def _draw(axes: Axes, rows: Sequence[Row]) -> None:
    paired = any(row.before is not None for row in rows)
    for y, row in enumerate(rows):
        axes.axhline(y, color=LINE, linewidth=0.8, zorder=0)
        _dot(axes, y - 0.17 if paired else y, row.accuracy, row.accuracy_interval, AFTER, AFTER)
        _dot(axes, y + 0.17, row.before, row.before_interval, BEFORE, SURFACE)
        value: dict[str, Any] = {"va": "center", "fontsize": 9, "transform": axes.get_yaxis_transform()}
        axes.text(1.02, y, percent(row.accuracy), **value)
        if row.is_source and row.accuracy is not None:
            axes.axvline(100 * row.accuracy, color=MUTED, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)
    axes.set_yticks(range(len(rows)), labels=[row.name for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(_floor(rows), 101)
    axes.set_xlabel("Accuracy, %")
    axes.tick_params(length=0)
    axes.grid(axis="x", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)


def _dot(axes: Axes, y: float, share: float | None, bounds: tuple[float, float] | None, edge: str, face: str) -> None:
    if share is None or bounds is None:
        return
    axes.plot([100 * bound for bound in bounds], [y, y], color=edge, linewidth=1.8, solid_capstyle="round", zorder=2)
    axes.plot([100 * share], [y], "o", markersize=6.5, color=edge, markerfacecolor=face, markeredgewidth=1.5, zorder=3)


def _floor(rows: Sequence[Row]) -> int:
    """Return the left end of the axis: the nearest multiple of ten below every interval."""
    bounds = [row.accuracy_interval for row in rows] + [row.before_interval for row in rows]
    lowest = min((bound[0] for bound in bounds if bound), default=0.0)
    return max(0, min(90, 10 * floor(10 * lowest - 0.2)))


def _for_a_page(svg: str, prefix: str) -> str:
    """Turn matplotlib's SVG file into an element without XML header, addresses, fixed size, or global styles."""
    box = re.search(r'viewBox="[^"]*"', svg)
    body = svg[svg.index(">", svg.index("<svg")) + 1 :]
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, count=1, flags=re.DOTALL)
    for before, after in (('id="', f'id="{prefix}-'), ('href="#', f'href="#{prefix}-'), ("url(#", f"url(#{prefix}-")):
        body = body.replace(before, after)
    for color, variable in VARIABLES.items():
        body = body.replace(color, f"var(--{variable})")
    return f'<svg aria-hidden="true" {box.group() if box else ""}>{body}'.replace("xlink:href", "href").rstrip()
